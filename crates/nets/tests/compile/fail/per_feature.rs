//! Each channel of an 8x8 map is a token of width 64, not 16.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::PerFeature;
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let network = PerFeature(Const::<16>);
    BoxedNetwork::new(Builder::new(), network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
