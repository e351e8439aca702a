//! The gradient of a normalised mixture's scale, in double precision.
//!
//! It is a single number: the sum, over all tokens and slots, of the logits' gradient times the normalised logits. The
//! terms nearly cancel, up to some thousand to one. The rounding of each term then counts as often, and no order of the
//! sum can save a gradient whose terms are in single precision.
//!
//! So it is computed apart, in double precision and in forward mode: with Y' the derivative of the output with respect
//! to the scale, the gradient is the sum of dY * Y'. With U the normalised logits without the scale, and ' for
//! derivatives:
//!
//! - D' = D * (U - sum over tokens of D * U), C' = C * (U - sum over slots of C * U)
//! - slots' = D'^T X, outputs' = the experts' derivative along slots'
//! - Y' = C' outputs + C outputs'

use super::SoftMoe;
use crate::kernels::double::product;
use crate::kernels::parallel::{Rows, chunk_count, parallel_chunks_with};
use crate::layers::experts::{Dual, ExpertsTangent};
use crate::{Scalar, Size, Weights};

/// Buffers for the gradient of the scale.
#[derive(Clone, Debug)]
pub(super) struct ScaleGradient {
    /// The columns of Phi at length one, (d, n p).
    phi: Vec<f64>,
    experts: ExpertsTangent,
    of_samples: Vec<f64>,
    /// One for each thread.
    scratches: Vec<Scratch>,
}

/// Buffers of one thread for one sample.
#[derive(Clone, Debug)]
struct Scratch {
    /// Tokens, and tokens at length one, (m, d).
    x: Vec<f64>,
    unit_x: Vec<f64>,
    /// U, (m, n p), and its transpose.
    cosines: Vec<f64>,
    cosines_transposed: Vec<f64>,
    /// C, (m, n p), and D^T, (n p, m).
    combine: Dual,
    dispatch: Dual,
    /// (n p, d)
    slots: Dual,
    outputs: Dual,
    /// Y', in two terms, (m, d).
    y_tangent: [Vec<f64>; 2],
    hidden: [Dual; 2],
}

impl ScaleGradient {
    pub(super) fn new<M: Size, D: Size, N: Size, P: Size>(layer: &SoftMoe<M, D, N, P>, batch: usize) -> Self {
        let (m, d, n, p) = layer.sizes();
        let np = n * p;
        let experts = ExpertsTangent::new(&layer.experts);
        let zeros = |len| vec![0.0; len];
        let scratch = Scratch {
            x: zeros(m * d),
            unit_x: zeros(m * d),
            cosines: zeros(m * np),
            cosines_transposed: zeros(m * np),
            combine: Dual::zeros(m * np),
            dispatch: Dual::zeros(m * np),
            slots: Dual::zeros(np * d),
            outputs: Dual::zeros(np * d),
            y_tangent: [zeros(m * d), zeros(m * d)],
            hidden: experts.scratch(p),
        };
        let (_, of_experts) = layer.experts.costs(p);
        let threads = chunk_count(batch * (5 * m * np * d + 2 * of_experts)).min(batch).max(1);
        ScaleGradient {
            phi: zeros(d * np),
            experts,
            of_samples: zeros(batch),
            scratches: vec![scratch; threads],
        }
    }

    /// The gradient of the scale.
    ///
    /// # Shapes
    /// x, dy: (batch, m, d)
    pub(super) fn compute<E: Scalar, M: Size, D: Size, N: Size, P: Size>(
        &mut self,
        layer: &SoftMoe<M, D, N, P>,
        weights: Weights<E>,
        x: &[E],
        dy: &[E],
    ) -> f64 {
        let (m, d, n, p) = layer.sizes();
        let scale = layer.scale.as_ref().map_or(1.0, |scale| weights.parameters[scale.start].to_f64());
        widen(&mut self.phi, &weights.parameters[layer.phi.clone()]);
        for column in 0..n * p {
            to_unit_length(&mut self.phi[column..], n * p);
        }
        self.experts.load(&layer.experts, weights);

        let Self { phi, experts, of_samples, scratches } = self;
        let samples = (Rows(x, m * d), Rows(dy, m * d), Rows(&mut of_samples[..], 1));
        parallel_chunks_with(scratches, samples, &|scratch, (x, dy, of_samples)| {
            for ((x, dy), of_sample) in x.iter().zip(dy.iter()).zip(of_samples.0) {
                scratch.mix(x, phi, scale, [m, d, n * p]);
                if layer.uniform.dispatch {
                    scratch.dispatch.make_uniform(m);
                }
                if layer.uniform.combine {
                    scratch.combine.make_uniform(n * p);
                }
                scratch.output_tangent(experts, [m, d, n, p]);
                let [left, right] = &scratch.y_tangent;
                let terms =
                    left.iter().zip(right).zip(dy).map(|((left, right), dy)| dy.to_f64() * (left + right));
                *of_sample = terms.sum();
            }
        });
        of_samples.iter().sum()
    }
}

impl Scratch {
    /// Computes dispatch and combine with their derivatives.
    fn mix<E: Scalar>(&mut self, x: &[E], phi: &[f64], scale: f64, [m, d, np]: [usize; 3]) {
        widen(&mut self.x, x);
        self.unit_x.copy_from_slice(&self.x);
        self.unit_x.chunks_exact_mut(d).for_each(|token| to_unit_length(token, 1));
        product(&mut self.cosines, &self.unit_x, phi, [m, d, np]);
        for (slot, transposed) in self.cosines_transposed.chunks_exact_mut(m).enumerate() {
            let column = self.cosines[slot..].iter().step_by(np);
            transposed.iter_mut().zip(column).for_each(|(transposed, cosine)| *transposed = *cosine);
        }
        softmax(&mut self.combine, &self.cosines, scale, np);
        softmax(&mut self.dispatch, &self.cosines_transposed, scale, m);
    }

    /// Computes the two terms of Y'.
    fn output_tangent(&mut self, experts: &ExpertsTangent, [m, d, n, p]: [usize; 4]) {
        let np = n * p;
        product(&mut self.slots.value, &self.dispatch.value, &self.x, [np, m, d]);
        product(&mut self.slots.tangent, &self.dispatch.tangent, &self.x, [np, m, d]);
        for e in 0..n {
            let of_expert = e * p * d..(e + 1) * p * d;
            let inputs = [&self.slots.value[of_expert.clone()], &self.slots.tangent[of_expert.clone()]];
            let outputs =
                [&mut self.outputs.value[of_expert.clone()], &mut self.outputs.tangent[of_expert.clone()]];
            experts.forward(e, inputs, outputs, &mut self.hidden);
        }
        let [left, right] = &mut self.y_tangent;
        product(left, &self.combine.tangent, &self.outputs.value, [m, np, d]);
        product(right, &self.combine.value, &self.outputs.tangent, [m, np, d]);
    }
}

impl Dual {
    /// Weights of one over `count`, whatever the scale.
    fn make_uniform(&mut self, count: usize) {
        self.value.fill(1.0 / count as f64);
        self.tangent.fill(0.0);
    }
}

/// w = the softmax of scale u over each row, and its derivative with respect to the scale.
fn softmax(w: &mut Dual, u: &[f64], scale: f64, columns: usize) {
    let rows = w.value.chunks_exact_mut(columns).zip(w.tangent.chunks_exact_mut(columns));
    for ((w, tangent), u) in rows.zip(u.chunks_exact(columns)) {
        let most = u.iter().fold(f64::NEG_INFINITY, |most, u| most.max(scale * u));
        w.iter_mut().zip(u).for_each(|(w, u)| *w = (scale * u - most).exp());
        let sum: f64 = w.iter().sum();
        w.iter_mut().for_each(|w| *w /= sum);
        let mean: f64 = w.iter().zip(u).map(|(w, u)| w * u).sum();
        tangent.iter_mut().zip(w.iter().zip(u)).for_each(|(tangent, (w, u))| *tangent = w * (u - mean));
    }
}

/// Scales every `stride`-th value of `values`, a vector v, to v / (|v| + 1e-6).
fn to_unit_length(values: &mut [f64], stride: usize) {
    let length = values.iter().step_by(stride).map(|v| v * v).sum::<f64>().sqrt();
    values.iter_mut().step_by(stride).for_each(|v| *v /= length + 1e-6);
}

/// The values in double precision.
fn widen<E: Scalar>(wide: &mut [f64], values: &[E]) {
    wide.iter_mut().zip(values).for_each(|(wide, value)| *wide = value.to_f64());
}
