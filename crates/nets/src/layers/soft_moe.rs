//! SoftMoE: a soft mixture of experts over tokens (Puigcerver et al. 2024, arXiv 2308.00951).
//!
//! This file is the definition: the layer, its parameters, and its forward pass as the paper writes it. [`cpu`] has the
//! CPU engine's passes, with the softmaxes of [`mixing`](super::mixing), and [`scale`] has the gradient of a normalised
//! mixture's scale.

mod cpu;
mod scale;

pub use cpu::SoftMoeWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::experts::{ExpertSettings, Experts};
use crate::layers::mixing::Uniform;
use crate::{Builder, Initializer, Size};
use std::ops::Range;

/// A soft mixture of experts. Each slot of an expert is a convex combination of all tokens; each output token is a
/// convex combination of all slots' outputs.
///
/// With tokens X, (m, d), and parameters Phi, (d, n p), for n experts of p slots each:
/// - dispatch D = softmax of X Phi over the tokens, (m, n p)
/// - slots = D^T X, (n p, d)
/// - outputs = each expert applied to its p slots, (n p, d)
/// - combine C = softmax of X Phi over all slots, (m, n p)
/// - Y = C outputs, (m, d)
///
/// There is no residual connection; [`Residual`](crate::layers::Residual) around the layer makes one. A [normalised](SoftMoe::normalised) mixture scales the tokens and Phi's columns to
/// length one in the logits, and multiplies the logits by a learned scale (section 2.3 of the paper). The slots are
/// still mixtures of the unnormalised tokens. Dopamine has this as an option, off by default.
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts of `P` slots each
#[derive(Clone, Debug)]
pub struct SoftMoe<M, D, N, P> {
    sizes: (M, D, N, P),
    /// (d, n, p)
    phi: Range<usize>,
    /// The scale of a normalised mixture, (1).
    scale: Option<Range<usize>>,
    phi_is_fixed: bool,
    uniform: Uniform,
    experts: Experts<N, D>,
}

#[cfg(feature = "burn")]
impl<M: Size, D: Size, N: Size, P: Size> DeviceLayer<(usize, M, D)> for SoftMoe<M, D, N, P> {
    same_shapes!((usize, M, D));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, d, n, p) = self.sizes();
        let phi = weights.parameter(&self.phi, [d, n * p]);
        let phi = if self.phi_is_fixed { phi.detach() } else { phi };
        let logits = match &self.scale {
            None => tokens_times(x.clone(), phi),
            Some(scale) => {
                let scale = weights.parameter::<1>(scale, [1]);
                tokens_times(unit_vectors(x.clone(), 2), unit_vectors(phi, 0) * scale.unsqueeze())
            }
        };
        let dispatch = if self.uniform.dispatch { uniform(&logits, 1) } else { softmax(logits.clone(), 1) };
        let combine = if self.uniform.combine { uniform(&logits, 2) } else { softmax(logits, 2) };
        let slots = dispatch.swap_dims(1, 2).matmul(x);
        let outputs = self.experts.forward_on(weights, slots);
        combine.matmul(outputs)
    }
}

impl<M: Size, D: Size, N: Size, P: Size> SoftMoe<M, D, N, P> {
    /// A mixture of the sizes (tokens m, width d, experts n, slots p), with the parameters `<name>/phi`, (d, n, p), and
    /// `<name>/experts/..` (see [`Experts::new`]).
    ///
    /// Phi is LeCun-normal over a fan-in of d n, as Flax computes it from the shape (d, n, p).
    pub fn new(builder: &mut Builder, name: &str, sizes: (M, D, N, P), settings: ExpertSettings) -> Self {
        let (_, width, experts, slots) = sizes;
        let (d, n, p) = (width.size(), experts.size(), slots.size());
        SoftMoe {
            sizes,
            phi: builder.parameter(format!("{name}/phi"), &[d, n, p], Initializer::lecun_normal(d * n)),
            scale: None,
            phi_is_fixed: false,
            uniform: Uniform::default(),
            experts: Experts::new(builder, &format!("{name}/experts"), experts, width, settings),
        }
    }

    /// Creates a mixture like [`new`](Self::new) with normalised logits; the scale is the parameter `<name>/scale`,
    /// (1), initially one.
    pub fn normalised(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N, P),
        settings: ExpertSettings,
    ) -> Self {
        Self::normalised_from(builder, name, sizes, settings, 1.0)
    }

    /// As [`normalised`](Self::normalised), with another initial scale. The normalised logits of random tokens spread by
    /// about one over the root of their width, so that a scale well above one makes the initial mixing sharper.
    pub fn normalised_from(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N, P),
        settings: ExpertSettings,
        initial_scale: f64,
    ) -> Self {
        let mut layer = Self::new(builder, name, sizes, settings);
        let initializer = Initializer::Constant(initial_scale);
        layer.scale = Some(builder.parameter(format!("{name}/scale"), &[1], initializer));
        layer
    }

    /// The same mixture with Phi fixed at its initial value: the control "RandPhi" of Obando-Ceron et al. 2024 (arXiv
    /// 2402.08609). Phi's gradient is zero, and Phi does not count as a trained parameter. `builder` is the builder
    /// that made the mixture.
    #[must_use]
    pub fn with_fixed_phi(self, builder: &mut Builder) -> Self {
        builder.fix(&self.phi);
        SoftMoe { phi_is_fixed: true, ..self }
    }

    /// The same mixture with these uniform weights.
    #[must_use]
    pub fn with_uniform(self, uniform: Uniform) -> Self {
        SoftMoe { uniform, ..self }
    }

    /// (m, d, n, p)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n, p) = self.sizes;
        (m.size(), d.size(), n.size(), p.size())
    }
}

/// The same weight everywhere along an axis of the logits.
#[cfg(feature = "burn")]
fn uniform<B: Backend>(logits: &Tensor<B, 3>, axis: usize) -> Tensor<B, 3> {
    let size = logits.dims()[axis] as f32;
    logits.clone().detach().full_like(1.0 / size)
}

/// The vectors v along an axis as v / (|v| + 1e-6).
#[cfg(feature = "burn")]
fn unit_vectors<B: Backend, const D: usize>(x: Tensor<B, D>, axis: usize) -> Tensor<B, D> {
    // Below this square the length counts as constant: at zero it has no gradient.
    const LEAST_SQUARE: f32 = 1e-30;
    let length = (x.clone() * x.clone()).sum_dim(axis).clamp_min(LEAST_SQUARE).sqrt();
    x / length.add_scalar(1e-6)
}
