//! Two-dimensional convolution.

use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layers::dense::disjoint;
use crate::size::{expect, valid};
use crate::{Builder, Law, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// A VALID convolution of a square `KERNEL` and a `STRIDE`: no padding.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `H` = (height - `KERNEL`) / `STRIDE` + 1, `W`, `C`);
/// kernel: (`KERNEL`, `KERNEL`, channels, `C`)
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d<H, W, C, const KERNEL: usize, const STRIDE: usize> {
    output: (H, W, C),
    channels: usize,
    kernel: Range<usize>,
    bias: Range<usize>,
}

/// Buffers of a [`Conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2dTape<E> {
    input: [usize; 4],
    y: Vec<E>,
    dx: Vec<E>,
    /// For each output position the pixels under the kernel, (batch x H x W, KERNEL x KERNEL x channels).
    patches: Vec<E>,
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize> Conv2d<H, W, C, KERNEL, STRIDE> {
    /// A convolution of `channels` input channels, with Flax's initial laws (LeCun-normal kernel, zero bias),
    /// as `<name>/kernel` and `<name>/bias`.
    pub fn new(builder: &mut Builder, name: &str, channels: usize, output: (H, W, C)) -> Self {
        let c = output.2.size();
        let law = Law::lecun_normal(KERNEL * KERNEL * channels);
        Conv2d {
            output,
            channels,
            kernel: builder.parameter(format!("{name}/kernel"), &[KERNEL, KERNEL, channels, c], law),
            bias: builder.parameter(format!("{name}/bias"), &[c], Law::Constant(0.0)),
        }
    }

    /// Calls `body(patch, pixels)` for each run of pixels that is contiguous under the kernel, with where it
    /// lies in the patches and in the input.
    #[inline(always)]
    fn each_run(&self, [batch, height, width, channels]: [usize; 4], mut body: impl FnMut(usize, usize)) {
        let (h, w) = (self.output.0.size(), self.output.1.size());
        let run = KERNEL * channels;
        let mut patch = 0;
        for sample in 0..batch {
            for y in 0..h {
                for x in 0..w {
                    for row in 0..KERNEL {
                        let pixel = ((sample * height + y * STRIDE + row) * width + x * STRIDE) * channels;
                        body(patch, pixel);
                        patch += run;
                    }
                }
            }
        }
    }
}

impl<H, W, C, HIn, WIn, const KERNEL: usize, const STRIDE: usize> Layer<(usize, HIn, WIn, usize)>
    for Conv2d<H, W, C, KERNEL, STRIDE>
where
    H: Size,
    W: Size,
    C: Size,
    HIn: Size,
    WIn: Size,
{
    type Out = (usize, H, W, C);
    type Tape<E: Scalar> = Conv2dTape<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, HIn, WIn, usize)) -> Self::Out {
        const fn length(input: Option<usize>, kernel: usize, stride: usize) -> Option<usize> {
            match input {
                Some(input) => Some(valid(input, kernel, stride)),
                None => None,
            }
        }
        const {
            expect("the convolution's output height", H::STATIC, length(HIn::STATIC, KERNEL, STRIDE));
            expect("the convolution's output width", W::STATIC, length(WIn::STATIC, KERNEL, STRIDE));
        }
        let (h, w, c) = self.output;
        let length = |input: usize| Some(valid(input, KERNEL, STRIDE));
        expect("the convolution's output height", Some(h.size()), length(height.size()));
        expect("the convolution's output width", Some(w.size()), length(width.size()));
        expect("the convolution's number of input channels", Some(self.channels), Some(channels));
        (batch, h, w, c)
    }

    fn describe(&self, input: (usize, HIn, WIn, usize)) -> Vec<LayerDescription> {
        let (_, h, w, c) = self.output_shape(input);
        let products = KERNEL * KERNEL * self.channels * c.size();
        let name = format!("Conv2d {KERNEL}x{KERNEL}, stride {STRIDE}");
        let row = LayerDescription::new(name, self.output_shape(input));
        vec![row.of(products + c.size(), h.size() * w.size() * products)]
    }

    fn tape<E: Scalar>(&self, input: (usize, HIn, WIn, usize)) -> Conv2dTape<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let positions = batch * h.size() * w.size();
        let input = [batch, input.1.size(), input.2.size(), input.3];
        Conv2dTape {
            input,
            y: vec![E::ZERO; positions * c.size()],
            dx: vec![E::ZERO; input.iter().product()],
            patches: vec![E::ZERO; positions * KERNEL * KERNEL * self.channels],
        }
    }

    fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &'t [E],
        tape: &'t mut Conv2dTape<E>,
    ) -> &'t [E] {
        let run = KERNEL * self.channels;
        self.each_run(tape.input, |patch, pixel| {
            tape.patches[patch..patch + run].copy_from_slice(&x[pixel..pixel + run]);
        });
        let (kernel, bias) =
            (&weights.parameters[self.kernel.clone()], &weights.parameters[self.bias.clone()]);
        for y in tape.y.chunks_exact_mut(bias.len()) {
            y.copy_from_slice(bias);
        }
        let (inputs, c) = (KERNEL * run, bias.len());
        let positions = tape.y.len() / c;
        product(
            MatrixMut::new(&mut tape.y, positions, c),
            Matrix::new(&tape.patches, positions, inputs),
            Matrix::new(kernel, inputs, c),
            true,
        );
        &tape.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], tape: &'t Conv2dTape<E>) -> &'t [E] {
        &tape.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        _: &[E],
        dy: &'t [E],
        tape: &'t mut Conv2dTape<E>,
        gradient: &mut [E],
        wants_dx: bool,
    ) -> &'t [E] {
        let [d_kernel, d_bias] = disjoint(gradient, [&self.kernel, &self.bias]);
        let (run, c) = (KERNEL * self.channels, d_bias.len());
        let (inputs, positions) = (KERNEL * run, dy.len() / c);
        d_bias.fill(E::ZERO);
        kernels::add_row_sums(d_bias, dy);
        let dy = Matrix::new(dy, positions, c);
        let patches = Matrix::new(&tape.patches, positions, inputs).transposed();
        product(MatrixMut::new(d_kernel, inputs, c), patches, dy, false);
        if wants_dx {
            // The patches have served; their gradient takes their place.
            let kernel = Matrix::new(&weights.parameters[self.kernel.clone()], inputs, c).transposed();
            product(MatrixMut::new(&mut tape.patches, positions, inputs), dy, kernel, false);
            tape.dx.fill(E::ZERO);
            self.each_run(tape.input, |patch, pixel| {
                for (dx, &d) in tape.dx[pixel..pixel + run].iter_mut().zip(&tape.patches[patch..patch + run])
                {
                    *dx += d;
                }
            });
        }
        &tape.dx
    }
}
