//! What holds for convolutions, poolings and encoders of any size and any values.

mod support;

use proptest::prelude::*;
use rand::SeedableRng;
use softmoe_nets::encoders::{Impala, MinAtar, MinAtarDeep, MinAtarPooledResidual, MinAtarResidual, Nature};
use softmoe_nets::layers::{Conv2d, MaxPool2d, Padding, Relu, Residual, Same, Valid};
use softmoe_nets::shapes::{Const, Shape};
use softmoe_nets::{BoxedNetwork, Builder, Initializer, Layer, Network, ParameterList, Weights};
use support::orders::assert_near;
use support::uniform;

/// The output of `layer` for an input of shape `shape`; with `dy` also the gradients with respect to its input and to
/// its parameters.
fn pass<In: Shape, L: Layer<In>>(
    layer: &L,
    shape: In,
    parameters: &[f64],
    x: &[f64],
    dy: Option<&[f64]>,
) -> [Vec<f64>; 3] {
    let weights = Weights { parameters, noise: None };
    let mut workspace = layer.workspace::<f64>(shape);
    let y = layer.forward(weights, x, &mut workspace).to_vec();
    let mut gradient = vec![f64::NAN; parameters.len()];
    let dx = dy.map(|dy| layer.backward(weights, x, dy, &mut workspace, &mut gradient, true).to_vec());
    [y, dx.unwrap_or_default(), gradient]
}

/// Maps of (batch, height, width, channels), row-major, that are zero beyond their border.
struct Maps<'x> {
    x: &'x [f64],
    shape: [usize; 4],
}

impl Maps<'_> {
    fn at(&self, sample: usize, y: isize, x: isize, channel: usize) -> Option<f64> {
        let [_, height, width, channels] = self.shape;
        let (y, x) = (usize::try_from(y).ok()?, usize::try_from(x).ok()?);
        (y < height && x < width).then(|| self.x[((sample * height + y) * width + x) * channels + channel])
    }
}

/// Windows along an axis of length `n`, and how far before the axis the first begins: TensorFlow's definition.
fn windows(same: bool, n: usize, k: usize, s: usize) -> (usize, isize) {
    if !same {
        return ((n + s).saturating_sub(k) / s, 0);
    }
    let total = if n.is_multiple_of(s) { k as isize - s as isize } else { k as isize - (n % s) as isize };
    (n.div_ceil(s), total.max(0) / 2)
}

/// Calls `body` for each output position (sample, row, column) of windows of side `k` and stride `s`, with the place in
/// the map where the window begins.
fn each_window(
    maps: &Maps<'_>,
    same: bool,
    [k, s]: [usize; 2],
    mut body: impl FnMut(usize, isize, isize),
) -> [usize; 2] {
    let [batch, height, width, _] = maps.shape;
    let ((h, above), (w, left)) = (windows(same, height, k, s), windows(same, width, k, s));
    for sample in 0..batch {
        for y in 0..h {
            for x in 0..w {
                body(sample, (y * s) as isize - above, (x * s) as isize - left);
            }
        }
    }
    [h, w]
}

/// Compares a convolution with plain loops.
fn convolution<const K: usize, const S: usize, P: Padding>(
    shape: [usize; 4],
    outputs: usize,
    seed: u64,
) -> Result<(), TestCaseError> {
    let same = P::NAME == "SAME";
    let [batch, height, width, channels] = shape;
    let x = uniform(shape.iter().product(), 1.0, seed);
    let parameters = uniform(K * K * channels * outputs + outputs, 1.0, !seed);
    let (kernel, bias) = parameters.split_at(K * K * channels * outputs);
    let maps = Maps { x: &x, shape };
    let mut want = Vec::new();
    let [h, w] = each_window(&maps, same, [K, S], |sample, top, left| {
        for output in 0..outputs {
            let mut sum = bias[output];
            for (row, column) in (0..K).flat_map(|row| (0..K).map(move |column| (row, column))) {
                for channel in 0..channels {
                    let weight = kernel[((row * K + column) * channels + channel) * outputs + output];
                    let pixel = maps.at(sample, top + row as isize, left + column as isize, channel);
                    sum += weight * pixel.unwrap_or(0.0);
                }
            }
            want.push(sum);
        }
    });
    let mut builder = Builder::new();
    let initializer = |_, _| Initializer::Constant(0.0);
    let layer = Conv2d::<_, _, _, K, S, P>::with_initializer(
        &mut builder,
        "convolution",
        channels,
        (h, w, outputs),
        initializer,
    );
    let [got, ..] = pass(&layer, (batch, height, width, channels), &parameters, &x, None);
    assert_near(&got, &want)
}

/// Of a batch whose kernel gradient is several sums, some of fewer samples, or of none; those of its samples alone are
/// one sum each.
fn sums_of_samples<const STRIDE: usize, P: Padding>([h, w]: [usize; 2]) {
    for batch in [0, 6, 11, 16, 17] {
        let shape = |batch: usize| (batch, 20_usize, 20_usize, 30_usize);
        let mut builder = Builder::new();
        let initializer = |_, _| Initializer::Constant(0.0);
        let layer = Conv2d::<_, _, _, 3, STRIDE, P>::with_initializer(
            &mut builder,
            "convolution",
            30,
            (h, w, 17_usize),
            initializer,
        );
        let parameters = uniform(builder.parameters().len(), 1.0, 1);
        let (x_len, dy_len) = (12_000, h * w * 17);
        let (x, dy) = (uniform(batch * x_len, 1.0, 2), uniform(batch * dy_len, 1.0, 3));
        let [_, dx, gradient] = pass(&layer, shape(batch), &parameters, &x, Some(&dy));
        let (mut want_dx, mut want) = (Vec::new(), vec![0.0; parameters.len()]);
        for (x, dy) in x.chunks_exact(x_len).zip(dy.chunks_exact(dy_len)) {
            let [_, dx, gradient] = pass(&layer, shape(1), &parameters, x, Some(dy));
            want_dx.extend(dx);
            want.iter_mut().zip(&gradient).for_each(|(want, of_sample)| *want += of_sample);
        }
        assert_near(&dx, &want_dx).unwrap();
        assert_near(&gradient, &want).unwrap();
    }
}

#[test]
fn gradients_of_a_large_batch_are_the_sums_of_its_samples() {
    sums_of_samples::<1, Valid>([18, 18]);
    sums_of_samples::<2, Same>([10, 10]);
}

/// Compares a pooling, and where its gradient goes, with plain loops; values are a few integers, so that many are
/// equal.
fn pooling<const K: usize, const S: usize, P: Padding>(
    shape: [usize; 4],
    seed: u64,
) -> Result<(), TestCaseError> {
    let same = P::NAME == "SAME";
    let [batch, height, width, channels] = shape;
    let x: Vec<f64> = uniform(shape.iter().product(), 2.0, seed).iter().map(|x| x.round() - 5.0).collect();
    let maps = Maps { x: &x, shape };
    let (mut want, mut places) = (Vec::new(), Vec::new());
    let [h, w] = each_window(&maps, same, [K, S], |sample, top, left| {
        for channel in 0..channels {
            let mut largest = None;
            for (row, column) in (0..K).flat_map(|row| (0..K).map(move |column| (row, column))) {
                let (y, x) = (top + row as isize, left + column as isize);
                if let Some(value) = maps.at(sample, y, x, channel)
                    && largest.is_none_or(|(largest, _)| value > largest)
                {
                    let place = ((sample * height + y as usize) * width + x as usize) * channels + channel;
                    largest = Some((value, place));
                }
            }
            let (value, place) = largest.unwrap();
            want.push(value);
            places.push(place);
        }
    });
    let dy = uniform(want.len(), 1.0, !seed);
    let mut want_dx = vec![0.0; x.len()];
    places.iter().zip(&dy).for_each(|(&place, dy)| want_dx[place] += dy);

    let layer = MaxPool2d::<_, _, K, S, P>::new((h, w));
    let [y, dx, _] = pass(&layer, (batch, height, width, channels), &[], &x, Some(&dy));
    prop_assert_eq!(y, want);
    assert_near(&dx, &want_dx)
}

/// Calls `$function::<K, S, padding>` for the K and S that are given at run time.
macro_rules! with_sizes {
    ($function:ident, $padding:ty, $k:expr, $s:expr, $arguments:tt, [$(($ks:literal, $ss:literal)),*]) => {
        match ($k, $s) {
            $(($ks, $ss) => $function::<$ks, $ss, $padding> $arguments,)*
            other => panic!("no case {other:?}"),
        }
    };
}

fn shape() -> impl Strategy<Value = [usize; 4]> {
    // No axis shorter than the largest window, so that every window of a VALID padding fits.
    [1usize..3, 5usize..13, 5usize..13, 1usize..4]
}

proptest! {
    #[test]
    fn convolutions_equal_plain_loops(
        shape in shape(), outputs in 1usize..5, k in 1usize..6, s in 1usize..4, same: bool, seed: u64,
    ) {
        let arguments = (shape, outputs, seed);
        let (shape, outputs, seed) = arguments;
        if same {
            with_sizes!(convolution, Same, k, s, (shape, outputs, seed), [
                (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3),
                (4, 1), (4, 2), (4, 3), (5, 1), (5, 2), (5, 3)
            ])?;
        } else {
            with_sizes!(convolution, Valid, k, s, (shape, outputs, seed), [
                (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3),
                (4, 1), (4, 2), (4, 3), (5, 1), (5, 2), (5, 3)
            ])?;
        }
    }

    #[test]
    fn poolings_equal_plain_loops(shape in shape(), k in 2usize..4, s in 1usize..4, same: bool, seed: u64) {
        if same {
            // A stride beyond the window may leave a window beyond the border.
            let s = s.min(k);
            with_sizes!(pooling, Same, k, s, (shape, seed), [(2, 1), (2, 2), (3, 1), (3, 2), (3, 3)])?;
        } else {
            with_sizes!(pooling, Valid, k, s, (shape, seed), [
                (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)
            ])?;
        }
    }

    #[test]
    fn encoders_halve_sides_rounding_up(
        height in 1usize..40, width in 1usize..40, channels in 1usize..4, widths: [u8; 3],
    ) {
        let [a, b, c] = widths.map(|width| usize::from(width % 3) + 1);
        let mut builder = Builder::new();
        let shape = [height, width, channels];
        let input = (2, height, width, channels);
        let impala: Impala<usize, usize, usize, usize, _, _, _> =
            Impala::new(&mut builder, "impala", shape, (a, b, c));
        prop_assert_eq!(impala.output_shape(input), (2, height.div_ceil(8), width.div_ceil(8), c));
        let nature: Nature<usize, usize, _, _, _> =
            Nature::new(&mut builder, "nature", shape, (a, b, c));
        prop_assert_eq!(nature.output_shape(input), (2, height.div_ceil(8), width.div_ceil(8), c));
    }

    #[test]
    fn a_block_adds_its_input(
        height in 1usize..6, width in 1usize..6, channels in 1usize..4, seed: u64,
    ) {
        let mut builder = Builder::new();
        let layer = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "c", channels, (height, width, channels));
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let x = uniform(2 * height * width * channels, 1.0, !seed);
        let shape = (2, height, width, channels);
        let block = Residual((Relu, layer));
        let [mut want, ..] = pass(&block.0, shape, &parameters, &x, None);
        want.iter_mut().zip(&x).for_each(|(y, x)| *y += x);
        let [got, ..] = pass(&block, shape, &parameters, &x, None);
        assert_near(&got, &want)?;
    }
}

/// Maps so large that a batch is worked on in several portions, which samples do not divide evenly.
#[test]
fn samples_add_up_their_gradients() {
    let (side, channels, batch) = (21, 16, 5);
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "c", channels, (side, side, 3_usize));
    let parameters = uniform(builder.parameters().len(), 1.0, 1);
    let (map, outputs) = (side * side * channels, side * side * 3);
    let (x, dy) = (uniform(batch * map, 1.0, 2), uniform(batch * outputs, 1.0, 3));

    let (mut y, mut dx, mut gradient) = (vec![], vec![], vec![0.0; parameters.len()]);
    for (x, dy) in x.chunks_exact(map).zip(dy.chunks_exact(outputs)) {
        let alone = pass(&layer, (1, side, side, channels), &parameters, x, Some(dy));
        y.extend_from_slice(&alone[0]);
        dx.extend_from_slice(&alone[1]);
        gradient.iter_mut().zip(&alone[2]).for_each(|(sum, gradient)| *sum += gradient);
    }
    let together = pass(&layer, (batch, side, side, channels), &parameters, &x, Some(&dy));
    assert_near(&together[0], &y).unwrap();
    assert_near(&together[1], &dx).unwrap();
    assert_near(&together[2], &gradient).unwrap();
}

#[test]
fn what_is_no_number_is_pooled_to_no_number() {
    let layer = MaxPool2d::<_, _, 2, 2>::new((1_usize, 1_usize));
    for place in 0..4 {
        let mut x = [1.0, 2.0, 3.0, 4.0];
        x[place] = f64::NAN;
        let [y, ..] = pass(&layer, (1, 2_usize, 2_usize, 1_usize), &[], &x, None);
        assert!(y[0].is_nan(), "NaN at {place}");
    }
}

/// Compares the names, shapes and initializers of an encoder's kernels with `want`: name, sizes, whether
/// Xavier-uniform.
fn assert_initial(list: &ParameterList, want: &[(&str, [usize; 4], bool)]) {
    let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
    let values = list.initial(&mut rng);
    assert_eq!(list.iter().count(), 2 * want.len());
    for &(name, shape, xavier) in want {
        let kernel = list.get(&format!("encoder{name}/kernel")).unwrap();
        let [rows, columns, inputs, outputs] = shape;
        assert_eq!(kernel.shape, shape, "{name}");
        // The bounds of xavier_uniform, and of lecun_normal, truncated at two deviations.
        let fan_in = (rows * columns * inputs) as f64;
        let fan_out = (rows * columns * outputs) as f64;
        let bound = match xavier {
            true => (6.0 / (fan_in + fan_out)).sqrt(),
            false => 2.0 / 0.879_625_661 / fan_in.sqrt(),
        };
        let kernel = &values[kernel.range.clone()];
        let largest = kernel.iter().fold(0.0_f64, |most, &value| most.max(f64::from(value).abs()));
        assert!(largest <= bound && largest > 0.9 * bound, "{name}: largest {largest}, bound {bound}");
        let square = kernel.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / kernel.len() as f64;
        let variance = if xavier { bound * bound / 3.0 } else { 1.0 / fan_in };
        // Six standard errors: the fourth moment is at most 3 variances squared.
        let error = 6.0 * (2.0 / kernel.len() as f64).sqrt();
        assert!((square / variance - 1.0).abs() < error, "{name}: variance {square}, should be {variance}");
        let bias = list.get(&format!("encoder{name}/bias")).unwrap();
        assert_eq!(bias.shape, [outputs]);
        assert!(values[bias.range.clone()].iter().all(|&value| value == 0.0), "{name}: bias");
    }
    let again = list.initial(&mut rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1));
    assert_eq!(values, again, "the same seed");
}

#[test]
fn impala_starts_as_the_references() {
    let mut builder = Builder::new();
    let _: Impala = Impala::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let block = |c: usize| [3, 3, c, c];
    assert_initial(
        builder.parameters(),
        &[
            ("/stage_0/convolution", [3, 3, 4, 16], true),
            ("/stage_0/block_0/convolution_0", block(16), false),
            ("/stage_0/block_0/convolution_1", block(16), false),
            ("/stage_0/block_1/convolution_0", block(16), false),
            ("/stage_0/block_1/convolution_1", block(16), false),
            ("/stage_1/convolution", [3, 3, 16, 32], true),
            ("/stage_1/block_0/convolution_0", block(32), false),
            ("/stage_1/block_0/convolution_1", block(32), false),
            ("/stage_1/block_1/convolution_0", block(32), false),
            ("/stage_1/block_1/convolution_1", block(32), false),
            ("/stage_2/convolution", [3, 3, 32, 32], true),
            ("/stage_2/block_0/convolution_0", block(32), false),
            ("/stage_2/block_0/convolution_1", block(32), false),
            ("/stage_2/block_1/convolution_0", block(32), false),
            ("/stage_2/block_1/convolution_1", block(32), false),
        ],
    );
}

#[test]
fn nature_starts_as_the_references() {
    let mut builder = Builder::new();
    let _: Nature = Nature::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    assert_initial(
        builder.parameters(),
        &[
            ("/convolution_0", [8, 8, 4, 32], true),
            ("/convolution_1", [4, 4, 32, 64], true),
            ("/convolution_2", [3, 3, 64, 64], true),
        ],
    );
}

#[test]
fn minatar_starts_as_flax() {
    let mut builder = Builder::new();
    let _: MinAtar = MinAtar::new(&mut builder, "encoder", [10, 10, 6], Const);
    assert_initial(builder.parameters(), &[("", [3, 3, 6, 16], false)]);
}

#[test]
fn deeper_encoders_start_as_flax_and_as_impala() {
    let block = [3, 3, 32, 32];
    let mut builder = Builder::new();
    let _: MinAtarDeep = MinAtarDeep::new(&mut builder, "encoder", [10, 10, 6], Const);
    let convolutions = [
        ("/convolution_0", [3, 3, 6, 32], false),
        ("/convolution_1", block, false),
        ("/convolution_2", block, false),
    ];
    assert_initial(builder.parameters(), &convolutions);
    let stage = [
        ("/convolution", [3, 3, 6, 32], true),
        ("/block_0/convolution_0", block, false),
        ("/block_0/convolution_1", block, false),
        ("/block_1/convolution_0", block, false),
        ("/block_1/convolution_1", block, false),
    ];
    let mut builder = Builder::new();
    let _: MinAtarPooledResidual = MinAtarPooledResidual::new(&mut builder, "encoder", [10, 10, 6], Const);
    assert_initial(builder.parameters(), &stage);
    let mut builder = Builder::new();
    let _: MinAtarResidual = MinAtarResidual::new(&mut builder, "encoder", [10, 10, 6], Const);
    assert_initial(builder.parameters(), &stage);
}

#[test]
fn passes_allocate_nothing() {
    let mut builder = Builder::new();
    let impala: Impala<usize, usize, usize, usize, _, _, _> =
        Impala::new(&mut builder, "impala", [24, 24, 4], (4_usize, 8_usize, 8_usize));
    let nature: Nature<usize, usize, _, _, _> =
        Nature::new(&mut builder, "nature", [3, 3, 8], (4_usize, 8_usize, 8_usize));
    let network = BoxedNetwork::new(builder, (impala, nature), |batch| (batch, 24_usize, 24_usize, 4_usize));
    let parameters = vec![0.1; network.parameters().len()];
    let mut gradient = vec![0.0; parameters.len()];
    let weights = Weights { parameters: &parameters, noise: None };
    let (x, dy) = (vec![0.5; 3 * 24 * 24 * 4], [1.0; 3 * 8]);
    let mut pass = network.pass(3);
    let mut step = || {
        pass.forward(weights, &x);
        pass.backward(weights, &x, &dy, &mut gradient);
    };
    // The first product makes its thread's buffer.
    step();
    assert_eq!(allocation_counter::measure(step).count_total, 0);
}
