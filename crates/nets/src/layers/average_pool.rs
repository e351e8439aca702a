//! Averages over windows of a feature map.

#[cfg(feature = "burn")]
mod device;

use crate::layer::y_and_dx;
use crate::layers::padding::{Valid, output_length};
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Average pooling: the mean of each square window of `KERNEL` pixels a side, every `STRIDE` pixels, channel by
/// channel. There is no padding (VALID): pixels left over at the end of an axis are not read.
///
/// Average pooling of 3x3, stride 3, with [`PerConv`](super::PerConv) after it, makes tokens of patches without
/// parameters. The paper's code has this as an alternative to the convolution of [`PerPatch`](super::PerPatch).
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `H` = (height - `KERNEL`) / `STRIDE` + 1, `W`, channels)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AveragePool<H, W, const KERNEL: usize, const STRIDE: usize>(
    /// Height of the output.
    pub H,
    /// Width of the output.
    pub W,
);

/// Buffers of an [`AveragePool`].
#[derive(Clone, Debug)]
pub struct AveragePoolWorkspace<E> {
    /// Sizes of the input.
    input: [usize; 4],
    y: Vec<E>,
    dx: Vec<E>,
}

impl<H: Size, W: Size, const KERNEL: usize, const STRIDE: usize> AveragePool<H, W, KERNEL, STRIDE> {
    /// Calls `body(window, pixel)` for each pixel of each window, with where their channels start in the output
    /// and in the input.
    #[inline(always)]
    fn each_pixel(&self, [batch, height, width, channels]: [usize; 4], mut body: impl FnMut(usize, usize)) {
        let (h, w) = (self.0.size(), self.1.size());
        for window in 0..batch * h * w {
            let (sample, y, x) = (window / (h * w), window / w % h, window % w);
            for row in 0..KERNEL {
                for column in 0..KERNEL {
                    let pixel = (sample * height + y * STRIDE + row) * width + x * STRIDE + column;
                    body(window * channels, pixel * channels);
                }
            }
        }
    }

    /// The weight of each pixel in its window.
    fn weight<E: Scalar>() -> E {
        E::ONE / E::from_f64((KERNEL * KERNEL) as f64)
    }
}

impl<H, W, HIn, WIn, C, const KERNEL: usize, const STRIDE: usize> Layer<(usize, HIn, WIn, C)>
    for AveragePool<H, W, KERNEL, STRIDE>
where
    H: Size,
    W: Size,
    HIn: Size,
    WIn: Size,
    C: Size,
{
    type Out = (usize, H, W, C);
    type Workspace<E: Scalar> = AveragePoolWorkspace<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, HIn, WIn, C)) -> Self::Out {
        const {
            expect(
                "the pooling's output height",
                H::STATIC,
                output_length::<Valid>(HIn::STATIC, KERNEL, STRIDE),
            );
            expect(
                "the pooling's output width",
                W::STATIC,
                output_length::<Valid>(WIn::STATIC, KERNEL, STRIDE),
            );
        }
        let windows = |input: usize| output_length::<Valid>(Some(input), KERNEL, STRIDE);
        expect("the pooling's output height", Some(self.0.size()), windows(height.size()));
        expect("the pooling's output width", Some(self.1.size()), windows(width.size()));
        (batch, self.0, self.1, channels)
    }

    fn describe(&self, input: (usize, HIn, WIn, C)) -> Vec<LayerDescription> {
        let name = format!("AveragePool {KERNEL}x{KERNEL}, stride {STRIDE}");
        vec![LayerDescription::new(name, self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, input: (usize, HIn, WIn, C)) -> AveragePoolWorkspace<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let input = [batch, input.1.size(), input.2.size(), c.size()];
        AveragePoolWorkspace {
            input,
            y: vec![E::ZERO; batch * h.size() * w.size() * c.size()],
            dx: vec![E::ZERO; input.iter().product()],
        }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (channels, weight) = (workspace.input[3], Self::weight());
        workspace.y.fill(E::ZERO);
        self.each_pixel(workspace.input, |window, pixel| {
            for (y, &x) in workspace.y[window..window + channels].iter_mut().zip(&x[pixel..pixel + channels])
            {
                *y += x;
            }
        });
        workspace.y.iter_mut().for_each(|y| *y *= weight);
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            let (channels, weight) = (workspace.input[3], Self::weight::<E>());
            workspace.dx.fill(E::ZERO);
            self.each_pixel(workspace.input, |window, pixel| {
                let dx = &mut workspace.dx[pixel..pixel + channels];
                for (dx, &dy) in dx.iter_mut().zip(&dy[window..window + channels]) {
                    *dx += dy * weight;
                }
            });
        }
    }

    /// Pooling works channel by channel, so a channel is still the same neuron.
    fn inspect<E: Scalar>(&self, _: &[E], _: &AveragePoolWorkspace<E>, _: &mut Inspection) {}
}
