//! The CPU engine of the convolution.

use super::Conv2d;
use crate::inspection::Kernel;
use crate::kernels::parallel::{Rows, chunk_count, chunk_count_up_to, parallel_chunks_with};
use crate::kernels::window::{MOST_OUTPUTS, convolve, suits};
use crate::kernels::{self, Blocks, Matrix, MatrixMut, affine, product, product_of_blocks};
use crate::layer::y_and_dx;
use crate::layers::dense::disjoint;
use crate::layers::padding::{Map, Padded, Padding, Windows, output_length};
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// The gradient of a kernel is a sum of at most this many partial sums.
const MOST_SUMS: usize = 8;

/// Buffers of a [`Conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2dWorkspace<E> {
    windows: Windows,
    y: Vec<E>,
    dx: Vec<E>,
    /// Stride 1: the kernel turned around, (KERNEL, KERNEL, C, channels).
    turned: Vec<E>,
    /// The number of samples in each partial sum.
    samples_in_a_sum: usize,
    /// Partial sums of the gradients of the kernel and the bias, (sums, KERNEL KERNEL channels + 1, C).
    sums: Vec<E>,
    /// One for each chunk of the samples.
    scratches: Vec<Scratch<E>>,
}

/// Buffers of one thread for one sample.
#[derive(Clone, Debug)]
struct Scratch<E> {
    /// The sample with zeros beyond its border.
    x: Padded<E>,
    d_input: InputGradient<E>,
}

/// The way to compute the gradient of the input.
#[derive(Clone, Debug)]
enum InputGradient<E> {
    /// At stride 1: a convolution of the output's gradient, with zeros around it, and the kernel turned around.
    Convolution { dy: Padded<E> },
    /// At other strides: the sum of the gradients of the sample's patches, (H x W, KERNEL x KERNEL x channels).
    Patches(Vec<E>),
}

impl<E: Scalar> InputGradient<E> {
    /// The gradient `dx` of one sample from its output's gradient. At stride 1, `kernel` is the kernel turned around.
    fn of_sample<const KERNEL: usize>(&mut self, dx: &mut [E], dy: &[E], kernel: &[E], windows: &Windows) {
        let ([h, w], channels) = (windows.output, windows.channels());
        let c = dy.len() / (h * w);
        match self {
            InputGradient::Convolution { dy: padded } => {
                let positions = windows.map_sides();
                let dy = padded.of(dy);
                if suits(KERNEL, channels) {
                    let bias = &[E::ZERO; MOST_OUTPUTS][..channels];
                    convolve::<E, KERNEL>(dx, positions, dy.values, [dy.width, dy.channels], kernel, bias);
                } else {
                    let kernel = Matrix::new(kernel, KERNEL * KERNEL * c, channels);
                    let dx = MatrixMut::new(dx, positions.iter().product(), channels);
                    product_of_blocks(dx, patches(dy, KERNEL, 1, positions), kernel, false);
                }
            }
            InputGradient::Patches(d_patches) => {
                let inputs = KERNEL * KERNEL * channels;
                let kernel = Matrix::new(kernel, inputs, c).transposed();
                let all_patches = MatrixMut::new(d_patches, h * w, inputs);
                product(all_patches, Matrix::new(dy, h * w, c), kernel, false);
                scatter(dx, d_patches, windows);
            }
        }
    }
}

/// The number of samples in each partial sum of the kernel's gradient. It depends on the work, not on the number of
/// threads.
fn samples_in_a_sum(batch: usize, work: usize) -> usize {
    batch.div_ceil(chunk_count_up_to(MOST_SUMS, work)).max(1)
}

/// The patches of a map under a square window, as a matrix (positions, window's values).
fn patches<E: Scalar>(map: Map<'_, E>, side: usize, stride: usize, positions: [usize; 2]) -> Blocks<'_, E> {
    let Map { values, width, channels } = map;
    let row = width * channels;
    Blocks::new(values, positions, [stride * row, stride * channels], [side, side * channels], [row, 1])
}

/// The transpose of [`patches`].
fn patches_transposed<E: Scalar>(
    map: Map<'_, E>,
    side: usize,
    stride: usize,
    positions: [usize; 2],
) -> Blocks<'_, E> {
    let Map { values, width, channels } = map;
    let row = width * channels;
    Blocks::new(values, [side, side * channels], [row, 1], positions, [stride * row, stride * channels])
}

/// Turns a kernel around: (side, side, channels, c) -> (side, side, c, channels), with both sides backwards.
fn turn<E: Scalar>(turned: &mut [E], kernel: &[E], channels: usize, c: usize) {
    let places = kernel.chunks_exact(channels * c).rev();
    for (turned, kernel) in turned.chunks_exact_mut(channels * c).zip(places) {
        kernels::transpose(turned, kernel, c);
    }
}

/// Sums the gradients of the patches in `dx`, each at its pixels.
fn scatter<E: Scalar>(dx: &mut [E], patches: &[E], windows: &Windows) {
    let len = windows.row_len();
    dx.fill(E::ZERO);
    kernels::vectorised(
        #[inline(always)]
        || {
            windows.each_run(0..windows.output[0], |run| {
                let start = (run.window * windows.side + run.row) * len + run.outside;
                for (dx, &d) in dx[run.pixels].iter_mut().zip(&patches[start..]) {
                    *dx += d;
                }
            });
        },
    );
}

impl<H, W, C, HIn, WIn, CIn, const KERNEL: usize, const STRIDE: usize, P> Layer<(usize, HIn, WIn, CIn)>
    for Conv2d<H, W, C, KERNEL, STRIDE, P>
where
    H: Size,
    W: Size,
    C: Size,
    HIn: Size,
    WIn: Size,
    CIn: Size,
    P: Padding,
{
    type Out = (usize, H, W, C);
    type Workspace<E: Scalar> = Conv2dWorkspace<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, HIn, WIn, CIn)) -> Self::Out {
        const {
            let height = output_length::<P>(HIn::STATIC, KERNEL, STRIDE);
            expect("the convolution's output height", H::STATIC, height);
            let width = output_length::<P>(WIn::STATIC, KERNEL, STRIDE);
            expect("the convolution's output width", W::STATIC, width);
        }
        let (h, w, c) = self.output;
        let length = |input: usize| output_length::<P>(Some(input), KERNEL, STRIDE);
        expect("the convolution's output height", Some(h.size()), length(height.size()));
        expect("the convolution's output width", Some(w.size()), length(width.size()));
        let channels = Some(channels.size());
        expect("the convolution's number of input channels", Some(self.channels), channels);
        (batch, h, w, c)
    }

    fn describe(&self, input: (usize, HIn, WIn, CIn)) -> Vec<LayerDescription> {
        let (_, h, w, c) = self.output_shape(input);
        let products = KERNEL * KERNEL * self.channels * c.size();
        let padding = if P::BEYOND_THE_BORDER { format!(", {}", P::NAME) } else { String::new() };
        let name = format!("Conv2d {KERNEL}x{KERNEL}, stride {STRIDE}{padding}");
        let row = LayerDescription::new(name, self.output_shape(input));
        vec![row.of(products + c.size(), h.size() * w.size() * products)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, HIn, WIn, CIn)) -> Conv2dWorkspace<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let [h, w, c] = [h.size(), w.size(), c.size()];
        let map = [input.1.size(), input.2.size(), self.channels];
        let windows = Windows::new::<P>(map, KERNEL, STRIDE, [h, w]);
        let lengths = [h, w].map(|windows| windows.saturating_sub(1) * STRIDE + KERNEL);
        let d_input = if STRIDE == 1 {
            // The input's pixel at y is under the kernel's row r at the output y + before - r.
            let before = windows.before.map(|before| KERNEL - 1 - before);
            let lengths = [map[0], map[1]].map(|length| length + KERNEL - 1);
            InputGradient::Convolution { dy: Padded::new([h, w, c], before, lengths) }
        } else {
            InputGradient::Patches(vec![E::ZERO; h * w * KERNEL * KERNEL * self.channels])
        };
        let weights = KERNEL * KERNEL * self.channels * c;
        let work = batch * h * w * weights;
        let samples_in_a_sum = samples_in_a_sum(batch, work);
        let scratch = Scratch { x: Padded::new(map, windows.before, lengths), d_input };
        Conv2dWorkspace {
            y: vec![E::ZERO; batch * h * w * c],
            dx: vec![E::ZERO; batch * map.iter().product::<usize>()],
            turned: vec![E::ZERO; if STRIDE == 1 { weights } else { 0 }],
            windows,
            samples_in_a_sum,
            sums: vec![E::ZERO; batch.div_ceil(samples_in_a_sum).max(1) * (weights + c)],
            scratches: vec![scratch; chunk_count(work).min(batch).max(1)],
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let [kernel, bias] = [&self.kernel, &self.bias].map(|range| &weights.parameters[range.clone()]);
        let (inputs, c) = (kernel.len() / bias.len(), bias.len());
        let Conv2dWorkspace { windows, y, scratches, .. } = workspace;
        let positions @ [h, w] = windows.output;
        let (map_len, y_len) = (windows.map_len(), h * w * c);
        parallel_chunks_with(scratches, (Rows(x, map_len), Rows(&mut y[..], y_len)), &|scratch, (x, y)| {
            for (x, y) in x.0.chunks_exact(map_len).zip(y.0.chunks_exact_mut(y_len)) {
                let x = scratch.x.of(x);
                if STRIDE == 1 && suits(KERNEL, c) {
                    convolve::<E, KERNEL>(y, positions, x.values, [x.width, x.channels], kernel, bias);
                } else {
                    let patches = patches(x, KERNEL, STRIDE, positions);
                    affine(MatrixMut::new(y, h * w, c), patches, Matrix::new(kernel, inputs, c), bias);
                }
            }
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let kernel = &weights.parameters[self.kernel.clone()];
        let [d_kernel, d_bias] = disjoint(gradient, [&self.kernel, &self.bias]);
        let (inputs, c) = (d_kernel.len() / d_bias.len(), d_bias.len());
        let Conv2dWorkspace { windows, dx, turned, samples_in_a_sum, sums, scratches, .. } = workspace;
        let positions @ [h, w] = windows.output;
        if wants_dx && STRIDE == 1 {
            turn(turned, kernel, self.channels, c);
        }
        let kernel = if STRIDE == 1 { &turned[..] } else { kernel };
        let (map_len, dy_len, sum_len) = (windows.map_len(), h * w * c, (inputs + 1) * c);
        let rows = (
            Rows(x, *samples_in_a_sum * map_len),
            Rows(dy, *samples_in_a_sum * dy_len),
            Rows(&mut dx[..], *samples_in_a_sum * map_len),
            Rows(&mut sums[..], sum_len),
        );
        parallel_chunks_with(scratches, rows, &|scratch, (x, dy, dx, sums)| {
            let inputs_and_outputs = x.0.chunks(x.1).zip(dy.0.chunks(dy.1));
            let gradients = dx.0.chunks_mut(dx.1).zip(sums.0.chunks_exact_mut(sums.1));
            for ((x, dy), (dx, sum)) in inputs_and_outputs.zip(gradients) {
                let (d_kernel, d_bias) = sum.split_at_mut(inputs * c);
                d_bias.fill(E::ZERO);
                kernels::add_row_sums(d_bias, dy);
                let samples = x.chunks_exact(map_len).zip(dy.chunks_exact(dy_len));
                for (i, ((x, dy), dx)) in samples.zip(dx.chunks_exact_mut(map_len)).enumerate() {
                    let patches = patches_transposed(scratch.x.of(x), KERNEL, STRIDE, positions);
                    let d_kernel = MatrixMut::new(d_kernel, inputs, c);
                    product_of_blocks(d_kernel, patches, Matrix::new(dy, h * w, c), i > 0);
                    if wants_dx {
                        scratch.d_input.of_sample::<KERNEL>(dx, dy, kernel, windows);
                    }
                }
            }
        });
        for (gradient, place) in [(d_kernel, 0), (d_bias, inputs * c)] {
            gradient.fill(E::ZERO);
            for sum in sums.chunks_exact(sum_len) {
                kernels::add(gradient, &sum[place..][..gradient.len()]);
            }
        }
    }

    fn inspect<E: Scalar>(&self, _: &[E], _: &Conv2dWorkspace<E>, inspection: &mut Inspection) {
        let kernel = Kernel { range: self.kernel.clone(), columns: self.output.2.size() };
        inspection.weights(&[kernel], std::slice::from_ref(&self.bias));
    }
}
