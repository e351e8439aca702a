//! The encoders' hand-written gradients against central differences, in double precision.

mod support;

use softmoe_nets::Builder;
use softmoe_nets::encoders::{Impala, MinAtar, MinAtarDeep, MinAtarPooledResidual, MinAtarResidual, Nature};
use softmoe_nets::layers::{Conv2d, MaxPool2d, Relu, Residual, Same, Valid};
use support::difference_quotients::check;

#[test]
fn same_convolutions() {
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "stride 1", 2, (4_usize, 5_usize, 3_usize));
    check(builder, &layer, (2, 4_usize, 5_usize, 2));
    // The border is wider at the end.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 4, 2, _>::same(&mut builder, "stride 2", 2, (3_usize, 4_usize, 3_usize));
    check(builder, &layer, (2, 5_usize, 7_usize, 2));
    // The kernel is larger than the map.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 5, 1, _>::same(&mut builder, "kernel 5", 1, (2_usize, 1_usize, 2_usize));
    check(builder, &layer, (2, 2_usize, 1_usize, 1));
    // The stride is larger than the kernel.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 1, 3, _>::same(&mut builder, "stride 3", 2, (2_usize, 2_usize, 2_usize));
    check(builder, &layer, (2, 5_usize, 4_usize, 2));
}

#[test]
fn poolings() {
    let layer = MaxPool2d::<_, _, 3, 2, Same>::new((4_usize, 3_usize));
    check(Builder::new(), &layer, (2, 8_usize, 5_usize, 3_usize));
    let layer = MaxPool2d::<_, _, 2, 2, Valid>::new((2_usize, 3_usize));
    check(Builder::new(), &layer, (2, 5_usize, 6_usize, 2_usize));
}

#[test]
fn residual_blocks() {
    let mut builder = Builder::new();
    let output = (3_usize, 2_usize, 4_usize);
    let first = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "first", 4, output);
    let second = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "second", 4, output);
    check(builder, &Residual((Relu, first, Relu, second)), (2, 3_usize, 2_usize, 4_usize));
    check(Builder::new(), &Residual(Relu), (2, 5_usize));
}

#[test]
fn encoders() {
    let mut builder = Builder::new();
    let layer: Impala<usize, usize, usize, usize, _, _, _> =
        Impala::new(&mut builder, "impala", [9, 7, 2], (2_usize, 3_usize, 2_usize));
    check(builder, &layer, (2, 9_usize, 7_usize, 2_usize));
    let mut builder = Builder::new();
    let layer: Nature<usize, usize, _, _, _> =
        Nature::new(&mut builder, "nature", [9, 14, 1], (2_usize, 3_usize, 2_usize));
    check(builder, &layer, (2, 9_usize, 14_usize, 1_usize));
    let mut builder = Builder::new();
    let layer: MinAtar<usize, _> = MinAtar::new(&mut builder, "minatar", [5, 6, 2], 3_usize);
    check(builder, &layer, (2, 5_usize, 6_usize, 2_usize));
    let mut builder = Builder::new();
    let layer: MinAtarDeep<usize, _> = MinAtarDeep::new(&mut builder, "deep", [4, 5, 2], 3_usize);
    check(builder, &layer, (2, 4_usize, 5_usize, 2_usize));
    let mut builder = Builder::new();
    let layer: MinAtarResidual<usize, _> = MinAtarResidual::new(&mut builder, "residual", [4, 5, 2], 3_usize);
    check(builder, &layer, (2, 4_usize, 5_usize, 2_usize));
    let mut builder = Builder::new();
    let layer: MinAtarPooledResidual<usize, usize, _> =
        MinAtarPooledResidual::new(&mut builder, "pooled", [6, 5, 2], 3_usize);
    check(builder, &layer, (2, 6_usize, 5_usize, 2_usize));
}
