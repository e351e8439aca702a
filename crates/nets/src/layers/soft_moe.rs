//! Soft mixture of experts over tokens (Puigcerver et al. 2024, arXiv 2308.00951).

#[cfg(feature = "burn")]
mod device;
mod mixing;

use crate::inspection::{Kernel, Mixture, doubles};
use crate::kernels::parallel::{Rows, chunk_count, parallel_chunks, parallel_chunks_with};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::layers::experts::{ExpertSettings, Experts, ExpertsWorkspace};
use crate::layers::unit_vectors::UnitVectors;
use crate::size::expect;
use crate::{Backward, Builder, Initializer, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use mixing::{Learned, Mixing, Scratch, Sides};
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
    fixed_phi: bool,
    learned: Learned,
    experts: Experts<N, D>,
}

/// Buffers of a [`SoftMoe`]. Slots are ordered (p, n): the experts' interleaved order.
#[derive(Clone, Debug)]
pub struct SoftMoeWorkspace<E> {
    /// What the logits are products of: Phi in the order of the slots, (d, p n), its transpose and its gradient.
    phi: Vec<E>,
    phi_transposed: Vec<E>,
    d_phi: Vec<E>,
    normalised: Option<NormalisedWorkspace<E>>,
    /// Of each sample; their logits' gradient, (batch, m, p n).
    mixing: Vec<Mixing<E>>,
    d_logits: Vec<E>,
    /// (batch, p n, d)
    slots: Vec<E>,
    d_outputs: Vec<E>,
    experts: ExpertsWorkspace<E>,
    /// (batch, m, d); the gradient of y times the scales of combine.
    y: Vec<E>,
    dy: Vec<E>,
    dx: Vec<E>,
    /// Of each thread.
    scratches: Vec<Scratch<E>>,
}

/// What a normalised mixture keeps besides.
#[derive(Clone, Debug)]
struct NormalisedWorkspace<E> {
    /// (batch m, d), and the gradient of these.
    tokens: UnitVectors<E>,
    d_tokens: Vec<E>,
    /// The columns of Phi, (d, p n).
    phi: UnitVectors<E>,
}

impl<E: Scalar> SoftMoeWorkspace<E> {
    /// The weight of each token in each slot in the last forward pass, (batch, m, p n): columns sum to one.
    pub fn dispatch(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::dispatch).collect()
    }

    /// The weight of each slot's output in each token, (batch, m, p n): rows sum to one.
    pub fn combine(&self) -> Vec<E> {
        self.mixing.iter().flat_map(Mixing::combine).collect()
    }

    /// What went into the experts, (batch, p n, d).
    pub fn slots(&self) -> &[E] {
        &self.slots
    }

    /// The experts' buffers; slot s of sample b is row b p + s of each expert.
    pub fn experts(&self) -> &ExpertsWorkspace<E> {
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
            phi: builder.parameter(format!("{name}/phi"), &[d, n, p], Initializer::lecun_normal(d * n)),
            scale: None,
            fixed_phi: false,
            learned: Learned { dispatch: true, combine: true },
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
        layer.scale = Some(builder.parameter(format!("{name}/scale"), &[1], Initializer::Constant(1.0)));
        layer
    }

    /// The same mixture with Phi kept at its initial value: the control "RandPhi" of Obando-Ceron et al. 2024
    /// (arXiv 2402.08609). Its gradient is zero, and it counts as no trained parameter. `builder` is the one that the mixture was
    /// made with.
    #[must_use]
    pub fn with_fixed_phi(self, builder: &mut Builder) -> Self {
        builder.fix(&self.phi);
        SoftMoe { fixed_phi: true, ..self }
    }

    /// The same mixture with a dispatch of 1 / m everywhere: every slot is the mean of the tokens.
    #[must_use]
    pub fn with_uniform_dispatch(self) -> Self {
        SoftMoe { learned: Learned { dispatch: false, ..self.learned }, ..self }
    }

    /// The same mixture with a combine of 1 / (n p) everywhere: every token becomes the mean of the outputs.
    #[must_use]
    pub fn with_uniform_combine(self) -> Self {
        SoftMoe { learned: Learned { combine: false, ..self.learned }, ..self }
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
        let phi = if self.fixed_phi { 0 } else { self.phi.len() };
        vec![row.of(phi + scale + parameters, 3 * m * n * p * d + multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> SoftMoeWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let (m, d, n, p) = self.sizes();
        let zeros = |len| vec![E::ZERO; len];
        SoftMoeWorkspace {
            phi: zeros(d * n * p),
            phi_transposed: zeros(d * n * p),
            d_phi: zeros(d * n * p),
            normalised: self.scale.as_ref().map(|_| NormalisedWorkspace {
                tokens: UnitVectors::rows(batch * m, d),
                d_tokens: zeros(batch * m * d),
                phi: UnitVectors::columns(d, n * p),
            }),
            mixing: vec![Mixing::new(m, n * p); batch],
            d_logits: zeros(batch * m * n * p),
            slots: zeros(batch * n * p * d),
            d_outputs: zeros(batch * n * p * d),
            experts: self.experts.workspace(batch * p),
            y: zeros(batch * m * d),
            dy: zeros(batch * m * d),
            dx: zeros(batch * m * d),
            scratches: vec![
                Scratch::new(m, n * p, d);
                chunk_count(3 * batch * m * n * p * d).min(batch).max(1)
            ],
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, n, p) = self.sizes();
        let np = n * p;
        let phi = &weights.parameters[self.phi.clone()];
        self.permute(|own, slots| workspace.phi[slots] = phi[own]);
        let mut tokens = x;
        if let Some((scale, units)) = self.scale.as_ref().zip(workspace.normalised.as_mut()) {
            tokens = units.tokens.forward(x);
            let scale = weights.parameters[scale.start];
            let unit_phi = units.phi.forward(&workspace.phi);
            workspace.phi.iter_mut().zip(unit_phi).for_each(|(phi, &unit)| *phi = scale * unit);
        }

        // Sample by sample: what is computed is still in the cache when it is used.
        let SoftMoeWorkspace { phi, mixing, slots, y, scratches, .. } = workspace;
        let samples =
            (Rows(x, m * d), Rows(tokens, m * d), Rows(&mut slots[..], np * d), Rows(&mut mixing[..], 1));
        parallel_chunks_with(scratches, samples, &|scratch, (x, tokens, slots, mixing)| {
            let tokens = x.0.chunks_exact(m * d).zip(tokens.0.chunks_exact(m * d));
            for ((mixing, slots), (x, tokens)) in
                mixing.0.iter_mut().zip(slots.0.chunks_exact_mut(np * d)).zip(tokens)
            {
                mixing.forward(tokens, phi, self.learned, scratch);
                let weights = mixing.weights();
                let x = Matrix::new(x, m, d);
                product(MatrixMut::new(slots, np, d), weights.dispatch.transposed(), x, false);
                kernels::scale_rows(slots, weights.dispatch_scales);
            }
        });
        let outputs = self.experts.forward(weights, slots, &mut workspace.experts);
        let samples = (Rows(outputs, np * d), Rows(&mut y[..], m * d), Rows(&mixing[..], 1));
        parallel_chunks(x.len() * np, samples, |(outputs, y, mixing)| {
            let outputs = outputs.0.chunks_exact(np * d);
            for ((mixing, outputs), y) in mixing.0.iter().zip(outputs).zip(y.0.chunks_exact_mut(m * d)) {
                let weights = mixing.weights();
                product(MatrixMut::new(y, m, d), weights.combine, Matrix::new(outputs, np, d), false);
                kernels::scale_rows(y, weights.combine_scales);
            }
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, p) = self.sizes();
        let np = n * p;
        let batch = x.len() / (m * d);
        let SoftMoeWorkspace { mixing, slots, d_outputs, y, dy: scaled_dy, dx, d_logits, scratches, .. } =
            workspace;
        scaled_dy.copy_from_slice(dy);
        let samples =
            (Rows(&mut scaled_dy[..], m * d), Rows(&mut d_outputs[..], np * d), Rows(&mixing[..], 1));
        parallel_chunks(x.len() * np, samples, |(dy, d_outputs, mixing)| {
            let d_outputs = d_outputs.0.chunks_exact_mut(np * d);
            for ((mixing, dy), d_outputs) in mixing.0.iter().zip(dy.0.chunks_exact_mut(m * d)).zip(d_outputs)
            {
                let weights = mixing.weights();
                kernels::scale_rows(dy, weights.combine_scales);
                let combine = weights.combine.transposed();
                product(MatrixMut::new(d_outputs, np, d), combine, Matrix::new(dy, m, d), false);
            }
        });
        self.experts.backward(weights, slots, d_outputs, &mut workspace.experts, gradient);

        let (outputs, d_slots) =
            (self.experts.output(&workspace.experts), self.experts.d_input(&workspace.experts));
        let samples = (0..batch, Rows(&mut dx[..], m * d), Rows(&mut d_logits[..], m * np));
        parallel_chunks_with(scratches, samples, &|scratch, (samples, dx, d_logits)| {
            let gradients = dx.0.chunks_exact_mut(m * d).zip(d_logits.0.chunks_exact_mut(m * np));
            for (sample, (dx, d_logits)) in samples.zip(gradients) {
                let (of_tokens, of_slots) = (sample * m * d, sample * np * d);
                let weights = mixing[sample].weights();
                scratch.d_slots.copy_from_slice(&d_slots[of_slots..][..np * d]);
                kernels::scale_rows(&mut scratch.d_slots, weights.dispatch_scales);
                if wants_dx {
                    let d_slots = Matrix::new(&scratch.d_slots, np, d);
                    product(MatrixMut::new(dx, m, d), weights.dispatch, d_slots, false);
                }
                let sides = Sides {
                    x: &x[of_tokens..][..m * d],
                    slots: &slots[of_slots..][..np * d],
                    outputs: &outputs[of_slots..][..np * d],
                    y: &y[of_tokens..][..m * d],
                    dy: &scaled_dy[of_tokens..][..m * d],
                };
                mixing[sample].backward(d_logits, &sides, self.learned, scratch);
            }
        });
        let d_logits = Matrix::new(&workspace.d_logits, batch * m, np);
        let tokens = workspace.normalised.as_ref().map_or(x, |units| units.tokens.values());
        let tokens = Matrix::new(tokens, batch * m, d).transposed();
        product(MatrixMut::new(&mut workspace.d_phi, d, np), tokens, d_logits, false);
        if wants_dx {
            let (d_tokens, accumulate) = match &mut workspace.normalised {
                Some(units) => (&mut units.d_tokens, false),
                None => (&mut workspace.dx, true),
            };
            kernels::transpose(&mut workspace.phi_transposed, &workspace.phi, np);
            let phi = Matrix::new(&workspace.phi_transposed, np, d);
            product(MatrixMut::new(d_tokens, batch * m, d), d_logits, phi, accumulate);
        }
        if let Some((scale, units)) = self.scale.as_ref().zip(workspace.normalised.as_mut()) {
            // Many terms that nearly cancel.
            let terms =
                workspace.d_phi.iter().zip(units.phi.values()).map(|(d, unit)| d.to_f64() * unit.to_f64());
            gradient[scale.start] = E::from_f64(terms.sum());
            let scale = weights.parameters[scale.start];
            workspace.d_phi.iter_mut().for_each(|d| *d *= scale);
            units.phi.backward(&mut workspace.d_phi);
            if wants_dx {
                units.tokens.backward(&mut units.d_tokens);
                kernels::add(&mut workspace.dx, &units.d_tokens);
            }
        }
        let d_phi = &mut gradient[self.phi.clone()];
        match self.fixed_phi {
            true => d_phi.fill(E::ZERO),
            false => self.permute(|own, slots| d_phi[own] = workspace.d_phi[slots]),
        }
    }

    /// Phi that stays as it was drawn is not among the weights that read the tokens.
    fn inspect<E: Scalar>(&self, _: &[E], workspace: &SoftMoeWorkspace<E>, inspection: &mut Inspection) {
        let (_, d, n, p) = self.sizes();
        if !self.fixed_phi {
            inspection.reader(Kernel { range: self.phi.clone(), columns: n * p });
        }
        self.experts.inspect(&workspace.experts, inspection);
        // From the order (p, n) of the slots to (n, p).
        let combine = doubles(&workspace.combine());
        let in_order = |combine: &[f64]| -> Vec<f64> {
            (0..n * p).map(|slot| combine[slot % p * n + slot / p]).collect()
        };
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: p,
            combine: combine.chunks_exact(n * p).flat_map(in_order).collect(),
            width: d,
            inputs_per_sample: n * p,
            inputs: doubles(&workspace.slots),
        });
    }
}
