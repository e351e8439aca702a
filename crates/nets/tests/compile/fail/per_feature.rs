//! Each channel of an 8x8 map is a token of width 64, not 16.

use dfdx::shapes::Const;
use softmoe_nets::layers::{Conv2d, PerFeature};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        PerFeature(Const::<16>),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
