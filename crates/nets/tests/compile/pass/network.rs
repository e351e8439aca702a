//! Every size fits the one before.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{CategoricalHead, Conv2d, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::{BoxedNetwork, Builder, ExpertSettings};

fn main() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 8, extra_layers: 0, noisy: true };
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        Relu,
        PerConv(Const::<64>),
        SoftMoe::new(&mut builder, "moe", (Const::<64>, Const::<16>, Const::<4>, Const::<16>), experts),
        Flatten(Const::<1024>),
        CategoricalHead::dueling(&mut builder, "head", Const::<1024>, 6, Const::<51>, true),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
