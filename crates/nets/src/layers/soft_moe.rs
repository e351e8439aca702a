//! Soft mixture of experts over tokens (Puigcerver et al. 2024, arXiv 2308.00951).

use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layers::experts::{ExpertSettings, Experts, ExpertsTape};
use crate::layers::unit_vectors::UnitVectors;
use crate::size::expect;
use crate::{Builder, Law, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// Every slot of every expert is a convex combination of all tokens, and every output token one of all slots'
/// outputs.
///
/// With tokens X, (m, d), and parameters Phi, (d, n p):
/// - dispatch = softmax of X Phi over the tokens; slots = dispatch^T X
/// - outputs = each expert applied to its p slots
/// - combine = softmax of X Phi over all n p slots; y = combine outputs
///
/// There is no residual connection. [Normalised](SoftMoe::normalised), the logits are those of the tokens and of
/// Phi's columns scaled to length one, times a learned scale (section 2.3 there); slots mix the tokens as they
/// are. The paper's code has that as an option, off by default.
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts of `P` slots each
#[derive(Clone, Debug)]
pub struct SoftMoe<M, D, N, P> {
    sizes: (M, D, N, P),
    phi: Range<usize>,
    /// Normalised: the scale of Phi.
    scale: Option<Range<usize>>,
    experts: Experts<N, D>,
}

/// Buffers of a [`SoftMoe`]. Slots are ordered (p, n): the experts' interleaved order.
#[derive(Clone, Debug)]
pub struct SoftMoeTape<E> {
    /// What the logits are products of: Phi in the order of the slots, (d, p n), and its gradient.
    phi: Vec<E>,
    d_phi: Vec<E>,
    normalised: Option<NormalisedTape<E>>,
    /// Of one sample, (m, p n).
    logits: Vec<E>,
    /// (batch, m, p n)
    dispatch: Vec<E>,
    combine: Vec<E>,
    d_logits: Vec<E>,
    /// Gradient of one sample's dispatch or combine, (m, p n).
    d_softmax: Vec<E>,
    /// A row of slots.
    scratch: Vec<E>,
    /// (batch, p n, d)
    slots: Vec<E>,
    d_outputs: Vec<E>,
    experts: ExpertsTape<E>,
    /// (batch, m, d)
    y: Vec<E>,
    dx: Vec<E>,
}

/// What a normalised mixture keeps besides.
#[derive(Clone, Debug)]
struct NormalisedTape<E> {
    /// (batch m, d), and the gradient of these.
    tokens: UnitVectors<E>,
    d_tokens: Vec<E>,
    /// The columns of Phi, (d, p n).
    phi: UnitVectors<E>,
}

impl<E: Scalar> SoftMoeTape<E> {
    /// The weight of each token in each slot in the last forward pass, (batch, m, p n): columns sum to one.
    pub fn dispatch(&self) -> &[E] {
        &self.dispatch
    }

    /// The weight of each slot's output in each token, (batch, m, p n): rows sum to one.
    pub fn combine(&self) -> &[E] {
        &self.combine
    }

    /// What went into the experts, (batch, p n, d).
    pub fn slots(&self) -> &[E] {
        &self.slots
    }

    /// The experts' buffers; slot s of sample b is row b p + s of each expert.
    pub fn experts(&self) -> &ExpertsTape<E> {
        &self.experts
    }
}

impl<M: Size, D: Size, N: Size, P: Size> SoftMoe<M, D, N, P> {
    /// A mixture of the sizes (tokens m, width d, experts n, slots p), as `<name>/phi`, (d, n, p), and
    /// `<name>/experts/..` (see [`Experts::new`]).
    ///
    /// Phi is LeCun-normal over a fan-in of d n, which is what Flax makes of that shape.
    pub fn new(builder: &mut Builder, name: &str, sizes: (M, D, N, P), settings: ExpertSettings) -> Self {
        let (_, width, experts, slots) = sizes;
        let (d, n, p) = (width.size(), experts.size(), slots.size());
        SoftMoe {
            sizes,
            phi: builder.parameter(format!("{name}/phi"), &[d, n, p], Law::lecun_normal(d * n)),
            scale: None,
            experts: Experts::new(builder, &format!("{name}/experts"), experts, width, settings),
        }
    }

    /// A mixture whose logits are normalised, with the scale as `<name>/scale`, (1), initially one; otherwise as
    /// [`new`](Self::new).
    pub fn normalised(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N, P),
        settings: ExpertSettings,
    ) -> Self {
        let mut layer = Self::new(builder, name, sizes, settings);
        layer.scale = Some(builder.parameter(format!("{name}/scale"), &[1], Law::Constant(1.0)));
        layer
    }

    /// (m, d, n, p)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n, p) = self.sizes;
        (m.size(), d.size(), n.size(), p.size())
    }

    /// Copies between Phi's own order (d, n, p) and the order of the slots (d, p, n).
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
}

impl<M: Size, D: Size, N: Size, P: Size> Layer<(usize, M, D)> for SoftMoe<M, D, N, P> {
    type Out = (usize, M, D);
    type Tape<E: Scalar> = SoftMoeTape<E>;

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
        vec![row.of(self.phi.len() + scale + parameters, 3 * m * n * p * d + multiply_adds)]
    }

    fn tape<E: Scalar>(&self, input: (usize, M, D)) -> SoftMoeTape<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let zeros = |len| vec![E::ZERO; len];
        SoftMoeTape {
            phi: zeros(d * n * p),
            d_phi: zeros(d * n * p),
            normalised: self.scale.as_ref().map(|_| NormalisedTape {
                tokens: UnitVectors::rows(batch * m, d),
                d_tokens: zeros(batch * m * d),
                phi: UnitVectors::columns(d, n * p),
            }),
            logits: zeros(m * n * p),
            dispatch: zeros(batch * m * n * p),
            combine: zeros(batch * m * n * p),
            d_logits: zeros(batch * m * n * p),
            d_softmax: zeros(m * n * p),
            scratch: zeros(n * p),
            slots: zeros(batch * n * p * d),
            d_outputs: zeros(batch * n * p * d),
            experts: self.experts.tape(batch * p),
            y: zeros(batch * m * d),
            dx: zeros(batch * m * d),
        }
    }

    fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &'t [E],
        tape: &'t mut SoftMoeTape<E>,
    ) -> &'t [E] {
        let (m, d, n, p) = self.sizes();
        let (np, batch) = (n * p, x.len() / (m * d));
        let phi = &weights.parameters[self.phi.clone()];
        self.permute(|own, slots| tape.phi[slots] = phi[own]);
        let mut tokens = x;
        if let Some((scale, units)) = self.scale.as_ref().zip(tape.normalised.as_mut()) {
            tokens = units.tokens.forward(x);
            let scale = weights.parameters[scale.start];
            let unit_phi = units.phi.forward(&tape.phi);
            tape.phi.iter_mut().zip(unit_phi).for_each(|(phi, &unit)| *phi = scale * unit);
        }

        // Sample by sample, so that the logits are still in the cache when the softmaxes read them.
        for sample in 0..batch {
            let logits = &mut tape.logits;
            let tokens = Matrix::new(&tokens[sample * m * d..], m, d);
            product(MatrixMut::new(logits, m, np), tokens, Matrix::new(&tape.phi, d, np), false);
            let of_sample = sample * m * np..(sample + 1) * m * np;
            let dispatch = &mut tape.dispatch[of_sample.clone()];
            kernels::softmax_columns(dispatch, logits, &mut tape.scratch);
            kernels::softmax_rows(&mut tape.combine[of_sample], logits, np);
            let slots = MatrixMut::new(&mut tape.slots[sample * np * d..], np, d);
            let x = Matrix::new(&x[sample * m * d..], m, d);
            product(slots, Matrix::new(dispatch, m, np).transposed(), x, false);
        }
        let outputs = self.experts.forward(weights, &tape.slots, &mut tape.experts);
        for sample in 0..batch {
            let y = MatrixMut::new(&mut tape.y[sample * m * d..], m, d);
            let combine = Matrix::new(&tape.combine[sample * m * np..], m, np);
            product(y, combine, Matrix::new(&outputs[sample * np * d..], np, d), false);
        }
        &tape.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], tape: &'t SoftMoeTape<E>) -> &'t [E] {
        &tape.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &'t [E],
        tape: &'t mut SoftMoeTape<E>,
        gradient: &mut [E],
        wants_dx: bool,
    ) -> &'t [E] {
        let (m, d, n, p) = self.sizes();
        let (np, batch) = (n * p, x.len() / (m * d));
        tape.d_logits.fill(E::ZERO);

        let outputs = self.experts.output(&tape.experts);
        for sample in 0..batch {
            let of_logits = sample * m * np..(sample + 1) * m * np;
            let dy = Matrix::new(&dy[sample * m * d..], m, d);
            let outputs = Matrix::new(&outputs[sample * np * d..], np, d);
            let combine = &tape.combine[of_logits.clone()];
            let d_outputs = MatrixMut::new(&mut tape.d_outputs[sample * np * d..], np, d);
            product(d_outputs, Matrix::new(combine, m, np).transposed(), dy, false);
            product(MatrixMut::new(&mut tape.d_softmax, m, np), dy, outputs.transposed(), false);
            kernels::softmax_backward_rows(&mut tape.d_logits[of_logits], &tape.d_softmax, combine, np);
        }
        let d_slots =
            self.experts.backward(weights, &tape.slots, &tape.d_outputs, &mut tape.experts, gradient);
        for sample in 0..batch {
            let of_logits = sample * m * np..(sample + 1) * m * np;
            let dispatch = &tape.dispatch[of_logits.clone()];
            let d_slots = Matrix::new(&d_slots[sample * np * d..], np, d);
            let d_dispatch = MatrixMut::new(&mut tape.d_softmax, m, np);
            product(d_dispatch, Matrix::new(&x[sample * m * d..], m, d), d_slots.transposed(), false);
            let d_logits = &mut tape.d_logits[of_logits];
            kernels::softmax_backward_columns(d_logits, &tape.d_softmax, dispatch, &mut tape.scratch);
            if wants_dx {
                let dx = MatrixMut::new(&mut tape.dx[sample * m * d..], m, d);
                product(dx, Matrix::new(dispatch, m, np), d_slots, false);
            }
        }
        let d_logits = Matrix::new(&tape.d_logits, batch * m, np);
        let d_phi = MatrixMut::new(&mut tape.d_phi, d, np);
        let phi = Matrix::new(&tape.phi, d, np).transposed();
        if let Some((scale, units)) = self.scale.as_ref().zip(tape.normalised.as_mut()) {
            product(d_phi, Matrix::new(units.tokens.values(), batch * m, d).transposed(), d_logits, false);
            // Many terms that nearly cancel.
            let terms = tape.d_phi.iter().zip(units.phi.values()).map(|(d, unit)| d.to_f64() * unit.to_f64());
            gradient[scale.start] = E::from_f64(terms.sum());
            let scale = weights.parameters[scale.start];
            tape.d_phi.iter_mut().for_each(|d| *d *= scale);
            units.phi.backward(&mut tape.d_phi);
            if wants_dx {
                product(MatrixMut::new(&mut units.d_tokens, batch * m, d), d_logits, phi, false);
                units.tokens.backward(&mut units.d_tokens);
                kernels::add(&mut tape.dx, &units.d_tokens);
            }
        } else {
            product(d_phi, Matrix::new(x, batch * m, d).transposed(), d_logits, false);
            if wants_dx {
                product(MatrixMut::new(&mut tape.dx, batch * m, d), d_logits, phi, true);
            }
        }
        let d_phi = &mut gradient[self.phi.clone()];
        self.permute(|own, slots| d_phi[own] = tape.d_phi[slots]);
        &tape.dx
    }
}
