//! Soft mixture whose experts are whole networks, encoder included.

#[cfg(feature = "burn")]
mod device;

use crate::inspection::{Mixture, doubles};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::size::{expect, product as product_of};
use crate::{Backward, Builder, Initializer, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// A [`SoftMoe`](crate::layers::SoftMoe) with experts of type BIG: each is a network that sees all its slots at once,
/// as a small image, instead of one slot after the other.
///
/// With tokens X, (m, d), p = s s slots of each of n experts, and parameters Phi, (d, n p): dispatch and combine as
/// in a `SoftMoe`. The slots of an expert, row by row, are an image of s x s positions and d channels; the expert,
/// any [`Layer`], turns that into s s d features, which are its slots' outputs.
///
/// In the paper's code the tokens are then the observation's pixels, and s = floor(sqrt(ceil(m f / n))), f the capacity
/// factor; an expert is an encoder, a (noisy) dense hidden layer, a ReLU, and a dense layer. There the hidden layers of
/// all experts share a draw of their noise; here each has its own.
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts `X`: (batch, `S`, `S`, `D`) -> (batch, `S` x `S` x `D`)
///
/// ```
/// use softmoe_nets::shapes::Const;
/// use softmoe_nets::layers::{BigSoftMoe, Conv2d, Dense, Flatten, Linear, PerConv, Relu};
/// use softmoe_nets::{BoxedNetwork, Builder, Network};
///
/// // 100 pixels of 4 channels; 4 experts, each on a 5x5 image.
/// type Expert = (
///     Conv2d<Const<3>, Const<3>, Const<16>, 3, 1>,
///     Relu,
///     Flatten<Const<144>>,
///     Dense<Const<144>, usize>,
///     Relu,
///     Linear<usize, Const<100>>,
/// );
/// let expert = |builder: &mut Builder, name: &str| -> Expert {
///     (
///         Conv2d::new(builder, &format!("{name}/encoder"), 4, (Const, Const, Const)),
///         Relu,
///         Flatten(Const),
///         Dense::new(builder, &format!("{name}/hidden"), Const, 128, true),
///         Relu,
///         Linear::new(builder, &format!("{name}/output"), 128, Const),
///     )
/// };
/// let mut builder = Builder::new();
/// let sizes = (Const::<100>, 4, Const::<4>, Const::<5>);
/// let layers = (PerConv(Const::<100>), BigSoftMoe::new(&mut builder, "moe", sizes, expert));
/// let network = BoxedNetwork::new(builder, layers, |batch| (batch, Const::<10>, Const::<10>, 4));
/// assert_eq!(network.output_shape(), [100, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct BigSoftMoe<M, D, N, S, X> {
    sizes: (M, D, N, S),
    phi: Range<usize>,
    experts: Vec<X>,
}

/// Buffers of a [`BigSoftMoe`] whose experts' buffers are `T`. Slots are ordered (n, p).
#[derive(Clone, Debug)]
pub struct BigSoftMoeWorkspace<E, T> {
    /// Of one sample, (m, n p).
    logits: Vec<E>,
    /// (batch, m, n p)
    dispatch: Vec<E>,
    combine: Vec<E>,
    d_logits: Vec<E>,
    /// Gradient of dispatch or combine.
    d_softmax: Vec<E>,
    /// A row of slots.
    scratch: Vec<E>,
    /// (n, batch, p, d)
    slots: Vec<E>,
    d_outputs: Vec<E>,
    experts: Vec<T>,
    /// (batch, m, d)
    y: Vec<E>,
    dx: Vec<E>,
}

impl<E: Scalar, T> BigSoftMoeWorkspace<E, T> {
    /// The weight of each token in each slot in the last forward pass, (batch, m, n p): columns sum to one.
    pub fn dispatch(&self) -> &[E] {
        &self.dispatch
    }

    /// The weight of each slot's output in each token, (batch, m, n p): rows sum to one.
    pub fn combine(&self) -> &[E] {
        &self.combine
    }

    /// What went into the experts, (n, batch, p, d).
    pub fn slots(&self) -> &[E] {
        &self.slots
    }

    /// The buffers of each expert.
    pub fn experts(&self) -> &[T] {
        &self.experts
    }
}

impl<M: Size, D: Size, N: Size, S: Size, X> BigSoftMoe<M, D, N, S, X> {
    /// A mixture of the sizes (tokens m, width d, experts n, side s of an expert's image), as `<name>/phi`,
    /// (d, n, s s), drawn as that of [`SoftMoe::new`](crate::layers::SoftMoe::new); `expert` makes the experts, called
    /// `<name>/experts/0` and so on.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N, S),
        mut expert: impl FnMut(&mut Builder, &str) -> X,
    ) -> Self {
        let (_, width, experts, side) = sizes;
        let (d, n, p) = (width.size(), experts.size(), side.size() * side.size());
        let phi = builder.parameter(format!("{name}/phi"), &[d, n, p], Initializer::lecun_normal(d * n));
        let experts = (0..n).map(|e| expert(builder, &format!("{name}/experts/{e}"))).collect();
        BigSoftMoe { sizes, phi, experts }
    }

    /// (m, d, n, p)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n, side) = self.sizes;
        (m.size(), d.size(), n.size(), side.size() * side.size())
    }

    /// The shape of an expert's input.
    fn image(&self, batch: usize) -> (usize, S, S, D) {
        let (_, width, _, side) = self.sizes;
        (batch, side, side, width)
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
            logits: zeros(m * n * p),
            dispatch: zeros(batch * m * n * p),
            combine: zeros(batch * m * n * p),
            d_logits: zeros(batch * m * n * p),
            d_softmax: zeros(batch * m * n * p),
            scratch: zeros(n * p),
            slots: zeros(n * batch * p * d),
            d_outputs: zeros(n * batch * p * d),
            experts: self.experts.iter().map(|expert| expert.workspace(self.image(batch))).collect(),
            y: zeros(batch * m * d),
            dx: zeros(batch * m * d),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let (m, d, n, p) = self.sizes();
        let (np, batch) = (n * p, x.len() / (m * d));
        let phi = Matrix::new(&weights.parameters[self.phi.clone()], d, np);
        for sample in 0..batch {
            let x = Matrix::new(&x[sample * m * d..], m, d);
            product(MatrixMut::new(&mut workspace.logits, m, np), x, phi, false);
            let of_sample = sample * m * np..(sample + 1) * m * np;
            let dispatch = &mut workspace.dispatch[of_sample.clone()];
            kernels::softmax_columns(dispatch, &workspace.logits, &mut workspace.scratch);
            kernels::softmax_rows(&mut workspace.combine[of_sample], &workspace.logits, np);
            for e in 0..n {
                let slots = MatrixMut::new(&mut workspace.slots[(e * batch + sample) * p * d..], p, d);
                product(slots, Matrix::strided(&dispatch[e * p..], [m, p], [np, 1]).transposed(), x, false);
            }
        }
        for (e, (expert, experts)) in self.experts.iter().zip(&mut workspace.experts).enumerate() {
            let slots = &workspace.slots[e * batch * p * d..][..batch * p * d];
            let outputs = expert.forward(weights, slots, experts);
            for sample in 0..batch {
                let y = MatrixMut::new(&mut workspace.y[sample * m * d..], m, d);
                let combine = Matrix::strided(&workspace.combine[sample * m * np + e * p..], [m, p], [np, 1]);
                product(y, combine, Matrix::new(&outputs[sample * p * d..], p, d), e > 0);
            }
        }
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (m, d, n, p) = self.sizes();
        let (np, batch) = (n * p, x.len() / (m * d));
        let of_expert = |e: usize| e * batch * p * d..(e + 1) * batch * p * d;
        let block = |sample: usize, e: usize| sample * m * np + e * p;

        for (e, (expert, experts)) in self.experts.iter().zip(&workspace.experts).enumerate() {
            let outputs = expert.output(&workspace.slots[of_expert(e)], experts);
            for sample in 0..batch {
                let dy = Matrix::new(&dy[sample * m * d..], m, d);
                let combine = Matrix::strided(&workspace.combine[block(sample, e)..], [m, p], [np, 1]);
                let d_outputs = &mut workspace.d_outputs[(e * batch + sample) * p * d..];
                product(MatrixMut::new(d_outputs, p, d), combine.transposed(), dy, false);
                let d_combine =
                    MatrixMut::strided(&mut workspace.d_softmax[block(sample, e)..], [m, p], [np, 1]);
                let outputs = Matrix::new(&outputs[sample * p * d..], p, d);
                product(d_combine, dy, outputs.transposed(), false);
            }
        }
        workspace.d_logits.fill(E::ZERO);
        kernels::softmax_backward_rows(&mut workspace.d_logits, &workspace.d_softmax, &workspace.combine, np);

        for (e, (expert, experts)) in self.experts.iter().zip(&mut workspace.experts).enumerate() {
            let (slots, d_outputs) = (&workspace.slots[of_expert(e)], &workspace.d_outputs[of_expert(e)]);
            let d_slots = expert.backward(weights, slots, d_outputs, experts, gradient, true);
            for sample in 0..batch {
                let d_slots = Matrix::new(&d_slots[sample * p * d..], p, d);
                let d_dispatch =
                    MatrixMut::strided(&mut workspace.d_softmax[block(sample, e)..], [m, p], [np, 1]);
                let x = Matrix::new(&x[sample * m * d..], m, d);
                product(d_dispatch, x, d_slots.transposed(), false);
                if wants_dx {
                    let dx = MatrixMut::new(&mut workspace.dx[sample * m * d..], m, d);
                    let dispatch = Matrix::strided(&workspace.dispatch[block(sample, e)..], [m, p], [np, 1]);
                    product(dx, dispatch, d_slots, e > 0);
                }
            }
        }
        let samples = workspace.d_softmax.chunks_exact(m * np).zip(workspace.dispatch.chunks_exact(m * np));
        for (d_logits, (d_dispatch, dispatch)) in workspace.d_logits.chunks_exact_mut(m * np).zip(samples) {
            kernels::softmax_backward_columns(d_logits, d_dispatch, dispatch, &mut workspace.scratch);
        }
        let d_logits = Matrix::new(&workspace.d_logits, batch * m, np);
        let d_phi = MatrixMut::new(&mut gradient[self.phi.clone()], d, np);
        product(d_phi, Matrix::new(x, batch * m, d).transposed(), d_logits, false);
        if wants_dx {
            let phi = Matrix::new(&weights.parameters[self.phi.clone()], d, np).transposed();
            product(MatrixMut::new(&mut workspace.dx, batch * m, d), d_logits, phi, true);
        }
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        let (_, d, n, p) = self.sizes();
        inspection.lose();
        let of_expert = workspace.slots.len() / n;
        let inputs = workspace.slots.chunks_exact(of_expert);
        for ((expert, experts), inputs) in self.experts.iter().zip(&workspace.experts).zip(inputs.clone()) {
            expert.inspect(inputs, experts, inspection);
            inspection.lose();
        }
        // From (n, batch, p, d) to (batch, n, p, d).
        let samples = (0..of_expert / (p * d)).flat_map(|sample| {
            inputs.clone().flat_map(move |inputs| &inputs[sample * p * d..(sample + 1) * p * d])
        });
        inspection.mixtures.push(Mixture {
            experts: n,
            slots: p,
            combine: doubles(&workspace.combine),
            width: d,
            inputs_per_sample: n * p,
            inputs: samples.map(|value| value.to_f64()).collect(),
        });
    }
}
