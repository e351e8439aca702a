//! A value head takes the features of a sample, and gets tokens that nothing has pooled or flattened.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{PerConv, QHead};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (PerConv(Const::<64>), QHead::dueling(&mut builder, "head", Const::<16>, 6, true));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
