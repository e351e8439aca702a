//! The mixture is for 121 tokens, and gets 64.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Conv2d, PerConv, SoftMoe};
use softmoe_nets::{BoxedNetwork, Builder, ExpertSettings};

fn main() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 8, extra_layers: 0, noisy: true };
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        PerConv(Const::<64>),
        SoftMoe::new(&mut builder, "moe", (Const::<121>, Const::<16>, Const::<4>, Const::<16>), experts),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
