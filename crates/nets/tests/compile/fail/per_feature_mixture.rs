//! The mixture is for the tokens of PerConv, 64 of width 16, and gets those of PerFeature, 16 of width 64.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{PerFeature, SoftMoe};
use softmoe_nets::{BoxedNetwork, Builder, ExpertSettings};

fn main() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 8, extra_layers: 0, noisy: true };
    let network = (
        PerFeature(Const::<64>),
        SoftMoe::new(&mut builder, "moe", (Const::<64>, Const::<16>, Const::<4>, Const::<16>), experts),
    );
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<8>, Const::<8>, Const::<16>));
}
