//! A pooling of stride 2 with SAME padding makes 42 of 84, without padding 41.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{MaxPool2d, Relu, Same};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let pooling = MaxPool2d::<Const<41>, Const<42>, 3, 2, Same>::new((Const, Const));
    BoxedNetwork::new(Builder::new(), (pooling, Relu), |batch| (batch, Const::<84>, Const::<84>, 4));
}
