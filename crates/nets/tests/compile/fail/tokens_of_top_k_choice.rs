//! The mixture is for a run-time number of tokens, and gets 64 that the compiler knows.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Conv2d, PerConv, TopKChoice, TopKSettings};
use softmoe_nets::{BoxedNetwork, Builder, ExpertSettings};

fn main() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 8, extra_layers: 0, noisy: true };
    let settings = TopKSettings::default();
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        PerConv(Const::<64>),
        TopKChoice::new(&mut builder, "moe", (64, Const::<16>, Const::<4>), experts, settings),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
