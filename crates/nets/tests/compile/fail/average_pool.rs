//! A pooling of 3x3, stride 3, makes 3x3 positions of 11x11, not 4x4.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{AveragePool, PerConv};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let network = (AveragePool::<_, _, 3, 3>(Const::<4>, Const::<4>), PerConv(Const::<16>));
    BoxedNetwork::new(Builder::new(), network, |batch| (batch, Const::<11>, Const::<11>, Const::<32>));
}
