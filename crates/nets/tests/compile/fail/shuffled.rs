//! A map of 8x8 positions has 64 tokens, however its values are shuffled, not 121.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::Shuffled;
use softmoe_nets::{BoxedNetwork, Builder, Permutation};

fn main() {
    let network = Shuffled::new(Const::<121>, Permutation::new((0..1024).rev().collect()).unwrap());
    BoxedNetwork::new(Builder::new(), network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
