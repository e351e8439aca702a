//! 100 features are not 8 equal groups.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{Linear, SimplicialGroups};
use softmoe_nets::{BoxedNetwork, Builder};

fn main() {
    let mut builder = Builder::new();
    let network =
        (Linear::new(&mut builder, "hidden", Const::<1024>, Const::<100>), SimplicialGroups::new(Const::<8>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<1024>));
}
