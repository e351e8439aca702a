//! The CPU engine of the mixture of experts that the tokens choose.

use super::TopKChoice;
use crate::layers::experts::ExpertsWorkspace;
use crate::layers::load_balancing::{BalancingLosses, BalancingWorkspace, Routing, rank};
use crate::layers::routed_experts::{Route, RoutedExpertsWorkspace};
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Buffers of a [`TopKChoice`].
#[derive(Clone, Debug)]
pub struct TopKChoiceWorkspace<E> {
    /// The experts that a token chose, and the slots that it got, (batch, m, k).
    choices: Vec<usize>,
    slots: Vec<Option<usize>>,
    /// Experts of a token by probability, and numbers of tokens that an expert has taken, (n).
    order: Vec<usize>,
    taken: Vec<usize>,
    experts: RoutedExpertsWorkspace<E>,
    balancing: BalancingWorkspace,
}

impl<E: Scalar> TopKChoiceWorkspace<E> {
    /// The router's logits in the last forward pass, (batch, m, n).
    pub fn logits(&self) -> &[E] {
        &self.experts.logits
    }

    /// The router's probabilities, (batch, m, n): rows sum to one.
    pub fn probabilities(&self) -> &[E] {
        &self.experts.scores
    }

    /// The experts that each token chose, (batch, m, k), best first.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// The slot, below the capacity, that a token got with each expert that it chose, (batch, m, k); `None` if the
    /// expert dropped the token.
    pub fn slots(&self) -> &[Option<usize>] {
        &self.slots
    }

    /// The experts' buffers; slot s of sample b is row b c + s of each expert.
    pub fn experts(&self) -> &ExpertsWorkspace<E> {
        &self.experts.experts
    }

    /// The load-balancing losses of the last forward pass.
    pub fn losses(&self) -> BalancingLosses {
        self.balancing.losses
    }
}

impl<M: Size, D: Size, N: Size> TopKChoice<M, D, N> {
    /// Makes the `choices` and `slots` of one sample, (m, k), by its `probabilities`, (m, n).
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

    /// The values that the load-balancing losses depend on.
    fn routing<'a, E>(
        &self,
        noise: Option<&'a [E]>,
        logits: &'a [E],
        probabilities: &'a [E],
    ) -> Routing<'a, E> {
        let (m, _, n, k) = self.sizes();
        let noise = noise.zip(self.noise.clone()).map(|(noise, range)| &noise[range]);
        Routing { sizes: (m, n, k), logits, probabilities, noise }
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
        let (m, _, _, k) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(m, self.capacity);
        let experts = self.experts.experts.in_words();
        let name = format!("TopKChoice: {experts}, {k} a token, capacity {}", self.capacity);
        vec![LayerDescription::new(name, self.output_shape(input)).of(parameters, multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> TopKChoiceWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, _, n, k) = self.sizes();
        TopKChoiceWorkspace {
            choices: vec![0; batch * m * k],
            slots: vec![None; batch * m * k],
            order: vec![0; n],
            taken: vec![0; n],
            experts: self.experts.workspace(batch, m, self.capacity, batch * m * k),
            balancing: BalancingWorkspace::new(batch, m, n),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, _, n, k) = self.sizes();
        let TopKChoiceWorkspace { choices, slots, order, taken, experts, balancing } = workspace;
        self.experts.score(weights, x, experts);
        let samples = choices.chunks_exact_mut(m * k).zip(slots.chunks_exact_mut(m * k));
        for ((choices, slots), probabilities) in samples.zip(experts.scores.chunks_exact(m * n)) {
            self.choose(choices, slots, probabilities, order, taken);
        }
        let chosen = choices.iter().zip(slots.iter()).enumerate();
        experts.routes.set(chosen.filter_map(|(index, (&expert, &slot))| {
            let token = index / k;
            let slot = (token / m * self.capacity + slot?) * n + expert;
            Some(Route { slot, score: token * n + expert, token })
        }));
        let routing = self.routing(weights.noise, &experts.logits, &experts.scores);
        self.settings.balancing.forward(&routing, balancing);
        self.experts.forward(weights, x, experts);
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        &workspace.experts.y
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let (losses, noise) = (&self.settings.balancing, pass.weights.noise);
        let TopKChoiceWorkspace { experts, balancing, .. } = workspace;
        self.experts.experts_backward(pass.weights, pass.dy, pass.gradient, experts);
        let routing = self.routing(noise, &experts.logits, &experts.scores);
        losses.add_to_probabilities(&mut experts.d_scores, &routing, balancing);
        self.experts.scores_backward(experts);
        let routing = self.routing(noise, &experts.logits, &experts.scores);
        losses.add_to_logits(&mut experts.d_logits, &routing, balancing);
        self.experts.router_backward(pass, experts);
    }

    fn d_input<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        &workspace.experts.dx
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        self.experts.inspect(self.capacity, &workspace.experts, inspection);
    }
}
