//! The default encoder of Mnih et al. is for 84x84 pixels, not for MinAtar's 10x10.

use softmoe_nets::shapes::Const;
use softmoe_nets::encoders::Nature;
use softmoe_nets::layers::Flatten;
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let encoder: Nature = Nature::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let network = (encoder, Flatten(Const::<7744>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
