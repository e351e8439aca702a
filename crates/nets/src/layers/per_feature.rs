//! PerFeat tokens: one token for each channel.

#[cfg(feature = "burn")]
mod device;

use crate::layer::y_and_dx;
use crate::size::{expect, product};
use crate::{Backward, Layer, LayerDescription, Scalar, Size, Weights};

/// PerFeat tokens: a feature map's channels become tokens, and its positions become their width: the transpose of the
/// tokens of [`PerConv`](super::PerConv).
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, channels, `WIDTH` = height x width)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerFeature<Width>(
    /// The tokens' width: the number of positions.
    pub Width,
);

/// Buffers of a [`PerFeature`].
#[derive(Clone, Debug)]
pub struct PerFeatureWorkspace<E> {
    /// (positions, channels)
    map: [usize; 2],
    y: Vec<E>,
    dx: Vec<E>,
}

/// Transposes each (rows, columns) matrix of `x`.
fn transpose<E: Scalar>(y: &mut [E], x: &[E], [rows, columns]: [usize; 2]) {
    for (y, x) in y.chunks_exact_mut(rows * columns).zip(x.chunks_exact(rows * columns)) {
        for (column, y) in y.chunks_exact_mut(rows).enumerate() {
            for (y, x) in y.iter_mut().zip(x.chunks_exact(columns)) {
                *y = x[column];
            }
        }
    }
}

impl<Width: Size, H: Size, W: Size, C: Size> Layer<(usize, H, W, C)> for PerFeature<Width> {
    type Out = (usize, C, Width);
    type Workspace<E: Scalar> = PerFeatureWorkspace<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, H, W, C)) -> Self::Out {
        const { expect("PerFeature's token width", Width::STATIC, product(&[H::STATIC, W::STATIC])) }
        let positions = height.size() * width.size();
        expect("PerFeature's token width", Some(self.0.size()), Some(positions));
        (batch, channels, self.0)
    }

    fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
        vec![LayerDescription::new("PerFeature", self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, input: (usize, H, W, C)) -> PerFeatureWorkspace<E> {
        let (batch, channels, positions) = self.output_shape(input);
        let map = [positions.size(), channels.size()];
        let zeros = vec![E::ZERO; batch * map[0] * map[1]];
        PerFeatureWorkspace { map, y: zeros.clone(), dx: zeros }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        transpose(&mut workspace.y, x, workspace.map);
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            let [positions, channels] = workspace.map;
            transpose(&mut workspace.dx, dy, [channels, positions]);
        }
    }
}
