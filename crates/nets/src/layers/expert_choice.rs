//! Mixture of experts that choose their tokens (Zhou et al. 2022, arXiv 2202.09368).

#[cfg(feature = "burn")]
mod device;

use crate::inspection::{Kernel, Mixture, doubles};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::layers::experts::{ExpertSettings, Experts, ExpertsWorkspace};
use crate::size::expect;
use crate::{Backward, Builder, Initializer, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// Each expert takes the p tokens that score highest for it; nothing is mixed before the experts.
///
/// With tokens X, (m, d), and a router W_g, (d, n):
/// - scores S = softmax of X W_g over the experts
/// - expert e takes the p tokens t of largest S_te (of equals, the first)
/// - y_t = sum of S_te expert_e(X_t) over the experts that took t; zero if none did
///
/// Gradients flow through the scores. The paper names this router but its code does not hold it; where the
/// two could differ, this is the definition.
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts that take `P` tokens each
#[derive(Clone, Debug)]
pub struct ExpertChoice<M, D, N, P> {
    sizes: (M, D, N, P),
    router: Range<usize>,
    experts: Experts<N, D>,
}

/// Buffers of an [`ExpertChoice`].
#[derive(Clone, Debug)]
pub struct ExpertChoiceWorkspace<E> {
    /// Token taken, (batch, p, n), ascending over p.
    selected: Vec<usize>,
    /// Tokens of a sample by score.
    order: Vec<usize>,
    /// (batch, m, n)
    logits: Vec<E>,
    scores: Vec<E>,
    d_scores: Vec<E>,
    d_logits: Vec<E>,
    /// Tokens taken, (batch, p, n, d).
    inputs: Vec<E>,
    d_outputs: Vec<E>,
    experts: ExpertsWorkspace<E>,
    /// (batch, m, d)
    y: Vec<E>,
    dx: Vec<E>,
}

impl<E: Scalar> ExpertChoiceWorkspace<E> {
    /// The scores of the last forward pass, (batch, m, n).
    pub fn scores(&self) -> &[E] {
        &self.scores
    }

    /// The token of each slot in the last forward pass, (batch, p, n), ascending over p.
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }
}

impl<M: Size, D: Size, N: Size, P: Size> ExpertChoice<M, D, N, P> {
    /// A mixture of the sizes (tokens m, width d, experts n, tokens taken p), as `<name>/router/kernel` and
    /// `<name>/experts/..` (see [`Experts::new`]).
    ///
    /// # Panics
    /// If p is larger than m.
    pub fn new(builder: &mut Builder, name: &str, sizes: (M, D, N, P), settings: ExpertSettings) -> Self {
        let (tokens, width, experts, slots) = sizes;
        let (m, d, n, p) = (tokens.size(), width.size(), experts.size(), slots.size());
        assert!(p <= m, "an expert cannot take {p} of {m} tokens");
        ExpertChoice {
            sizes,
            router: builder.parameter(format!("{name}/router/kernel"), &[d, n], Initializer::lecun_normal(d)),
            experts: Experts::new(builder, &format!("{name}/experts"), experts, width, settings),
        }
    }

    /// (m, d, n, p)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n, p) = self.sizes;
        (m.size(), d.size(), n.size(), p.size())
    }

    /// Calls `body(slot, score, token)` for each token that an expert took: where its slot starts in
    /// (batch, p, n, d), where its score lies in (batch, m, n), where the token starts in (batch, m, d).
    #[inline(always)]
    fn each_taken(&self, selected: &[usize], mut body: impl FnMut(usize, usize, usize)) {
        let (m, d, n, p) = self.sizes();
        for (index, &token) in selected.iter().enumerate() {
            let (sample, expert) = (index / (p * n), index % n);
            let token = sample * m + token;
            body(index * d, token * n + expert, token * d);
        }
    }
}

/// The `selected` tokens of one sample, (p, n), from its `scores`, (m, n).
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
        let (m, d, n, p) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(p);
        let name = format!("ExpertChoice: {}, {p} tokens each", self.experts.in_words());
        let row = LayerDescription::new(name, input);
        vec![row.of(self.router.len() + parameters, m * n * d + multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> ExpertChoiceWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let zeros = |len| vec![E::ZERO; len];
        ExpertChoiceWorkspace {
            selected: vec![0; batch * p * n],
            order: vec![0; m],
            logits: zeros(batch * m * n),
            scores: zeros(batch * m * n),
            d_scores: zeros(batch * m * n),
            d_logits: zeros(batch * m * n),
            inputs: zeros(batch * p * n * d),
            d_outputs: zeros(batch * p * n * d),
            experts: self.experts.workspace(batch * p),
            y: zeros(batch * m * d),
            dx: zeros(batch * m * d),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, n, p) = self.sizes();
        let batch = x.len() / (m * d);
        let router = Matrix::new(&weights.parameters[self.router.clone()], d, n);
        product(
            MatrixMut::new(&mut workspace.logits, batch * m, n),
            Matrix::new(x, batch * m, d),
            router,
            false,
        );
        kernels::softmax_rows(&mut workspace.scores, &workspace.logits, n);
        for (selected, scores) in
            workspace.selected.chunks_exact_mut(p * n).zip(workspace.scores.chunks_exact(m * n))
        {
            select(selected, scores, &mut workspace.order, n);
        }
        self.each_taken(&workspace.selected, |slot, _, token| {
            workspace.inputs[slot..slot + d].copy_from_slice(&x[token..token + d]);
        });
        let outputs = self.experts.forward(weights, &workspace.inputs, &mut workspace.experts);
        workspace.y.fill(E::ZERO);
        self.each_taken(&workspace.selected, |slot, score, token| {
            let score = workspace.scores[score];
            for (y, &output) in workspace.y[token..token + d].iter_mut().zip(&outputs[slot..slot + d]) {
                *y += score * output;
            }
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, _) = self.sizes();
        let batch = x.len() / (m * d);
        let outputs = self.experts.output(&workspace.experts);
        workspace.d_scores.fill(E::ZERO);
        self.each_taken(&workspace.selected, |slot, score, token| {
            let (dy, output) = (&dy[token..token + d], &outputs[slot..slot + d]);
            workspace.d_scores[score] = dy.iter().zip(output).map(|(&dy, &output)| dy * output).sum();
            for (d_output, &dy) in workspace.d_outputs[slot..slot + d].iter_mut().zip(dy) {
                *d_output = workspace.scores[score] * dy;
            }
        });
        let d_inputs = self.experts.backward(
            weights,
            &workspace.inputs,
            &workspace.d_outputs,
            &mut workspace.experts,
            gradient,
        );
        workspace.d_logits.fill(E::ZERO);
        kernels::softmax_backward_rows(&mut workspace.d_logits, &workspace.d_scores, &workspace.scores, n);
        let d_logits = Matrix::new(&workspace.d_logits, batch * m, n);
        let d_router = MatrixMut::new(&mut gradient[self.router.clone()], d, n);
        product(d_router, Matrix::new(x, batch * m, d).transposed(), d_logits, false);
        if wants_dx {
            let router = Matrix::new(&weights.parameters[self.router.clone()], d, n).transposed();
            product(MatrixMut::new(&mut workspace.dx, batch * m, d), d_logits, router, false);
            self.each_taken(&workspace.selected, |slot, _, token| {
                for (dx, &d_input) in workspace.dx[token..token + d].iter_mut().zip(&d_inputs[slot..slot + d])
                {
                    *dx += d_input;
                }
            });
        }
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &ExpertChoiceWorkspace<E>, inspection: &mut Inspection) {
        let (_, d, n, p) = self.sizes();
        inspection.reader(Kernel { range: self.router.clone(), columns: n });
        self.experts.inspect(&workspace.experts, inspection);
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: 1,
            combine: doubles(&workspace.scores),
            width: d,
            inputs_per_sample: p * n,
            inputs: doubles(&workspace.inputs),
        });
    }
}
