//! Experts that are networks of their own: a convolution takes the slots of a mixture, of a width that the compiler knows.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{BigSoftMoe, Conv2d, Flatten, PerConv};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let sizes = (Const::<100>, Const::<4>, Const::<2>, Const::<5>);
    let experts = |builder: &mut Builder, name: &str| {
        let encoder =
            Conv2d::<Const<5>, Const<5>, Const<4>, 1, 1>::new(builder, name, 4, (Const, Const, Const));
        (encoder, Flatten(Const::<100>))
    };
    let network = (PerConv(Const::<100>), BigSoftMoe::new(&mut builder, "moe", sizes, experts));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, Const::<4>));
}
