//! Simplicial embeddings (Lavoie et al. 2023, arXiv 2204.00616), in the two versions of the paper's code.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::layer::y_and_dx;
use crate::{Backward, Layer, LayerDescription, Scalar, Size, Weights};
use const_panic::concat_panic;

/// The temperature of the paper's code.
pub const SIMPLICIAL_TEMPERATURE: f64 = 0.1;

/// A simplicial embedding, version 1: y = softmax of x / temperature over the width of a feature map, for each row and
/// channel. In the paper's code it comes before the flattened hidden layer.
///
/// # Shapes
/// (batch, height, width, channels) -> the same
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimplicialMap {
    /// The temperature. A low one makes a row nearly one-hot, a high one nearly uniform.
    pub temperature: f64,
}

/// A simplicial embedding, version 2: y = softmax of x / temperature over each of `N` groups of consecutive features.
/// In the paper's code it comes after a hidden layer of `N` times the width, and before a ReLU, which changes nothing
/// because no value is negative.
///
/// # Shapes
/// (batch, features) -> the same
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimplicialGroups<N> {
    /// The number of groups.
    pub groups: N,
    /// The temperature. A low one makes a group nearly one-hot, a high one nearly uniform.
    pub temperature: f64,
}

/// Buffers of a simplicial embedding.
#[derive(Clone, Debug)]
pub struct SimplicialWorkspace<E> {
    /// The matrix of a softmax over columns: (positions, channels) of a row of the map, or (1, features) of a group.
    matrix: [usize; 2],
    /// x / temperature
    logits: Vec<E>,
    y: Vec<E>,
    dx: Vec<E>,
    /// A row of the matrix.
    scratch: Vec<E>,
}

impl<E: Scalar> SimplicialWorkspace<E> {
    fn new(len: usize, matrix: [usize; 2]) -> Self {
        let zeros = vec![E::ZERO; len];
        SimplicialWorkspace {
            matrix,
            logits: zeros.clone(),
            y: zeros.clone(),
            dx: zeros,
            scratch: vec![E::ZERO; matrix[1]],
        }
    }

    fn scale_logits(&mut self, x: &[E], temperature: f64) {
        let temperature = E::from_f64(temperature);
        self.logits.iter_mut().zip(x).for_each(|(logit, &x)| *logit = x / temperature);
    }

    fn scale_gradient(&mut self, temperature: f64) {
        let temperature = E::from_f64(temperature);
        self.dx.iter_mut().for_each(|dx| *dx = *dx / temperature);
    }
}

/// Refuses a temperature that is not a positive number.
fn check_temperature(temperature: f64) {
    let positive = temperature > 0.0 && temperature.is_finite();
    assert!(
        positive,
        "a simplicial embedding's temperature is {temperature}; it should be positive, like 0.1"
    );
}

impl Default for SimplicialMap {
    fn default() -> Self {
        SimplicialMap { temperature: SIMPLICIAL_TEMPERATURE }
    }
}

impl<N: Size> SimplicialGroups<N> {
    /// An embedding in `groups` groups at the temperature of the paper's code.
    pub fn new(groups: N) -> Self {
        SimplicialGroups { groups, temperature: SIMPLICIAL_TEMPERATURE }
    }
}

impl<H: Size, W: Size, C: Size> Layer<(usize, H, W, C)> for SimplicialMap {
    type Out = (usize, H, W, C);
    type Workspace<E: Scalar> = SimplicialWorkspace<E>;

    fn output_shape(&self, input: (usize, H, W, C)) -> Self::Out {
        check_temperature(self.temperature);
        input
    }

    fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
        vec![LayerDescription::new("simplicial embedding over the width", self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, input: (usize, H, W, C)) -> SimplicialWorkspace<E> {
        let (batch, height, width, channels) = self.output_shape(input);
        let matrix = [width.size(), channels.size()];
        SimplicialWorkspace::new(batch * height.size() * matrix[0] * matrix[1], matrix)
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        workspace.scale_logits(x, self.temperature);
        let row = workspace.matrix[0] * workspace.matrix[1];
        for (y, logits) in workspace.y.chunks_exact_mut(row).zip(workspace.logits.chunks_exact(row)) {
            kernels::softmax_columns(y, logits, &mut workspace.scratch);
        }
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            let row = workspace.matrix[0] * workspace.matrix[1];
            workspace.dx.fill(E::ZERO);
            let rows = dy.chunks_exact(row).zip(workspace.y.chunks_exact(row));
            for (dx, (dy, y)) in workspace.dx.chunks_exact_mut(row).zip(rows) {
                kernels::softmax_backward_columns(dx, dy, y, &mut workspace.scratch);
            }
            workspace.scale_gradient(self.temperature);
        }
    }
}

/// Refuses features that cannot be split evenly, where both numbers are known.
#[track_caller]
const fn expect_even_groups(features: Option<usize>, groups: Option<usize>) {
    if let (Some(features), Some(groups)) = (features, groups)
        && (groups == 0 || !features.is_multiple_of(groups))
    {
        concat_panic!(
            display: "a simplicial embedding cannot split ", features, " features into ", groups,
            " equal groups: make the layer before it a multiple of ", groups, " wide"
        )
    }
}

impl<N: Size, F: Size> Layer<(usize, F)> for SimplicialGroups<N> {
    type Out = (usize, F);
    type Workspace<E: Scalar> = SimplicialWorkspace<E>;

    fn output_shape(&self, (batch, features): (usize, F)) -> (usize, F) {
        const { expect_even_groups(F::STATIC, N::STATIC) }
        expect_even_groups(Some(features.size()), Some(self.groups.size()));
        check_temperature(self.temperature);
        (batch, features)
    }

    fn describe(&self, input: (usize, F)) -> Vec<LayerDescription> {
        let name = format!("simplicial embedding in {} groups", self.groups.size());
        vec![LayerDescription::new(name, self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, input: (usize, F)) -> SimplicialWorkspace<E> {
        let (batch, features) = self.output_shape(input);
        let features = features.size();
        SimplicialWorkspace::new(batch * features, [1, features / self.groups.size()])
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        workspace.scale_logits(x, self.temperature);
        kernels::softmax_rows(&mut workspace.y, &workspace.logits, workspace.matrix[1]);
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            workspace.dx.fill(E::ZERO);
            kernels::softmax_backward_rows(&mut workspace.dx, dy, &workspace.y, workspace.matrix[1]);
            workspace.scale_gradient(self.temperature);
        }
    }
}
