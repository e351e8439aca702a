//! A 3x3 convolution makes 8x8 positions of 10x10, not 9x9.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Conv2d, Relu};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (
        Conv2d::<Const<9>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        Relu,
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
