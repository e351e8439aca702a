//! 64 tokens of width 16 are 1024 features, not 1000.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Flatten, Linear};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (Flatten(Const::<1000>), Linear::new(&mut builder, "hidden", Const::<1000>, Const::<8>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<64>, Const::<16>));
}
