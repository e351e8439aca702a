//! The standard encoders, and one twice as wide, fit the tokens that they make.

use softmoe_nets::shapes::Const;
use softmoe_nets::encoders::{Impala, MinAtar, MinAtarDeep, MinAtarPooledResidual, MinAtarResidual, Nature};
use softmoe_nets::layers::{Flatten, PerConv};
use softmoe_nets::{BoxedNetwork, Builder};

/// Impala with stages of 32, 64 and 64 channels.
type Wide = Impala<Const<84>, Const<42>, Const<21>, Const<11>, Const<32>, Const<64>, Const<64>>;

fn main() {
    let mut builder = Builder::new();
    let impala: Impala = Impala::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let network = (impala, PerConv(Const::<121>), Flatten(Const::<3872>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<84>, Const::<84>, 4));

    let mut builder = Builder::new();
    let wide = Wide::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let network = (wide, PerConv(Const::<121>), Flatten(Const::<7744>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<84>, Const::<84>, 4));

    let mut builder = Builder::new();
    let nature: Nature = Nature::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let network = (nature, PerConv(Const::<121>), Flatten(Const::<7744>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<84>, Const::<84>, 4));

    let mut builder = Builder::new();
    let min_atar: MinAtar = MinAtar::new(&mut builder, "encoder", [10, 10, 7], Const);
    let network = (min_atar, PerConv(Const::<64>), Flatten(Const::<1024>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 7));

    let mut builder = Builder::new();
    let deep: MinAtarDeep = MinAtarDeep::new(&mut builder, "encoder", [10, 10, 7], Const);
    let network = (deep, PerConv(Const::<100>), Flatten(Const::<3200>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 7));

    let mut builder = Builder::new();
    let residual: MinAtarResidual = MinAtarResidual::new(&mut builder, "encoder", [10, 10, 7], Const);
    let network = (residual, PerConv(Const::<100>), Flatten(Const::<3200>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 7));

    let mut builder = Builder::new();
    let pooled: MinAtarPooledResidual = MinAtarPooledResidual::new(&mut builder, "encoder", [10, 10, 7], Const);
    let network = (pooled, PerConv(Const::<25>), Flatten(Const::<800>));
    BoxedNetwork::new(builder, network, |batch| (batch, Const::<10>, Const::<10>, 7));
}
