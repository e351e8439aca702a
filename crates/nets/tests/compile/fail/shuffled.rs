//! A map of 8x8 positions has 64 tokens, however its values are shuffled, not 121.

use dfdx::shapes::Const;
use softmoe_nets::layers::{Conv2d, Shuffled};
use softmoe_nets::{BoxedNetwork, Builder, Permutation};

fn main() {
    let mut builder = Builder::new();
    let network = (
        Conv2d::<Const<8>, Const<8>, Const<16>, 3, 1>::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        Shuffled::new(Const::<121>, Permutation::new((0..1024).rev().collect()).unwrap()),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 4));
}
