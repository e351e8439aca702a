//! Speed of the kernels: products and convolutions of an update, and passes over memory, beside the measured peaks of one
//! core in multiply-adds and bytes a second.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use softmoe_nets::kernels::{Matrix, MatrixMut, multiply_outer, product, relu, softmax_rows, vectorised};
use softmoe_nets::layers::{Conv2d, Linear, Same, Valid};
use softmoe_nets::{Adam, AdamSettings, Builder, Layer, Weights};
use std::hint::black_box;

const BATCH: usize = 32;

/// A loop that can be timed.
pub(crate) struct Loop {
    pub(crate) name: String,
    /// Floating-point operations of a call; a multiply-add counts as two.
    pub(crate) operations: f64,
    /// Bytes that a call must read and write at least: each array once.
    pub(crate) bytes: f64,
    /// Calls per update.
    calls: f64,
    run: Box<dyn FnMut()>,
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 17) as f32 * 0.01 - 0.08).collect()
}

fn bytes(values: usize) -> f64 {
    4.0 * values as f64
}

/// The forward and backward pass of a layer, with the gradient of its input if `wants_dx`. `multiply_adds` counts the forward
/// pass.
fn layer<L, In>(
    name: &str,
    builder: Builder,
    layer: L,
    input: In,
    multiply_adds: usize,
    (forwards, backwards, wants_dx): (usize, usize, bool),
) -> Vec<Loop>
where
    In: softmoe_nets::shapes::Shape,
    L: Layer<In> + Clone + 'static,
    L::Workspace<f32>: 'static,
{
    let len = builder.parameters().len();
    let (x_len, y_len) =
        (input.num_elements(), softmoe_nets::shapes::Shape::num_elements(&layer.output_shape(input)));
    let x = values(x_len);
    let forward = {
        let (layer, x, parameters, mut workspace) =
            (layer.clone(), x.clone(), values(len), layer.workspace::<f32>(input));
        Loop {
            name: format!("{name}, forward"),
            operations: 2.0 * multiply_adds as f64,
            bytes: bytes(x_len + y_len + len),
            calls: forwards as f64,
            run: Box::new(move || {
                let weights = Weights { parameters: &parameters, noise: None };
                black_box(layer.forward(weights, black_box(&x), &mut workspace));
            }),
        }
    };
    let products = if wants_dx { 2 } else { 1 };
    let backward = {
        let (dy, parameters, mut gradient) = (values(y_len), values(len), vec![0.0; len]);
        let mut workspace = layer.workspace::<f32>(input);
        Loop {
            name: format!("{name}, backward"),
            operations: 2.0 * (products * multiply_adds) as f64,
            bytes: bytes(products * x_len + y_len + 2 * len),
            calls: backwards as f64,
            run: Box::new(move || {
                let weights = Weights { parameters: &parameters, noise: None };
                black_box(layer.backward(
                    weights,
                    black_box(&x),
                    &dy,
                    &mut workspace,
                    &mut gradient,
                    wants_dx,
                ));
            }),
        }
    };
    let both = [forward, backward];
    both.into_iter().filter(|of_layer| of_layer.calls > 0.0).collect()
}

fn dense(rows: usize, inputs: usize, outputs: usize, passes: (usize, usize)) -> Vec<Loop> {
    let mut builder = Builder::new();
    let linear = Linear::new(&mut builder, "dense", inputs, outputs);
    let name = format!("dense {rows} x {inputs} -> {outputs}");
    layer(&name, builder, linear, (rows, inputs), rows * inputs * outputs, (passes.0, passes.1, true))
}

/// A 3x3 convolution with SAME padding, at stride 1.
fn convolution(
    side: usize,
    channels: usize,
    outputs: usize,
    passes: (usize, usize),
    wants_dx: bool,
) -> Vec<Loop> {
    let mut builder = Builder::new();
    let convolution =
        Conv2d::<_, _, _, 3, 1, Same>::same(&mut builder, "convolution", channels, (side, side, outputs));
    let multiply_adds = BATCH * side * side * 9 * channels * outputs;
    let name = format!("3x3 convolution {side}x{side}x{channels} -> {outputs}");
    layer(
        &name,
        builder,
        convolution,
        (BATCH, side, side, channels),
        multiply_adds,
        (passes.0, passes.1, wants_dx),
    )
}

/// MinAtar's convolution.
fn small_convolution() -> Vec<Loop> {
    let mut builder = Builder::new();
    let convolution = Conv2d::<_, _, _, 3, 1, Valid>::new(&mut builder, "convolution", 4, (8, 8, 16));
    let multiply_adds = BATCH * 64 * 36 * 16;
    let name = "3x3 convolution 10x10x4 -> 16";
    layer(name, builder, convolution, (BATCH, 10, 10, 4), multiply_adds, (3, 1, false))
}

/// A product of each sample: c = a b, or a^T b.
fn mixing(name: &str, [m, k, n]: [usize; 3], transposed: bool, calls: usize) -> Loop {
    let (a, b, mut c) = (values(m * k), values(k * n), values(m * n));
    Loop {
        name: name.to_owned(),
        operations: (2 * BATCH * m * k * n) as f64,
        bytes: bytes(BATCH * (m * k + k * n + m * n)),
        calls: calls as f64,
        run: Box::new(move || {
            for _ in 0..BATCH {
                let a = match transposed {
                    true => Matrix::new(&a, k, m).transposed(),
                    false => Matrix::new(&a, m, k),
                };
                product(MatrixMut::new(&mut c, m, n), a, Matrix::new(&b, k, n), false);
            }
            black_box(&mut c);
        }),
    }
}

/// Products and convolutions of one Rainbow update: three forward passes, of which two compute the logits of one action,
/// and one backward pass.
pub(crate) fn products(network: &str) -> Vec<Loop> {
    let parts = match network {
        "minatar-flat" => vec![
            small_convolution(),
            dense(BATCH, 1_024, 128, (3, 1)),
            dense(BATCH, 128, 357, (1, 0)),
            dense(BATCH, 128, 102, (2, 1)),
        ],
        "minatar-softmoe4" => vec![
            small_convolution(),
            // Logits and their gradients; slots, outputs, and their gradients.
            vec![
                mixing("tokens x Phi", [64, 16, 64], false, 5),
                mixing("dispatch x tokens", [64, 64, 16], true, 10),
            ],
            // Four experts, 16 slots of 32 samples each.
            dense(512, 16, 128, (12, 4)),
            dense(512, 128, 16, (12, 4)),
            dense(BATCH, 1_024, 357, (1, 0)),
            dense(BATCH, 1_024, 102, (2, 1)),
        ],
        _ => vec![
            convolution(84, 4, 16, (3, 1), false),
            convolution(42, 16, 16, (12, 4), true),
            convolution(42, 16, 32, (3, 1), true),
            convolution(21, 32, 32, (15, 5), true),
            convolution(11, 32, 32, (12, 4), true),
            dense(BATCH, 3_872, 512, (3, 1)),
            dense(BATCH, 512, 969, (1, 0)),
            dense(BATCH, 512, 102, (2, 1)),
        ],
    };
    parts.into_iter().flatten().collect()
}

/// Passes over memory of SoftMoE-4's update.
pub(crate) fn passes() -> Vec<Loop> {
    let parameters = 759_130;
    let pass = |name: &str, operations: usize, values: usize, run: Box<dyn FnMut()>| Loop {
        name: name.to_owned(),
        operations: operations as f64,
        bytes: bytes(values),
        calls: 1.0,
        run,
    };
    let (mut theta, gradient) = (values(parameters), values(parameters));
    let mut adam = Adam::new(AdamSettings::new(1e-4, 1.5e-4), parameters);
    let (inputs, outputs) = (1_024, 357);
    let (mu, sigma, mut noisy) =
        (values(inputs * outputs), values(inputs * outputs), values(inputs * outputs));
    let (eps_in, eps_out) = (values(inputs), values(outputs));
    let (x, mut y) = (values(BATCH * 64 * 16), values(BATCH * 64 * 16));
    let (logits, mut weights) = (values(BATCH * 64 * 64), values(BATCH * 64 * 64));
    vec![
        pass(
            "Adam",
            12 * parameters,
            7 * parameters,
            Box::new(move || assert!(adam.step(black_box(&mut theta), &gradient))),
        ),
        pass(
            "noisy weights",
            3 * inputs * outputs,
            3 * inputs * outputs,
            Box::new(move || multiply_outer(black_box(&mut noisy), Some(&mu), &sigma, &eps_in, &eps_out)),
        ),
        pass("ReLU", x.len(), 2 * x.len(), Box::new(move || relu(black_box(&mut y), &x))),
        pass(
            "softmax",
            20 * logits.len(),
            2 * logits.len(),
            Box::new(move || softmax_rows(black_box(&mut weights), &logits, 64)),
        ),
    ]
}

impl Loop {
    /// The shortest of some calls, in seconds.
    pub(crate) fn seconds(&mut self, clock: Clock) -> f64 {
        clock.times(20, &mut self.run).into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// Peak floating-point operations a second: independent fused multiply-adds in registers.
pub(crate) fn most_operations(clock: Clock) -> f64 {
    const CHAINS: usize = 12;
    const LANES: usize = 32;
    const ROUNDS: usize = 20_000;
    let mut chains = [[1.0_f32; LANES]; CHAINS];
    let (factor, summand) = (black_box([0.999_f32; LANES]), black_box([0.001_f32; LANES]));
    let seconds = clock.times(20, || {
        vectorised(
            #[inline(always)]
            || {
                let mut sums = chains;
                for _ in 0..ROUNDS {
                    for sums in &mut sums {
                        for lane in 0..LANES {
                            sums[lane] = sums[lane].mul_add(factor[lane], summand[lane]);
                        }
                    }
                }
                chains = sums;
            },
        );
        black_box(&mut chains);
    });
    (2 * CHAINS * LANES * ROUNDS) as f64 / seconds.into_iter().fold(f64::INFINITY, f64::min)
}

/// Bytes a second of y += x over arrays of `len` values: two read, one written.
pub(crate) fn most_bytes(clock: Clock, len: usize) -> f64 {
    let (x, mut y) = (values(len), values(len));
    let seconds = clock.times(20, || softmoe_nets::kernels::add(black_box(&mut y), black_box(&x)));
    bytes(3 * len) / seconds.into_iter().fold(f64::INFINITY, f64::min)
}

/// The speed of a network's products and convolutions, and the peak.
pub(crate) struct Products(Vec<Loop>);

impl Products {
    pub(crate) fn new(network: &str) -> Self {
        Products(products(network))
    }
}

impl Measurement for Products {
    fn round(&mut self, clock: Clock) -> anyhow::Result<Figures> {
        let seconds: f64 = self.0.iter_mut().map(|part| part.calls * part.seconds(clock)).sum();
        let operations: f64 = self.0.iter().map(|part| part.calls * part.operations).sum();
        let figure = |operations: f64| Figure::of([operations * 1e-9]);
        Ok(Figures::from([
            ("products", figure(operations / seconds)),
            ("multiply-adds", figure(most_operations(clock))),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::{passes, products};
    use crate::clock::Clock;

    /// Multiply-adds of MinAtar's update, layer by layer and pass by pass.
    #[test]
    fn an_update_has_the_operations_of_its_layers() {
        let operations =
            |network| products(network).iter().map(|part| part.calls * part.operations).sum::<f64>();
        let convolution = 64 * 36 * 16;
        let dense = |inputs: usize, outputs: usize, products: usize| inputs * outputs * products;
        let flat = 4 * convolution + dense(1_024, 128, 5) + dense(128, 357, 1) + dense(128, 102, 4);
        assert_eq!(operations("minatar-flat"), (2 * 32 * flat) as f64);
        let experts = 64 * dense(16, 128, 10);
        let mixing = 15 * 64 * 64 * 16;
        let soft_moe = 4 * convolution + mixing + experts + dense(1_024, 357, 1) + dense(1_024, 102, 4);
        assert_eq!(operations("minatar-softmoe4"), (2 * 32 * soft_moe) as f64);
    }

    #[test]
    fn every_loop_can_be_timed() {
        for mut part in products("minatar-flat").into_iter().chain(passes()) {
            assert!(part.seconds(Clock::Wall) > 0.0, "{}", part.name);
        }
    }
}
