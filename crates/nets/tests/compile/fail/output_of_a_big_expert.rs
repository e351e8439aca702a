//! An expert on 5x5 slots of width 4 makes 100 features, not 50.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{BigSoftMoe, Flatten, Linear, PerConv};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let sizes = (Const::<100>, Const::<4>, Const::<2>, Const::<5>);
    let experts = |builder: &mut Builder, name: &str| {
        (Flatten(Const::<100>), Linear::new(builder, name, Const::<100>, Const::<50>))
    };
    let network = (PerConv(Const::<100>), BigSoftMoe::new(&mut builder, "moe", sizes, experts));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, Const::<4>));
}
