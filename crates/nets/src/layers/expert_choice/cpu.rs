//! The CPU engine of the mixture of experts that choose their tokens.

use super::ExpertChoice;
use crate::layers::routed_experts::{Route, RoutedExpertsWorkspace};
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Buffers of an [`ExpertChoice`].
#[derive(Clone, Debug)]
pub struct ExpertChoiceWorkspace<E> {
    /// Token taken, (batch, p, n), ascending over p.
    selected: Vec<usize>,
    /// Tokens of a sample by score.
    order: Vec<usize>,
    experts: RoutedExpertsWorkspace<E>,
}

impl<E: Scalar> ExpertChoiceWorkspace<E> {
    /// The scores of the last forward pass, (batch, m, n).
    pub fn scores(&self) -> &[E] {
        &self.experts.scores
    }

    /// The token of each slot in the last forward pass, (batch, p, n), ascending over p.
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }
}

/// Selects the tokens of one sample, (p, n), by its `scores`, (m, n).
fn select<E: Scalar>(selected: &mut [usize], scores: &[E], order: &mut [usize], n: usize) {
    let p = selected.len() / n;
    for expert in 0..n {
        for (token, order) in order.iter_mut().enumerate() {
            *order = token;
        }
        let by_score = |&a: &usize, &b: &usize| {
            let (score_a, score_b) = (scores[a * n + expert], scores[b * n + expert]);
            score_b.partial_cmp(&score_a).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
        };
        if p < order.len() {
            order.select_nth_unstable_by(p, by_score);
        }
        order[..p].sort_unstable();
        for (slot, &token) in order[..p].iter().enumerate() {
            selected[slot * n + expert] = token;
        }
    }
}

impl<M: Size, D: Size, N: Size, P: Size> Layer<(usize, M, D)> for ExpertChoice<M, D, N, P> {
    type Out = (usize, M, D);
    type Workspace<E: Scalar> = ExpertChoiceWorkspace<E>;

    fn output_shape(&self, (batch, tokens, width): (usize, M, D)) -> Self::Out {
        expect("a mixture's number of tokens", Some(self.sizes.0.size()), Some(tokens.size()));
        expect("a mixture's token width", Some(self.sizes.1.size()), Some(width.size()));
        (batch, tokens, width)
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        let (m, _, _, p) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(m, p);
        let name = format!("ExpertChoice: {}, {p} tokens each", self.experts.experts.in_words());
        vec![LayerDescription::new(name, input).of(parameters, multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> ExpertChoiceWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, _, n, p) = self.sizes();
        ExpertChoiceWorkspace {
            selected: vec![0; batch * p * n],
            order: vec![0; m],
            experts: self.experts.workspace(batch, m, p, batch * p * n),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, _, n, p) = self.sizes();
        let ExpertChoiceWorkspace { selected, order, experts } = workspace;
        self.experts.score(weights, x, experts);
        for (selected, scores) in selected.chunks_exact_mut(p * n).zip(experts.scores.chunks_exact(m * n)) {
            select(selected, scores, order, n);
        }
        experts.routes.set(selected.iter().enumerate().map(|(slot, &token)| {
            let (sample, expert) = (slot / (p * n), slot % n);
            let token = sample * m + token;
            Route { slot, score: token * n + expert, token }
        }));
        self.experts.forward(weights, x, experts);
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        &workspace.experts.y
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let ExpertChoiceWorkspace { experts, .. } = workspace;
        self.experts.experts_backward(pass.weights, pass.dy, pass.gradient, experts);
        self.experts.scores_backward(experts);
        self.experts.router_backward(pass, experts);
    }

    fn d_input<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        &workspace.experts.dx
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        let (_, _, _, p) = self.sizes();
        self.experts.inspect(p, &workspace.experts, inspection);
    }
}
