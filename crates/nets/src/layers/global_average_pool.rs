//! Averages over all positions of a feature map.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::layer::y_and_dx;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Global average pooling: the mean of each channel over all positions (Lin et al. 2014, arXiv 1312.4400, section 3.2).
/// With a dense layer and a [`Relu`](super::Relu) after it, this is the body of "Mind the GAP!" (arXiv 2505.17749).
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, channels)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalAveragePool;

/// Buffers of a [`GlobalAveragePool`].
#[derive(Clone, Debug)]
pub struct GlobalAveragePoolWorkspace<E> {
    channels: usize,
    y: Vec<E>,
    dx: Vec<E>,
}

/// The mean of the rows of each matrix in `x`.
///
/// # Shapes
/// mean: (batch, columns); x: (batch, rows, columns)
pub(super) fn mean_of_rows<E: Scalar>(mean: &mut [E], x: &[E], columns: usize) {
    let samples = mean.len() / columns;
    let rows = x.len() / mean.len();
    assert_eq!(samples * rows * columns, x.len());
    mean.fill(E::ZERO);
    for (mean, x) in mean.chunks_exact_mut(columns).zip(x.chunks_exact(rows * columns)) {
        kernels::add_row_sums(mean, x);
    }
    let weight = E::ONE / E::from_f64(rows as f64);
    mean.iter_mut().for_each(|mean| *mean *= weight);
}

/// The gradient of [`mean_of_rows`].
pub(super) fn mean_of_rows_backward<E: Scalar>(dx: &mut [E], d_mean: &[E], columns: usize) {
    let rows = dx.len() / d_mean.len();
    let weight = E::ONE / E::from_f64(rows as f64);
    for (dx, d_mean) in dx.chunks_exact_mut(rows * columns).zip(d_mean.chunks_exact(columns)) {
        for dx in dx.chunks_exact_mut(columns) {
            for (dx, &d_mean) in dx.iter_mut().zip(d_mean) {
                *dx = d_mean * weight;
            }
        }
    }
}

impl<H: Size, W: Size, C: Size> Layer<(usize, H, W, C)> for GlobalAveragePool {
    type Out = (usize, C);
    type Workspace<E: Scalar> = GlobalAveragePoolWorkspace<E>;

    fn output_shape(&self, (batch, _, _, channels): (usize, H, W, C)) -> (usize, C) {
        (batch, channels)
    }

    fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
        vec![LayerDescription::new("GlobalAveragePool", self.output_shape(input))]
    }

    fn workspace<E: Scalar>(
        &self,
        (batch, height, width, channels): (usize, H, W, C),
    ) -> GlobalAveragePoolWorkspace<E> {
        let channels = channels.size();
        GlobalAveragePoolWorkspace {
            channels,
            y: vec![E::ZERO; batch * channels],
            dx: vec![E::ZERO; batch * height.size() * width.size() * channels],
        }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        mean_of_rows(&mut workspace.y, x, workspace.channels);
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            mean_of_rows_backward(&mut workspace.dx, dy, workspace.channels);
        }
    }

    /// Pooling works channel by channel, so a channel is still the same neuron.
    fn inspect<E: Scalar>(&self, _: &[E], _: &GlobalAveragePoolWorkspace<E>, _: &mut Inspection) {}
}
