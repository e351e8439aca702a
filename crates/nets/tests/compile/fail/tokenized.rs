//! A tokenized body takes tokens, and gets the flattened map.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Flatten, Pooling, ReluPlace, Tokenized, TokenizedSettings};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let settings = TokenizedSettings { pooling: Pooling::Mean, relu: ReluPlace::BeforePooling, noisy: true };
    let network =
        (Flatten(Const::<1024>), Tokenized::new(&mut builder, "body", Const::<1024>, Const::<128>, settings));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
