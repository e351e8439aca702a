//! The head is for 512 features, and gets 1024.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{CategoricalHead, Flatten};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (
        Flatten(Const::<1024>),
        CategoricalHead::dueling(&mut builder, "head", Const::<512>, 6, Const::<51>, true),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<64>, Const::<16>));
}
