//! Two-dimensional convolution.

#[cfg(feature = "burn")]
mod device;

use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layers::dense::disjoint;
use crate::layers::padding::{Padding, Same, Valid, Windows, output_length};
use crate::size::expect;
use crate::{Builder, Law, Layer, LayerDescription, Scalar, Size, Weights};
use std::marker::PhantomData;
use std::ops::Range;

/// Values of the patches that are worked on at a time: they should stay in the second-level cache (half a MiB).
const BLOCK: usize = 1 << 17;

/// A convolution of a square `KERNEL` and a `STRIDE`, with the padding `P`: none unless it is said to be
/// [`Same`](crate::layers::Same).
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `H`, `W`, `C`), where [`Valid`] makes
/// `H` = (height - `KERNEL`) / `STRIDE` + 1 and [`Same`](crate::layers::Same) makes `H` = height / `STRIDE`, rounded
/// up; kernel: (`KERNEL`, `KERNEL`, channels, `C`)
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d<H, W, C, const KERNEL: usize, const STRIDE: usize, P = Valid> {
    output: (H, W, C),
    channels: usize,
    kernel: Range<usize>,
    bias: Range<usize>,
    padding: PhantomData<P>,
}

/// Buffers of a [`Conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2dTape<E> {
    windows: Windows,
    y: Vec<E>,
    dx: Vec<E>,
    /// For each output position of some output rows the pixels under the kernel, or their gradients:
    /// (rows x W, KERNEL x KERNEL x channels).
    patches: Vec<E>,
    /// As many output rows of the batch as there are patches for.
    rows_at_once: usize,
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize>
    Conv2d<H, W, C, KERNEL, STRIDE, Valid>
{
    /// A convolution without padding of `channels` input channels, with Flax's initial laws (LeCun-normal kernel,
    /// zero bias), as `<name>/kernel` and `<name>/bias`.
    pub fn new(builder: &mut Builder, name: &str, channels: usize, output: (H, W, C)) -> Self {
        Self::of_law(builder, name, channels, output, |fan_in, _| Law::lecun_normal(fan_in))
    }
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize>
    Conv2d<H, W, C, KERNEL, STRIDE, Same>
{
    /// As [`new`](Conv2d::new), with SAME padding.
    pub fn same(builder: &mut Builder, name: &str, channels: usize, output: (H, W, C)) -> Self {
        Self::of_law(builder, name, channels, output, |fan_in, _| Law::lecun_normal(fan_in))
    }
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize, P: Padding>
    Conv2d<H, W, C, KERNEL, STRIDE, P>
{
    /// A convolution whose kernel starts as `law(fan_in, fan_out)` says, its bias at zero; fan_in is the number of
    /// values under the kernel, fan_out that of outputs that a value may be part of (at stride 1).
    ///
    /// ```
    /// use softmoe_nets::layers::{Conv2d, Same};
    /// use softmoe_nets::{Builder, Law};
    ///
    /// // 84x84 pixels of 4 channels -> 84x84x16.
    /// let mut builder = Builder::new();
    /// Conv2d::<_, _, _, 3, 1, Same>::of_law(&mut builder, "first", 4, (84, 84, 16), Law::xavier_uniform);
    /// assert_eq!(builder.parameters().get("first/kernel").unwrap().law, Law::xavier_uniform(9 * 4, 9 * 16));
    /// ```
    pub fn of_law(
        builder: &mut Builder,
        name: &str,
        channels: usize,
        output: (H, W, C),
        law: impl FnOnce(usize, usize) -> Law,
    ) -> Self {
        let c = output.2.size();
        let law = law(KERNEL * KERNEL * channels, KERNEL * KERNEL * c);
        Conv2d {
            output,
            channels,
            kernel: builder.parameter(format!("{name}/kernel"), &[KERNEL, KERNEL, channels, c], law),
            bias: builder.parameter(format!("{name}/bias"), &[c], Law::Constant(0.0)),
            padding: PhantomData,
        }
    }
}

/// Copies a run. The compiler knows the lengths that are usual, and needs no call for them.
#[inline(always)]
fn copy<E: Copy>(to: &mut [E], from: &[E]) {
    #[inline(always)]
    fn known<E: Copy, const LEN: usize>(to: &mut [E], from: &[E]) {
        if let (Some(to), Some(from)) = (to.first_chunk_mut::<LEN>(), from.first_chunk::<LEN>()) {
            *to = *from;
        }
    }
    match from.len() {
        12 => known::<E, 12>(to, from),
        32 => known::<E, 32>(to, from),
        48 => known::<E, 48>(to, from),
        96 => known::<E, 96>(to, from),
        128 => known::<E, 128>(to, from),
        _ => to.copy_from_slice(from),
    }
}

impl<E: Scalar> Conv2dTape<E> {
    /// The output rows of the batch, some at a time.
    fn blocks(&self, c: usize) -> impl Iterator<Item = Range<usize>> + use<E> {
        let rows = self.y.len() / (self.windows.output[1] * c);
        let at_once = self.rows_at_once;
        (0..rows).step_by(at_once).map(move |start| start..(start + at_once).min(rows))
    }

    /// Copies the pixels of `x` under the kernel at the output `rows` to the patches.
    fn gather(&mut self, x: &[E], rows: Range<usize>) {
        let Conv2dTape { windows, patches, .. } = self;
        let (first, len) = (rows.start * windows.output[1], windows.row_len());
        kernels::vectorised(
            #[inline(always)]
            || {
                windows.each_run(rows, |run| {
                    let start = ((run.window - first) * windows.side + run.row) * len;
                    let (patch, pixels) = (&mut patches[start..start + len], &x[run.pixels]);
                    if pixels.len() == len {
                        copy(patch, pixels);
                    } else {
                        patch.fill(E::ZERO);
                        patch[run.outside..run.outside + pixels.len()].copy_from_slice(pixels);
                    }
                });
            },
        );
    }

    /// Adds the patches at the output `rows` to the pixels that they were copied from.
    fn scatter(&mut self, rows: Range<usize>) {
        let Conv2dTape { windows, dx, patches, .. } = self;
        let (first, len) = (rows.start * windows.output[1], windows.row_len());
        kernels::vectorised(
            #[inline(always)]
            || {
                windows.each_run(rows, |run| {
                    let start = ((run.window - first) * windows.side + run.row) * len + run.outside;
                    for (dx, &d) in dx[run.pixels].iter_mut().zip(&patches[start..]) {
                        *dx += d;
                    }
                });
            },
        );
    }
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
    type Tape<E: Scalar> = Conv2dTape<E>;

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

    fn tape<E: Scalar>(&self, input: (usize, HIn, WIn, CIn)) -> Conv2dTape<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let [h, w, c] = [h.size(), w.size(), c.size()];
        let map = [input.1.size(), input.2.size(), self.channels];
        let values_of_a_row = w * KERNEL * KERNEL * self.channels;
        let rows_at_once = (BLOCK / values_of_a_row.max(1)).clamp(1, (batch * h).max(1));
        Conv2dTape {
            windows: Windows::new::<P>(map, KERNEL, STRIDE, [h, w]),
            y: vec![E::ZERO; batch * h * w * c],
            dx: vec![E::ZERO; batch * map.iter().product::<usize>()],
            patches: vec![E::ZERO; rows_at_once * values_of_a_row],
            rows_at_once,
        }
    }

    fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &'t [E],
        tape: &'t mut Conv2dTape<E>,
    ) -> &'t [E] {
        let (kernel, bias) =
            (&weights.parameters[self.kernel.clone()], &weights.parameters[self.bias.clone()]);
        let (inputs, c) = (kernel.len() / bias.len(), bias.len());
        for rows in tape.blocks(c) {
            tape.gather(x, rows.clone());
            let positions = rows.start * tape.windows.output[1]..rows.end * tape.windows.output[1];
            let y = &mut tape.y[positions.start * c..positions.end * c];
            for y in y.chunks_exact_mut(c) {
                y.copy_from_slice(bias);
            }
            product(
                MatrixMut::new(y, positions.len(), c),
                Matrix::new(&tape.patches, positions.len(), inputs),
                Matrix::new(kernel, inputs, c),
                true,
            );
        }
        &tape.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], tape: &'t Conv2dTape<E>) -> &'t [E] {
        &tape.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &'t [E],
        tape: &'t mut Conv2dTape<E>,
        gradient: &mut [E],
        wants_dx: bool,
    ) -> &'t [E] {
        let [d_kernel, d_bias] = disjoint(gradient, [&self.kernel, &self.bias]);
        let (inputs, c) = (d_kernel.len() / d_bias.len(), d_bias.len());
        d_bias.fill(E::ZERO);
        kernels::add_row_sums(d_bias, dy);
        d_kernel.fill(E::ZERO);
        if wants_dx {
            tape.dx.fill(E::ZERO);
        }
        for rows in tape.blocks(c) {
            if rows.len() * tape.windows.output[1] * c < dy.len() {
                // The patches of the whole batch would still be there from the forward pass.
                tape.gather(x, rows.clone());
            }
            let positions = rows.start * tape.windows.output[1]..rows.end * tape.windows.output[1];
            let count = positions.len();
            let dy = Matrix::new(&dy[positions.start * c..positions.end * c], count, c);
            let patches = Matrix::new(&tape.patches, count, inputs).transposed();
            product(MatrixMut::new(d_kernel, inputs, c), patches, dy, true);
            if wants_dx {
                // The patches have served; their gradient takes their place.
                let kernel = Matrix::new(&weights.parameters[self.kernel.clone()], inputs, c).transposed();
                product(MatrixMut::new(&mut tape.patches, count, inputs), dy, kernel, false);
                tape.scatter(rows);
            }
        }
        &tape.dx
    }
}
