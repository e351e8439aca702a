//! The CPU engine of the soft mixture.

use super::SoftMoe;
use super::scale::ScaleGradient;
use crate::inspection::{Kernel, Mixture, doubles};
use crate::kernels::parallel::{Rows, chunk_count, parallel_chunks, parallel_chunks_with};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::layers::experts::ExpertsWorkspace;
use crate::layers::mixing::{Exponentials, Mixing, Scratch, Sides};
use crate::layers::unit_vectors::UnitVectors;
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// Buffers of a [`SoftMoe`]. Slots are ordered (p, n): the experts' interleaved order.
#[derive(Clone, Debug)]
pub struct SoftMoeWorkspace<E> {
    /// Phi in the order of the slots, (d, p n): the second factor of the logits. Its transpose and its gradient.
    phi: Vec<E>,
    phi_transposed: Vec<E>,
    d_phi: Vec<E>,
    normalised: Option<NormalisedWorkspace<E>>,
    /// Dispatch and combine of each sample; the gradient of the logits, (batch, m, p n).
    mixing: Vec<Mixing<E>>,
    d_logits: Vec<E>,
    /// (batch, p n, d)
    slots: Vec<E>,
    d_outputs: Vec<E>,
    experts: ExpertsWorkspace<E>,
    /// (batch, m, d); `dy` times the scales of combine.
    y: Vec<E>,
    dy: Vec<E>,
    dx: Vec<E>,
    /// One for each thread.
    scratches: Vec<Scratch<E>>,
}

/// Further buffers of a normalised mixture.
#[derive(Clone, Debug)]
struct NormalisedWorkspace<E> {
    /// The tokens at length one, (batch m, d), and their gradient.
    tokens: UnitVectors<E>,
    d_tokens: Vec<E>,
    /// The columns of Phi at length one, (d, p n).
    phi: UnitVectors<E>,
    scale: ScaleGradient,
}

impl<E: Scalar> SoftMoeWorkspace<E> {
    /// Dispatch of the last forward pass, (batch, m, p n): the weight of each token in each slot. Columns sum to one.
    pub fn dispatch(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::dispatch).collect()
    }

    /// Combine of the last forward pass, (batch, m, p n): the weight of each slot's output in each token. Rows sum to
    /// one.
    pub fn combine(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::combine).collect()
    }

    /// The experts' inputs of the last forward pass, (batch, p n, d).
    pub fn slots(&self) -> &[E] {
        &self.slots
    }

    /// The experts' buffers; slot s of sample b is row b p + s of each expert.
    pub fn experts(&self) -> &ExpertsWorkspace<E> {
        &self.experts
    }
}

impl<M: Size, D: Size, N: Size, P: Size> SoftMoe<M, D, N, P> {
    /// Calls `copy(from, to)` for each value of Phi, (d, n, p), and its place in the order of the slots, (d, p, n).
    fn permute(&self, mut copy: impl FnMut(usize, usize)) {
        let (_, d, n, p) = self.sizes();
        for row in 0..d {
            for expert in 0..n {
                for slot in 0..p {
                    copy((row * n + expert) * p + slot, (row * p + slot) * n + expert);
                }
            }
        }
    }

    /// The two factors of the logits: the tokens, which are returned, and Phi, which is left in `phi`.
    fn logit_factors<'t, E: Scalar>(
        &self,
        weights: Weights<E>,
        x: &'t [E],
        phi: &mut [E],
        normalised: Option<&'t mut NormalisedWorkspace<E>>,
    ) -> &'t [E] {
        let own = &weights.parameters[self.phi.clone()];
        self.permute(|from, to| phi[to] = own[from]);
        let Some((scale, units)) = self.scale.as_ref().zip(normalised) else { return x };
        let scale = weights.parameters[scale.start];
        phi.copy_from_slice(units.phi.forward(phi));
        phi.iter_mut().for_each(|phi| *phi = scale * *phi);
        units.tokens.forward(x)
    }

    /// The gradients of Phi, of the scale and, through the logits, of the tokens, from the gradient of the logits.
    fn logit_factors_backward<E: Scalar>(&self, pass: Backward<E>, workspace: &mut SoftMoeWorkspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, p) = self.sizes();
        let (rows, np) = (x.len() / d, n * p);
        assert!(rows.is_multiple_of(m));
        let d_logits = Matrix::new(&workspace.d_logits, rows, np);
        let tokens = workspace.normalised.as_ref().map_or(x, |units| units.tokens.values());
        let tokens = Matrix::new(tokens, rows, d).transposed();
        product(MatrixMut::new(&mut workspace.d_phi, d, np), tokens, d_logits, false);
        if wants_dx {
            let (d_tokens, accumulate) = match &mut workspace.normalised {
                Some(units) => (&mut units.d_tokens, false),
                None => (&mut workspace.dx, true),
            };
            kernels::transpose(&mut workspace.phi_transposed, &workspace.phi, np);
            let phi = Matrix::new(&workspace.phi_transposed, np, d);
            product(MatrixMut::new(d_tokens, rows, d), d_logits, phi, accumulate);
        }
        if let Some((scale, units)) = self.scale.as_ref().zip(workspace.normalised.as_mut()) {
            let (place, scale) = (scale.start, weights.parameters[scale.start]);
            gradient[place] = E::from_f64(units.scale.compute(self, weights, x, dy));
            workspace.d_phi.iter_mut().for_each(|d_phi| *d_phi *= scale);
            units.phi.backward(&mut workspace.d_phi);
            if wants_dx {
                units.tokens.backward(&mut units.d_tokens);
                kernels::add(&mut workspace.dx, &units.d_tokens);
            }
        }
        let d_phi = &mut gradient[self.phi.clone()];
        match self.phi_is_fixed {
            true => d_phi.fill(E::ZERO),
            false => self.permute(|to, from| d_phi[to] = workspace.d_phi[from]),
        }
    }
}

impl<M: Size, D: Size, N: Size, P: Size> Layer<(usize, M, D)> for SoftMoe<M, D, N, P> {
    type Out = (usize, M, D);
    type Workspace<E: Scalar> = SoftMoeWorkspace<E>;

    fn output_shape(&self, (batch, tokens, width): (usize, M, D)) -> Self::Out {
        expect("a mixture's number of tokens", Some(self.sizes.0.size()), Some(tokens.size()));
        expect("a mixture's token width", Some(self.sizes.1.size()), Some(width.size()));
        (batch, tokens, width)
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        let (m, d, n, p) = self.sizes();
        let (parameters, multiply_adds) = self.experts.costs(p);
        let scale = self.scale.as_ref().map_or(0, Range::len);
        let name = format!("SoftMoE: {}, {p} slots each", self.experts.in_words());
        // Logits, slots and outputs are products of m, n p and d.
        let row = LayerDescription::new(name, input);
        let phi = if self.phi_is_fixed { 0 } else { self.phi.len() };
        vec![row.of(phi + scale + parameters, 3 * m * n * p * d + multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> SoftMoeWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let np = n * p;
        let threads = chunk_count(3 * batch * m * np * d).min(batch).max(1);
        let zeros = |len| vec![E::ZERO; len];
        SoftMoeWorkspace {
            phi: zeros(d * np),
            phi_transposed: zeros(d * np),
            d_phi: zeros(d * np),
            normalised: self.scale.as_ref().map(|_| NormalisedWorkspace {
                tokens: UnitVectors::rows(batch * m, d),
                d_tokens: zeros(batch * m * d),
                phi: UnitVectors::columns(d, np),
                scale: ScaleGradient::new(self, batch),
            }),
            mixing: vec![Mixing::new(m, np, Exponentials::Shared); batch],
            d_logits: zeros(batch * m * np),
            slots: zeros(batch * np * d),
            d_outputs: zeros(batch * np * d),
            experts: self.experts.workspace(batch * p),
            y: zeros(batch * m * d),
            dy: zeros(batch * m * d),
            dx: zeros(batch * m * d),
            scratches: vec![Scratch::new(m, np, d); threads],
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, n, p) = self.sizes();
        let np = n * p;
        let SoftMoeWorkspace { phi, normalised, mixing, slots, experts, y, scratches, .. } = workspace;
        let tokens = self.logit_factors(weights, x, phi, normalised.as_mut());

        // Sample by sample, so that the weights are still in the cache when the slots are computed.
        let samples =
            (Rows(x, m * d), Rows(tokens, m * d), Rows(&mut slots[..], np * d), Rows(&mut mixing[..], 1));
        parallel_chunks_with(scratches, samples, &|scratch, (x, tokens, mut slots, mixing)| {
            let samples = x.iter().zip(tokens.iter()).zip(slots.iter_mut());
            for (mixing, ((x, tokens), slots)) in mixing.0.iter_mut().zip(samples) {
                mixing.forward(tokens, phi, self.uniform, scratch);
                mixing.slots(slots, x);
            }
        });
        let outputs = self.experts.forward(weights, slots, experts);
        let samples = (Rows(&mixing[..], 1), Rows(outputs, np * d), Rows(&mut y[..], m * d));
        parallel_chunks(x.len() * np, samples, |(mixing, outputs, mut y)| {
            for ((mixing, outputs), y) in mixing.0.iter().zip(outputs.iter()).zip(y.iter_mut()) {
                mixing.tokens(y, outputs);
            }
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, p) = self.sizes();
        let np = n * p;
        let batch = x.len() / (m * d);
        let SoftMoeWorkspace {
            mixing,
            slots,
            d_outputs,
            y,
            dy: scaled_dy,
            dx,
            d_logits,
            experts,
            scratches,
            ..
        } = workspace;
        scaled_dy.copy_from_slice(dy);
        let samples =
            (Rows(&mixing[..], 1), Rows(&mut scaled_dy[..], m * d), Rows(&mut d_outputs[..], np * d));
        parallel_chunks(x.len() * np, samples, |(mixing, mut dy, mut d_outputs)| {
            for ((mixing, dy), d_outputs) in mixing.0.iter().zip(dy.iter_mut()).zip(d_outputs.iter_mut()) {
                mixing.d_outputs(d_outputs, dy);
            }
        });
        self.experts.backward(weights, slots, d_outputs, experts, gradient);

        let (outputs, d_slots) = (self.experts.output(experts), self.experts.d_input(experts));
        let samples = (0..batch, Rows(&mut dx[..], m * d), Rows(&mut d_logits[..], m * np));
        parallel_chunks_with(scratches, samples, &|scratch, (samples, mut dx, mut d_logits)| {
            for ((sample, dx), d_logits) in samples.zip(dx.iter_mut()).zip(d_logits.iter_mut()) {
                let (of_tokens, of_slots) = (sample * m * d, sample * np * d);
                let mixing = &mixing[sample];
                mixing.d_tokens(wants_dx.then_some(dx), &d_slots[of_slots..][..np * d], scratch);
                let sides = Sides {
                    x: &x[of_tokens..][..m * d],
                    slots: &slots[of_slots..][..np * d],
                    outputs: &outputs[of_slots..][..np * d],
                    y: &y[of_tokens..][..m * d],
                    dy: &scaled_dy[of_tokens..][..m * d],
                };
                mixing.backward(d_logits, &sides, self.uniform, scratch);
            }
        });
        self.logit_factors_backward(Backward { weights, x, dy, gradient, wants_dx }, workspace);
    }

    /// A fixed Phi is not among the weights that read the tokens.
    fn inspect<E: Scalar>(&self, x: &[E], workspace: &SoftMoeWorkspace<E>, inspection: &mut Inspection) {
        let (_, d, n, p) = self.sizes();
        if !self.phi_is_fixed {
            inspection.reader(Kernel { range: self.phi.clone(), columns: n * p });
        }
        self.experts.inspect(&workspace.experts, inspection);
        // From the order (p, n) of the slots to (n, p).
        let in_order = |weights: Vec<E>| -> Vec<f64> {
            let tokens = doubles(&weights);
            let of_token = |token: &[f64]| -> Vec<f64> {
                (0..n * p).map(|slot| token[slot % p * n + slot / p]).collect()
            };
            tokens.chunks_exact(n * p).flat_map(of_token).collect()
        };
        // Mixing keeps exponentials of the logits only; Phi and the tokens are still those of the forward pass.
        let tokens = workspace.normalised.as_ref().map_or(x, |units| units.tokens.values());
        let mut logits = vec![E::ZERO; tokens.len() / d * n * p];
        let (rows, phi) = (Matrix::new(tokens, tokens.len() / d, d), Matrix::new(&workspace.phi, d, n * p));
        product(MatrixMut::new(&mut logits, tokens.len() / d, n * p), rows, phi, false);
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: p,
            combine: in_order(workspace.combine()),
            dispatch: in_order(workspace.dispatch()),
            logits: in_order(logits),
            width: d,
            inputs_per_sample: n * p,
            inputs: doubles(&workspace.slots),
        });
    }
}
