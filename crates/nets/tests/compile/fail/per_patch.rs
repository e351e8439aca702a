//! An 8x8 map has 4 patches of 3x3, not 9.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::PerPatch;
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = PerPatch::new(&mut builder, "embedding", [11, 11], Const::<9>, Const::<16>);
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
