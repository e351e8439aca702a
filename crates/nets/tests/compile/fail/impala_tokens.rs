//! Impala makes 11x11 positions of 84x84 pixels: 121 tokens, not 64.

use softmoe_nets::shapes::Const;
use softmoe_nets::encoders::Impala;
use softmoe_nets::layers::PerConv;
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let encoder: Impala = Impala::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let network = (encoder, PerConv(Const::<64>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<84>, Const::<84>, 4));
}
