//! A convolution to 32 channels cannot be added to its input of 16.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Conv2d, Relu, Residual};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let convolution = Conv2d::<Const<8>, Const<8>, Const<32>, 3, 1, _>::same(
        &mut builder,
        "convolution",
        16,
        (Const, Const, Const),
    );
    let network = (Residual((Relu, convolution)), Relu);
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
