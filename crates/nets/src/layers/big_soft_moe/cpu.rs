//! The CPU engine of the soft mixture of whole networks.

use super::BigSoftMoe;
use crate::inspection::{Mixture, doubles};
use crate::kernels::{Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::layers::mixing::{Exponentials, Mixing, Scratch, Sides, Uniform};
use crate::size::{expect, product as product_of};
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// Buffers of a [`BigSoftMoe`] whose experts' buffers are `T`. Slots are ordered (n, p).
#[derive(Clone, Debug)]
pub struct BigSoftMoeWorkspace<E, T> {
    /// Dispatch and combine of each sample; the gradient of the logits, (batch, m, n p).
    mixing: Vec<Mixing<E>>,
    d_logits: Vec<E>,
    scratch: Scratch<E>,
    /// The experts' inputs and the gradient of their outputs, (n, batch, p, d).
    slots: Vec<E>,
    d_outputs: Vec<E>,
    experts: Vec<T>,
    /// Slots, outputs and the gradient of the slots of one sample, (n p, d).
    of_sample: [Vec<E>; 3],
    /// (batch, m, d)
    y: Vec<E>,
    dx: Vec<E>,
}

impl<E: Scalar, T> BigSoftMoeWorkspace<E, T> {
    /// Dispatch of the last forward pass, (batch, m, n p): the weight of each token in each slot. Columns sum to one.
    pub fn dispatch(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::dispatch).collect()
    }

    /// Combine of the last forward pass, (batch, m, n p): the weight of each slot's output in each token. Rows sum to
    /// one.
    pub fn combine(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::combine).collect()
    }

    /// The experts' inputs of the last forward pass, (n, batch, p, d).
    pub fn slots(&self) -> &[E] {
        &self.slots
    }

    /// The buffers of each expert.
    pub fn experts(&self) -> &[T] {
        &self.experts
    }
}

/// Where the p slots of each expert lie for one sample: expert by expert in (n, batch, p, d), and in (n p, d).
#[derive(Clone, Copy)]
struct Places {
    batch: usize,
    /// Values of the p slots of an expert, p d.
    len: usize,
}

impl Places {
    /// The values of expert `e` for all samples.
    fn of_expert(self, e: usize) -> Range<usize> {
        e * self.batch * self.len..(e + 1) * self.batch * self.len
    }

    /// The values of expert `e` for one sample.
    fn of_sample(self, e: usize, sample: usize) -> Range<usize> {
        let place = (e * self.batch + sample) * self.len;
        place..place + self.len
    }
}

impl<M, D, N, S, X, F> Layer<(usize, M, D)> for BigSoftMoe<M, D, N, S, X>
where
    M: Size,
    D: Size,
    N: Size,
    S: Size,
    F: Size,
    X: Layer<(usize, S, S, D), Out = (usize, F)>,
{
    type Out = (usize, M, D);
    type Workspace<E: Scalar> = BigSoftMoeWorkspace<E, X::Workspace<E>>;

    fn output_shape(&self, (batch, tokens, width): (usize, M, D)) -> Self::Out {
        const FEATURES: &str = "an expert's number of features (side x side x width of its slots)";
        const { expect(FEATURES, F::STATIC, product_of(&[S::STATIC, S::STATIC, D::STATIC])) }
        expect("a mixture's number of tokens", Some(self.sizes.0.size()), Some(tokens.size()));
        expect("a mixture's token width", Some(self.sizes.1.size()), Some(width.size()));
        let (_, d, _, p) = self.sizes();
        for expert in &self.experts {
            let (_, features) = expert.output_shape(self.image(batch));
            expect(FEATURES, Some(features.size()), Some(p * d));
        }
        (batch, tokens, width)
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        let output = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let mut rows = self.experts.first().map_or(vec![], |expert| expert.describe(self.image(input.0)));
        for row in &mut rows {
            row.name = format!("{n} x {}", row.name);
            row.parameters *= n;
            row.multiply_adds *= n;
        }
        let name = format!("BigSoftMoE: {n} experts, {p} slots each");
        rows.push(LayerDescription::new(name, output).of(self.phi.len(), 3 * m * n * p * d));
        rows
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> Self::Workspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let zeros = |len| vec![E::ZERO; len];
        BigSoftMoeWorkspace {
            mixing: vec![Mixing::new(m, n * p, Exponentials::Separate); batch],
            d_logits: zeros(batch * m * n * p),
            scratch: Scratch::new(m, n * p, d),
            slots: zeros(n * batch * p * d),
            d_outputs: zeros(n * batch * p * d),
            experts: self.experts.iter().map(|expert| expert.workspace(self.image(batch))).collect(),
            of_sample: std::array::from_fn(|_| zeros(n * p * d)),
            y: zeros(batch * m * d),
            dx: zeros(batch * m * d),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, _, p) = self.sizes();
        let places = Places { batch: x.len() / (m * d), len: p * d };
        let BigSoftMoeWorkspace { mixing, scratch, slots, experts, of_sample: [of_sample, ..], y, .. } =
            workspace;
        let phi = &weights.parameters[self.phi.clone()];
        for (sample, (mixing, x)) in mixing.iter_mut().zip(x.chunks_exact(m * d)).enumerate() {
            mixing.forward(x, phi, Uniform::default(), scratch);
            mixing.slots(of_sample, x);
            for (e, of_expert) in of_sample.chunks_exact(p * d).enumerate() {
                slots[places.of_sample(e, sample)].copy_from_slice(of_expert);
            }
        }
        for (e, (expert, workspace)) in self.experts.iter().zip(experts).enumerate() {
            let outputs = expert.forward(weights, &slots[places.of_expert(e)], workspace);
            let samples = mixing.iter().zip(outputs.chunks_exact(p * d)).zip(y.chunks_exact_mut(m * d));
            for ((mixing, outputs), y) in samples {
                let combine = mixing.combine_of(e * p..(e + 1) * p);
                product(MatrixMut::new(y, m, d), combine, Matrix::new(outputs, p, d), e > 0);
            }
        }
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, p) = self.sizes();
        let (np, batch) = (n * p, x.len() / (m * d));
        let places = Places { batch, len: p * d };
        let BigSoftMoeWorkspace { mixing, d_logits, scratch, slots, d_outputs, experts, of_sample, y, dx } =
            workspace;

        for (e, (expert, workspace)) in self.experts.iter().zip(experts.iter_mut()).enumerate() {
            for (sample, (mixing, dy)) in mixing.iter().zip(dy.chunks_exact(m * d)).enumerate() {
                let combine = mixing.combine_of(e * p..(e + 1) * p).transposed();
                let d_outputs = &mut d_outputs[places.of_sample(e, sample)];
                product(MatrixMut::new(d_outputs, p, d), combine, Matrix::new(dy, m, d), false);
            }
            let (slots, d_outputs) = (&slots[places.of_expert(e)], &d_outputs[places.of_expert(e)]);
            expert.backward(weights, slots, d_outputs, workspace, gradient, true);
        }

        let [of_slots, of_outputs, of_d_slots] = of_sample;
        for (sample, mixing) in mixing.iter().enumerate() {
            let of_tokens = sample * m * d..(sample + 1) * m * d;
            for (e, (expert, workspace)) in self.experts.iter().zip(experts.iter()).enumerate() {
                let (slots, d_outputs) = (&slots[places.of_expert(e)], &d_outputs[places.of_expert(e)]);
                let (place, from) = (e * p * d..(e + 1) * p * d, sample * p * d..(sample + 1) * p * d);
                of_slots[place.clone()].copy_from_slice(&slots[from.clone()]);
                of_outputs[place.clone()].copy_from_slice(&expert.output(slots, workspace)[from.clone()]);
                let d_slots = &expert.d_input(d_outputs, workspace)[from];
                of_d_slots[place].copy_from_slice(d_slots);
                if wants_dx {
                    let dx = MatrixMut::new(&mut dx[of_tokens.clone()], m, d);
                    product(dx, mixing.dispatch_to(e * p..(e + 1) * p), Matrix::new(d_slots, p, d), e > 0);
                }
            }
            mixing.d_tokens(None, of_d_slots, scratch);
            let sides = Sides {
                x: &x[of_tokens.clone()],
                slots: of_slots,
                outputs: of_outputs,
                y: &y[of_tokens.clone()],
                dy: &dy[of_tokens],
            };
            mixing.backward(&mut d_logits[sample * m * np..][..m * np], &sides, Uniform::default(), scratch);
        }

        let d_logits = Matrix::new(d_logits, batch * m, np);
        let d_phi = MatrixMut::new(&mut gradient[self.phi.clone()], d, np);
        product(d_phi, Matrix::new(x, batch * m, d).transposed(), d_logits, false);
        if wants_dx {
            let phi = Matrix::new(&weights.parameters[self.phi.clone()], d, np).transposed();
            product(MatrixMut::new(dx, batch * m, d), d_logits, phi, true);
        }
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        let (_, d, n, p) = self.sizes();
        inspection.lose();
        let of_expert = workspace.slots.len() / n;
        let inputs = workspace.slots.chunks_exact(of_expert);
        for ((expert, workspace), inputs) in self.experts.iter().zip(&workspace.experts).zip(inputs.clone()) {
            expert.inspect(inputs, workspace, inspection);
            inspection.lose();
        }
        // From (n, batch, p, d) to (batch, n, p, d).
        let samples = (0..of_expert / (p * d)).flat_map(|sample| {
            inputs.clone().flat_map(move |inputs| &inputs[sample * p * d..(sample + 1) * p * d])
        });
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: p,
            combine: doubles(&workspace.combine()),
            dispatch: doubles(&workspace.dispatch()),
            logits: Vec::new(),
            width: d,
            inputs_per_sample: n * p,
            inputs: samples.map(|value| value.to_f64()).collect(),
        });
    }
}
