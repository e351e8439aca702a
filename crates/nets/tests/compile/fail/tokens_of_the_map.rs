//! A map of 8x8 positions has 64 tokens, not 121.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Conv2d, PerConv};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        PerConv(Const::<121>),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
