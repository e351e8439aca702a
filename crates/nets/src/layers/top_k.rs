//! Mixture of experts whose tokens choose them (Shazeer et al. 2017, arXiv 1701.06538; Lepikhin et al. 2020, arXiv
//! 2006.16668), as in Dopamine's mixtures of experts.

#[cfg(feature = "burn")]
mod device;

use crate::inspection::{Kernel, Mixture, doubles};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::layers::experts::{ExpertSettings, Experts, ExpertsWorkspace};
use crate::layers::load_balancing::{BalancingLosses, BalancingWorkspace, LoadBalancing, Routing, rank};
use crate::size::expect;
use crate::{Backward, Builder, Initializer, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// How tokens choose experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopKSettings {
    /// Experts k that each token chooses. The paper's code runs with 1 only.
    pub choices: usize,
    /// Slots that the experts have together, per choice of a token. At 1 an expert that more than its share of the
    /// tokens chooses drops some.
    pub capacity_factor: f64,
    /// Losses of the router beside the network's own.
    pub balancing: LoadBalancing,
}

impl Default for TopKSettings {
    /// One expert a token, capacity factor 1, no load-balancing loss: Dopamine's.
    fn default() -> Self {
        TopKSettings { choices: 1, capacity_factor: 1.0, balancing: LoadBalancing::default() }
    }
}

/// Each token takes the k experts that score highest for it, as long as they have room.
///
/// With tokens X, (m, d), and a router W_g, (d, n):
/// - probabilities S = softmax of X W_g over the experts
/// - token t chooses the k experts of largest S_te (of equals, the first)
/// - an expert has capacity for c = ceil(k m f / n) tokens, f the capacity factor (and no more than m); it takes the
///   first that chose it, in the order of the tokens, and drops the others
/// - y_t = sum of S_te expert_e(X_t) over the experts that took t; zero if none did
///
/// There is no residual connection, and the probabilities of the chosen experts are not scaled up to sum to one.
/// Gradients flow through the probabilities, and those of the [load-balancing losses](LoadBalancing) are added to
/// the router's.
///
/// With k = 1 this is what Dopamine's `MoE` with its `TopKRouter` computes. Beyond that, where that code does not run,
/// it is the definition of Lepikhin et al. 2020 (algorithm 1): all first choices are served before any second one,
/// with the capacity of Riquelme et al. 2021 (arXiv 2106.05974, section 2.3).
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts
#[derive(Clone, Debug)]
pub struct TopKChoice<M, D, N> {
    sizes: (M, D, N),
    settings: TopKSettings,
    capacity: usize,
    router: Range<usize>,
    /// Of the load loss, (m, n).
    noise: Option<Range<usize>>,
    experts: Experts<N, D>,
}

/// Buffers of a [`TopKChoice`].
#[derive(Clone, Debug)]
pub struct TopKChoiceWorkspace<E> {
    /// Expert chosen, and the slot it had for the token, (batch, m, k).
    choices: Vec<usize>,
    slots: Vec<Option<usize>>,
    /// Experts of a token by probability, and tokens that an expert has taken, (n).
    order: Vec<usize>,
    taken: Vec<usize>,
    /// (batch, m, n)
    logits: Vec<E>,
    probabilities: Vec<E>,
    d_probabilities: Vec<E>,
    d_logits: Vec<E>,
    /// Tokens taken, (batch, c, n, d); zeros in free slots.
    inputs: Vec<E>,
    d_outputs: Vec<E>,
    experts: ExpertsWorkspace<E>,
    balancing: BalancingWorkspace,
    /// (batch, m, d)
    y: Vec<E>,
    dx: Vec<E>,
}

impl<E: Scalar> TopKChoiceWorkspace<E> {
    /// The router's logits in the last forward pass, (batch, m, n).
    pub fn logits(&self) -> &[E] {
        &self.logits
    }

    /// The router's probabilities, (batch, m, n): rows sum to one.
    pub fn probabilities(&self) -> &[E] {
        &self.probabilities
    }

    /// The experts that each token chose, (batch, m, k), best first.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// The slot, below the capacity, that the token got with the expert chosen, (batch, m, k); `None` if it was
    /// dropped.
    pub fn slots(&self) -> &[Option<usize>] {
        &self.slots
    }

    /// The experts' buffers; slot s of sample b is row b c + s of each expert.
    pub fn experts(&self) -> &ExpertsWorkspace<E> {
        &self.experts
    }

    /// The load-balancing losses of the last forward pass.
    pub fn losses(&self) -> BalancingLosses {
        self.balancing.losses
    }
}

impl<M: Size, D: Size, N: Size> TopKChoice<M, D, N> {
    /// A mixture of the sizes (tokens m, width d, experts n), as `<name>/router/kernel` and `<name>/experts/..` (see
    /// [`Experts::new`]), with normal noise `<name>/router` if there is a load loss.
    ///
    /// # Panics
    /// If k is not in 1..=n, or the capacity factor or the deviation of a load loss not a positive number.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N),
        experts: ExpertSettings,
        settings: TopKSettings,
    ) -> Self {
        let (tokens, width, number) = sizes;
        let (m, d, n) = (tokens.size(), width.size(), number.size());
        let TopKSettings { choices: k, capacity_factor: factor, balancing } = settings;
        assert!((1..=n).contains(&k), "a token cannot choose {k} of {n} experts; 1 to {n} can be chosen");
        let positive = |value: f64| value.is_finite() && value > 0.0;
        assert!(
            positive(factor),
            "the capacity factor should be a positive number (1 is usual), but is {factor}"
        );
        let has_load = balancing.load != 0.0;
        let deviation = balancing.load_noise;
        assert!(
            positive(deviation) || !has_load,
            "the load loss's noise should have a positive deviation (1 is usual), but has {deviation}"
        );
        TopKChoice {
            sizes,
            settings,
            capacity: (((k * m) as f64 * factor / n as f64).ceil() as usize).min(m),
            router: builder.parameter(format!("{name}/router/kernel"), &[d, n], Initializer::lecun_normal(d)),
            noise: has_load.then(|| builder.normal_source(format!("{name}/router"), m * n)),
            experts: Experts::new(builder, &format!("{name}/experts"), number, width, experts),
        }
    }

    /// Slots c of each expert.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// (m, d, n, k)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n) = self.sizes;
        (m.size(), d.size(), n.size(), self.settings.choices)
    }

    /// The `choices` and `slots` of one sample, (m, k), from its `probabilities`, (m, n).
    fn choose<E: Scalar>(
        &self,
        choices: &mut [usize],
        slots: &mut [Option<usize>],
        probabilities: &[E],
        order: &mut [usize],
        taken: &mut [usize],
    ) {
        let (m, _, n, k) = self.sizes();
        for (choices, probabilities) in choices.chunks_exact_mut(k).zip(probabilities.chunks_exact(n)) {
            rank(order, |expert| probabilities[expert].to_f64());
            choices.copy_from_slice(&order[..k]);
        }
        taken.fill(0);
        for choice in 0..k {
            for token in 0..m {
                let index = token * k + choice;
                let taken = &mut taken[choices[index]];
                slots[index] = (*taken < self.capacity).then_some(*taken);
                *taken += 1;
            }
        }
    }

    /// Calls `body(slot, probability, token)` for each token that an expert took: where its slot starts in
    /// (batch, c, n, d), where its probability lies in (batch, m, n), where the token starts in (batch, m, d).
    #[inline(always)]
    fn each_taken(
        &self,
        choices: &[usize],
        slots: &[Option<usize>],
        mut body: impl FnMut(usize, usize, usize),
    ) {
        let (m, d, n, k) = self.sizes();
        for (index, (&expert, &slot)) in choices.iter().zip(slots).enumerate() {
            let token = index / k;
            if let Some(slot) = slot {
                let slot = (token / m * self.capacity + slot) * n + expert;
                body(slot * d, token * n + expert, token * d);
            }
        }
    }

    /// What the load-balancing losses look at.
    fn routing<'a, E>(
        &self,
        noise: Option<&'a [E]>,
        logits: &'a [E],
        probabilities: &'a [E],
        choices: &'a [usize],
    ) -> Routing<'a, E> {
        let (m, _, n, k) = self.sizes();
        let noise = noise.zip(self.noise.clone()).map(|(noise, range)| &noise[range]);
        Routing { sizes: (m, n, k), logits, probabilities, choices, noise }
    }
}

impl<M: Size, D: Size, N: Size> Layer<(usize, M, D)> for TopKChoice<M, D, N> {
    type Out = (usize, M, D);
    type Workspace<E: Scalar> = TopKChoiceWorkspace<E>;

    fn output_shape(&self, (batch, tokens, width): (usize, M, D)) -> Self::Out {
        expect("a mixture's number of tokens", Some(self.sizes.0.size()), Some(tokens.size()));
        expect("a mixture's token width", Some(self.sizes.1.size()), Some(width.size()));
        (batch, tokens, width)
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        let (m, d, n, k) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(self.capacity);
        let experts = self.experts.in_words();
        let name = format!("TopKChoice: {experts}, {k} a token, capacity {}", self.capacity);
        let row = LayerDescription::new(name, self.output_shape(input));
        vec![row.of(self.router.len() + parameters, m * n * d + multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> TopKChoiceWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, k) = self.sizes();
        let rows = batch * self.capacity;
        let zeros = |len| vec![E::ZERO; len];
        TopKChoiceWorkspace {
            choices: vec![0; batch * m * k],
            slots: vec![None; batch * m * k],
            order: vec![0; n],
            taken: vec![0; n],
            logits: zeros(batch * m * n),
            probabilities: zeros(batch * m * n),
            d_probabilities: zeros(batch * m * n),
            d_logits: zeros(batch * m * n),
            inputs: zeros(rows * n * d),
            d_outputs: zeros(rows * n * d),
            experts: self.experts.workspace(rows),
            balancing: BalancingWorkspace::new(batch, m, n),
            y: zeros(batch * m * d),
            dx: zeros(batch * m * d),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, n, k) = self.sizes();
        let batch = x.len() / (m * d);
        let router = Matrix::new(&weights.parameters[self.router.clone()], d, n);
        product(
            MatrixMut::new(&mut workspace.logits, batch * m, n),
            Matrix::new(x, batch * m, d),
            router,
            false,
        );
        kernels::softmax_rows(&mut workspace.probabilities, &workspace.logits, n);
        for sample in 0..batch {
            let of_choices = sample * m * k..(sample + 1) * m * k;
            let choices = &mut workspace.choices[of_choices.clone()];
            let probabilities = &workspace.probabilities[sample * m * n..(sample + 1) * m * n];
            let slots = &mut workspace.slots[of_choices];
            self.choose(choices, slots, probabilities, &mut workspace.order, &mut workspace.taken);
        }
        let routing =
            self.routing(weights.noise, &workspace.logits, &workspace.probabilities, &workspace.choices);
        self.settings.balancing.forward(&routing, &mut workspace.balancing);

        workspace.inputs.fill(E::ZERO);
        self.each_taken(&workspace.choices, &workspace.slots, |slot, _, token| {
            workspace.inputs[slot..slot + d].copy_from_slice(&x[token..token + d]);
        });
        let outputs = self.experts.forward(weights, &workspace.inputs, &mut workspace.experts);
        workspace.y.fill(E::ZERO);
        self.each_taken(&workspace.choices, &workspace.slots, |slot, probability, token| {
            let probability = workspace.probabilities[probability];
            for (y, &output) in workspace.y[token..token + d].iter_mut().zip(&outputs[slot..slot + d]) {
                *y += probability * output;
            }
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, _) = self.sizes();
        let batch = x.len() / (m * d);
        let outputs = self.experts.output(&workspace.experts);
        workspace.d_probabilities.fill(E::ZERO);
        workspace.d_outputs.fill(E::ZERO);
        self.each_taken(&workspace.choices, &workspace.slots, |slot, probability, token| {
            let (dy, output) = (&dy[token..token + d], &outputs[slot..slot + d]);
            workspace.d_probabilities[probability] =
                dy.iter().zip(output).map(|(&dy, &output)| dy * output).sum();
            for (d_output, &dy) in workspace.d_outputs[slot..slot + d].iter_mut().zip(dy) {
                *d_output = workspace.probabilities[probability] * dy;
            }
        });
        let d_inputs = self.experts.backward(
            weights,
            &workspace.inputs,
            &workspace.d_outputs,
            &mut workspace.experts,
            gradient,
        );

        let routing =
            self.routing(weights.noise, &workspace.logits, &workspace.probabilities, &workspace.choices);
        let balancing = &self.settings.balancing;
        balancing.add_to_probabilities(&mut workspace.d_probabilities, &routing, &mut workspace.balancing);
        workspace.d_logits.fill(E::ZERO);
        kernels::softmax_backward_rows(
            &mut workspace.d_logits,
            &workspace.d_probabilities,
            &workspace.probabilities,
            n,
        );
        balancing.add_to_logits(&mut workspace.d_logits, &routing, &mut workspace.balancing);

        let d_logits = Matrix::new(&workspace.d_logits, batch * m, n);
        let d_router = MatrixMut::new(&mut gradient[self.router.clone()], d, n);
        product(d_router, Matrix::new(x, batch * m, d).transposed(), d_logits, false);
        if wants_dx {
            let router = Matrix::new(&weights.parameters[self.router.clone()], d, n).transposed();
            product(MatrixMut::new(&mut workspace.dx, batch * m, d), d_logits, router, false);
            self.each_taken(&workspace.choices, &workspace.slots, |slot, _, token| {
                for (dx, &d_input) in workspace.dx[token..token + d].iter_mut().zip(&d_inputs[slot..slot + d])
                {
                    *dx += d_input;
                }
            });
        }
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &TopKChoiceWorkspace<E>, inspection: &mut Inspection) {
        let (_, d, n, _) = self.sizes();
        inspection.reader(Kernel { range: self.router.clone(), columns: n });
        self.experts.inspect(&workspace.experts, inspection);
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: 1,
            combine: doubles(&workspace.probabilities),
            width: d,
            inputs_per_sample: self.capacity * n,
            inputs: doubles(&workspace.inputs),
        });
    }
}
