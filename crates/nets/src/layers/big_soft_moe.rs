//! BigSoftMoE: a soft mixture whose experts are whole networks, encoder included.
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes.

mod cpu;

pub use cpu::BigSoftMoeWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::{Builder, Initializer, Size};
use std::ops::Range;

/// A [`SoftMoe`](crate::layers::SoftMoe) with experts of type BIG: each expert is a network that sees all its slots at
/// once, as a small image.
///
/// With tokens X, (m, d), and parameters Phi, (d, n p), for n experts of p = s s slots each:
/// - dispatch D, combine C and slots as in a `SoftMoe`
/// - the slots of an expert, row by row, are an image of s x s positions and d channels. The expert, any
///   [`Layer`](crate::Layer), turns it into s s d features: the outputs of its slots
/// - Y = C outputs, (m, d)
///
/// In the paper's code the tokens are the observation's pixels, and s = floor(sqrt(ceil(m f / n))) for a capacity
/// factor f. An expert is an encoder, a (noisy) dense hidden layer, a ReLU, and a dense layer. The hidden layers of all
/// experts share a draw of their noise there; here each has its own.
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

#[cfg(feature = "burn")]
impl<M, D, N, S, X, F> DeviceLayer<(usize, M, D)> for BigSoftMoe<M, D, N, S, X>
where
    M: Size,
    D: Size,
    N: Size,
    S: Size,
    F: Size,
    X: crate::Layer<(usize, S, S, D), Out = (usize, F)> + DeviceLayer<(usize, S, S, D), Out = (usize, F)>,
{
    same_shapes!((usize, M, D));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, d, n, p) = self.sizes();
        let side = self.sizes.3.size();
        let logits = tokens_times(x.clone(), weights.parameter(&self.phi, [d, n * p]));
        let dispatch = softmax(logits.clone(), 1);
        let combine = softmax(logits, 2);
        let slots = dispatch.swap_dims(1, 2).matmul(x);
        let outputs = self.experts.iter().enumerate().map(|(e, expert)| {
            let image = image(&slots, e, p, side);
            outputs(expert.forward_on(weights, image), [p, d])
        });
        combine.matmul(Tensor::cat(outputs.collect(), 1))
    }
}

impl<M: Size, D: Size, N: Size, S: Size, X> BigSoftMoe<M, D, N, S, X> {
    /// A mixture of the sizes (tokens m, width d, experts n, side s of an expert's image), with the parameter
    /// `<name>/phi`, (d, n, s s), drawn as the one of [`SoftMoe::new`](crate::layers::SoftMoe::new). `expert(builder,
    /// name)` makes an expert, named `<name>/experts/0` and so on.
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

/// The slots of expert `e` as images, (batch, side, side, d).
#[cfg(feature = "burn")]
fn image<B: Backend>(slots: &Tensor<B, 3>, e: usize, p: usize, side: usize) -> Tensor<B, 4> {
    let [batch, all, d] = slots.dims();
    // Not a part of (batch, n p, d): for d = 1 that would lose its place as in `transposed`.
    slots.clone().reshape([batch, all / p, p * d]).narrow(1, e, 1).reshape([batch, side, side, d])
}

/// An expert's features as its slots' outputs, (batch, p, d).
#[cfg(feature = "burn")]
fn outputs<B: Backend>(features: Tensor<B, 2>, [p, d]: [usize; 2]) -> Tensor<B, 3> {
    let [batch, _] = features.dims();
    features.reshape([batch, p, d])
}
