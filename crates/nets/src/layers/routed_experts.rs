//! Experts with a router: the part that expert choice and token choice share.
//!
//! A router scores each token for each expert. A layer turns the scores into [`Routes`]: which token takes which slot,
//! and which score weighs the slot's output. Everything else follows from the list: the experts' inputs, the sum of
//! their outputs, and the gradients.

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::inspection::{Kernel, Mixture, doubles};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layers::experts::{Experts, ExpertsWorkspace};
use crate::{Backward, Builder, Initializer, Inspection, Scalar, Size, Weights};
use std::ops::Range;

/// A token in a slot of an expert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The slot: a row of (batch, slots of an expert, n).
    pub(super) slot: usize,
    /// The score that weighs the slot's output: an element of (batch, m, n).
    pub(super) score: usize,
    /// The token: a row of (batch, m).
    pub(super) token: usize,
}

/// The routes of a batch. A slot has at most one token; a token may have any number of slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes(Vec<Route>);

impl Routes {
    /// No routes yet, and memory for `most`.
    fn with_capacity(most: usize) -> Self {
        Routes(Vec::with_capacity(most))
    }

    /// Replaces the routes.
    ///
    /// # Panics
    /// If there is no memory for them, so that a pass would allocate.
    pub(super) fn set(&mut self, routes: impl Iterator<Item = Route>) {
        self.0.clear();
        for route in routes {
            assert!(self.0.len() < self.0.capacity(), "more routes than the {} expected", self.0.capacity());
            self.0.push(route);
        }
    }

    /// The tokens in their slots; free slots are zero.
    ///
    /// # Shapes
    /// x: (batch m, d) -> inputs: (batch slots n, d)
    fn gather<E: Scalar>(&self, inputs: &mut [E], x: &[E], d: usize) {
        inputs.fill(E::ZERO);
        for &Route { slot, token, .. } in &self.0 {
            row_mut(inputs, slot, d).copy_from_slice(row(x, token, d));
        }
    }

    /// The gradient of [`gather`](Self::gather), added to `dx`.
    fn gather_backward<E: Scalar>(&self, dx: &mut [E], d_inputs: &[E], d: usize) {
        for &Route { slot, token, .. } in &self.0 {
            for (dx, &d_input) in row_mut(dx, token, d).iter_mut().zip(row(d_inputs, slot, d)) {
                *dx += d_input;
            }
        }
    }

    /// y_t = sum of score output over the slots of token t; zero if it has none.
    ///
    /// # Shapes
    /// outputs: (batch slots n, d); scores: (batch m n) -> y: (batch m, d)
    fn combine<E: Scalar>(&self, y: &mut [E], outputs: &[E], scores: &[E], d: usize) {
        y.fill(E::ZERO);
        for &Route { slot, score, token } in &self.0 {
            for (y, &output) in row_mut(y, token, d).iter_mut().zip(row(outputs, slot, d)) {
                *y += scores[score] * output;
            }
        }
    }

    /// One where a slot holds the token, else zero.
    ///
    /// # Shapes
    /// -> (tokens of the batch, n, slots of an expert)
    fn dispatch(&self, tokens: usize, slots: usize, n: usize) -> Vec<f64> {
        let mut dispatch = vec![0.0; tokens * n * slots];
        for &Route { slot, token, .. } in &self.0 {
            let (expert, slot) = (slot % n, slot / n % slots);
            dispatch[(token * n + expert) * slots + slot] = 1.0;
        }
        dispatch
    }

    /// The gradients of [`combine`](Self::combine): of the outputs, zero in free slots, and of the scores, zero where
    /// no slot was taken.
    fn combine_backward<E: Scalar>(
        &self,
        [d_outputs, d_scores]: [&mut [E]; 2],
        dy: &[E],
        [outputs, scores]: [&[E]; 2],
        d: usize,
    ) {
        d_outputs.fill(E::ZERO);
        d_scores.fill(E::ZERO);
        for &Route { slot, score, token } in &self.0 {
            let (dy, output) = (row(dy, token, d), row(outputs, slot, d));
            d_scores[score] = dy.iter().zip(output).map(|(&dy, &output)| dy * output).sum();
            for (d_output, &dy) in row_mut(d_outputs, slot, d).iter_mut().zip(dy) {
                *d_output = scores[score] * dy;
            }
        }
    }
}

/// A row of a matrix of `columns` columns.
fn row<E>(matrix: &[E], row: usize, columns: usize) -> &[E] {
    &matrix[row * columns..][..columns]
}

fn row_mut<E>(matrix: &mut [E], row: usize, columns: usize) -> &mut [E] {
    &mut matrix[row * columns..][..columns]
}

/// n experts and their router. With tokens X, (m, d), and a kernel W, (d, n):
/// - scores = softmax of X W over the experts, (m, n)
/// - y_t = sum of score_te expert_e(X_t) over the experts that a [`Route`] leads to
#[derive(Clone, Debug)]
pub(super) struct RoutedExperts<N, D> {
    pub(super) router: Range<usize>,
    pub(super) experts: Experts<N, D>,
}

/// Buffers of [`RoutedExperts`].
#[derive(Clone, Debug)]
pub(super) struct RoutedExpertsWorkspace<E> {
    /// (batch, m, n)
    pub(super) logits: Vec<E>,
    pub(super) scores: Vec<E>,
    pub(super) d_scores: Vec<E>,
    pub(super) d_logits: Vec<E>,
    pub(super) routes: Routes,
    /// The experts' inputs and the gradient of their outputs, (batch, slots of an expert, n, d).
    inputs: Vec<E>,
    d_outputs: Vec<E>,
    pub(super) experts: ExpertsWorkspace<E>,
    /// (batch, m, d)
    pub(super) y: Vec<E>,
    pub(super) dx: Vec<E>,
}

/// The router's kernel, LeCun-normal, as `<name>/router/kernel`.
pub(super) fn router(builder: &mut Builder, name: &str, width: usize, experts: usize) -> Range<usize> {
    builder.parameter(format!("{name}/router/kernel"), &[width, experts], Initializer::lecun_normal(width))
}

impl<N: Size, D: Size> RoutedExperts<N, D> {
    /// (d, n)
    fn sizes(&self) -> (usize, usize) {
        let (n, d) = self.experts.number_and_width();
        (d, n)
    }

    /// Parameters, and multiply-adds for `tokens` tokens and `slots` slots of each expert.
    pub(super) fn costs(&self, tokens: usize, slots: usize) -> (usize, usize) {
        let (d, n) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(slots);
        (self.router.len() + parameters, tokens * n * d + multiply_adds)
    }

    /// Buffers for `batch` samples of `tokens` tokens and `slots` slots of each expert, and at most `routes` routes.
    pub(super) fn workspace<E: Scalar>(
        &self,
        batch: usize,
        tokens: usize,
        slots: usize,
        routes: usize,
    ) -> RoutedExpertsWorkspace<E> {
        let (d, n) = self.sizes();
        let zeros = |len| vec![E::ZERO; len];
        RoutedExpertsWorkspace {
            logits: zeros(batch * tokens * n),
            scores: zeros(batch * tokens * n),
            d_scores: zeros(batch * tokens * n),
            d_logits: zeros(batch * tokens * n),
            routes: Routes::with_capacity(routes),
            inputs: zeros(batch * slots * n * d),
            d_outputs: zeros(batch * slots * n * d),
            experts: self.experts.workspace(batch * slots),
            y: zeros(batch * tokens * d),
            dx: zeros(batch * tokens * d),
        }
    }

    /// Computes the logits and the scores of the tokens `x`, (batch m, d).
    pub(super) fn score<E: Scalar>(
        &self,
        weights: Weights<E>,
        x: &[E],
        workspace: &mut RoutedExpertsWorkspace<E>,
    ) {
        let (d, n) = self.sizes();
        let rows = x.len() / d;
        let router = Matrix::new(&weights.parameters[self.router.clone()], d, n);
        product(MatrixMut::new(&mut workspace.logits, rows, n), Matrix::new(x, rows, d), router, false);
        kernels::softmax_rows(&mut workspace.scores, &workspace.logits, n);
    }

    /// Computes y by the routes in `workspace`.
    pub(super) fn forward<E: Scalar>(
        &self,
        weights: Weights<E>,
        x: &[E],
        workspace: &mut RoutedExpertsWorkspace<E>,
    ) {
        let (d, _) = self.sizes();
        let RoutedExpertsWorkspace { scores, routes, inputs, experts, y, .. } = workspace;
        routes.gather(inputs, x, d);
        let outputs = self.experts.forward(weights, inputs, experts);
        routes.combine(y, outputs, scores, d);
    }

    /// Computes the gradients of the experts and, by way of their outputs, of the scores.
    pub(super) fn experts_backward<E: Scalar>(
        &self,
        weights: Weights<E>,
        dy: &[E],
        gradient: &mut [E],
        workspace: &mut RoutedExpertsWorkspace<E>,
    ) {
        let (d, _) = self.sizes();
        let RoutedExpertsWorkspace { scores, d_scores, routes, inputs, d_outputs, experts, .. } = workspace;
        let outputs = self.experts.output(experts);
        routes.combine_backward([&mut *d_outputs, d_scores], dy, [outputs, &*scores], d);
        self.experts.backward(weights, inputs, d_outputs, experts, gradient);
    }

    /// Computes the gradient of the logits from the gradient of the scores.
    pub(super) fn scores_backward<E: Scalar>(&self, workspace: &mut RoutedExpertsWorkspace<E>) {
        let (_, n) = self.sizes();
        let RoutedExpertsWorkspace { scores, d_scores, d_logits, .. } = workspace;
        d_logits.fill(E::ZERO);
        kernels::softmax_backward_rows(d_logits, d_scores, scores, n);
    }

    /// Computes the gradients of the router's kernel and of the tokens from the gradient of the logits.
    pub(super) fn router_backward<E: Scalar>(
        &self,
        pass: Backward<E>,
        workspace: &mut RoutedExpertsWorkspace<E>,
    ) {
        let Backward { weights, x, gradient, wants_dx, .. } = pass;
        let (d, n) = self.sizes();
        let rows = x.len() / d;
        let RoutedExpertsWorkspace { d_logits, routes, experts, dx, .. } = workspace;
        let d_logits = Matrix::new(d_logits, rows, n);
        let d_router = MatrixMut::new(&mut gradient[self.router.clone()], d, n);
        product(d_router, Matrix::new(x, rows, d).transposed(), d_logits, false);
        if wants_dx {
            let router = Matrix::new(&weights.parameters[self.router.clone()], d, n).transposed();
            product(MatrixMut::new(dx, rows, d), d_logits, router, false);
            routes.gather_backward(dx, self.experts.d_input(experts), d);
        }
    }

    /// Shows the router, the experts, and the mixture of `slots` slots of each expert.
    pub(super) fn inspect<E: Scalar>(
        &self,
        slots: usize,
        workspace: &RoutedExpertsWorkspace<E>,
        inspection: &mut Inspection,
    ) {
        let (d, n) = self.sizes();
        inspection.reader(Kernel { range: self.router.clone(), columns: n });
        self.experts.inspect(&workspace.experts, inspection);
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: 1,
            combine: doubles(&workspace.scores),
            dispatch: workspace.routes.dispatch(workspace.scores.len() / n, slots, n),
            logits: Vec::new(),
            width: d,
            inputs_per_sample: slots * n,
            inputs: doubles(&workspace.inputs),
        });
    }
}

#[cfg(feature = "burn")]
impl<N: Size, D: Size> RoutedExperts<N, D> {
    /// The logits of the router.
    ///
    /// # Shapes
    /// x: (batch, m, d) -> (batch, m, n)
    pub(super) fn logits_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: &Tensor<B, 3>) -> Tensor<B, 3> {
        let (d, n) = self.sizes();
        tokens_times(x.clone(), weights.parameter(&self.router, [d, n]))
    }

    /// The sum of score_te expert_e(x_t) over the experts that take token t.
    ///
    /// # Shapes
    /// x: (batch, m, d); dispatch, one where a slot takes a token, else zero: (batch, m, n, slots); scores: (batch, m,
    /// n) -> (batch, m, d)
    pub(super) fn forward_on<B: Backend>(
        &self,
        weights: &DeviceWeights<B>,
        x: Tensor<B, 3>,
        dispatch: Tensor<B, 4>,
        scores: Tensor<B, 3>,
    ) -> Tensor<B, 3> {
        let combine: Tensor<B, 3> = (dispatch.clone() * scores.unsqueeze_dim::<4>(3)).flatten(2, 3);
        let dispatch: Tensor<B, 3> = dispatch.flatten(2, 3);
        let slots = dispatch.swap_dims(1, 2).matmul(x);
        combine.matmul(self.experts.forward_on(weights, slots))
    }
}
