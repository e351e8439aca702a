//! Token choice on burn's tensors.

use super::TopKChoice;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, one_hot, ranks, same_shapes, tokens_times};
use crate::layers::load_balancing::LoadBalancing;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;
use burn_tensor::{Int, Tensor};

impl<M: Size, D: Size, N: Size> DeviceLayer<(usize, M, D)> for TopKChoice<M, D, N> {
    same_shapes!((usize, M, D));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (m, d, n, k) = self.sizes();
        let logits = tokens_times(x.clone(), weights.parameter(&self.router, [d, n]));
        let probabilities = softmax(logits.clone(), 2);
        if weights.is_tracked() {
            let noise = self.noise.as_ref().and_then(|range| weights.noise(range));
            let noise = noise.map(|noise| noise.reshape([1, m, n]));
            add_losses(weights, &self.settings.balancing, logits, probabilities.clone(), noise, k);
        }
        let dispatch = dispatch(probabilities.clone(), k, self.capacity);
        self.experts.of_dispatched_on(weights, x, dispatch, probabilities)
    }
}

/// For each expert the tokens that chose it, as ones in a mask: all first choices, in the order of the tokens, then all
/// second ones, and so on, as many as there is room for.
///
/// # Shapes
/// probabilities: (batch, m, n) -> (batch, m, n, capacity)
fn dispatch<B: Backend>(probabilities: Tensor<B, 3>, choices: usize, capacity: usize) -> Tensor<B, 4> {
    let ranks = ranks(probabilities);
    let mut before = ranks.zeros_like().sum_dim(1);
    let mut dispatch = None;
    for choice in 0..choices {
        let chosen = ranks.clone().equal_elem(choice as i32).int();
        // The slot of each token, beyond the capacity if there is no room for it.
        let slot = chosen.clone().cumsum(1) - chosen.clone() + before.clone();
        let of_choice = one_hot(slot, capacity) * chosen.clone().float().unsqueeze_dim(3);
        dispatch = Some(match dispatch {
            Some(dispatch) => dispatch + of_choice,
            None => of_choice,
        });
        before = before + chosen.sum_dim(1);
    }
    dispatch.expect("a token makes at least one choice")
}

/// The losses that train the router: of the probabilities' sums, and of the loads.
///
/// # Shapes
/// logits, probabilities: (batch, m, n); noise, standard normals: (1, m, n)
fn add_losses<B: Backend>(
    weights: &DeviceWeights<B>,
    balancing: &LoadBalancing,
    logits: Tensor<B, 3>,
    probabilities: Tensor<B, 3>,
    noise: Option<Tensor<B, 3>>,
    choices: usize,
) {
    let [.., n] = logits.dims();
    if balancing.importance != 0.0 {
        let loss = variation(probabilities.sum_dim(1));
        weights.add_loss(loss.mul_scalar(balancing.importance as f32));
    }
    if balancing.load != 0.0 {
        let deviation = (balancing.load_noise / n as f64) as f32;
        let noisy = match noise {
            Some(noise) => logits.clone() + noise.mul_scalar(deviation),
            None => logits.clone(),
        };
        let last: Tensor<B, 3, Int> = ranks(noisy.clone());
        let is_last = last.equal_elem(choices as i32 - 1).float();
        let needed = (noisy * is_last).sum_dim(2);
        // The probability that a standard normal lies above.
        let above = (needed - logits).mul_scalar(std::f32::consts::FRAC_1_SQRT_2 / deviation).erf();
        let load = above.neg().add_scalar(1.0).mul_scalar(0.5).mean_dim(1);
        weights.add_loss(variation(load).mul_scalar(balancing.load as f32));
    }
}

/// Population variance over the squared mean of each sample's values, and the mean of that over the samples.
///
/// # Shapes
/// (batch, 1, n) -> (1)
fn variation<B: Backend>(values: Tensor<B, 3>) -> Tensor<B, 1> {
    let mean = values.clone().mean_dim(2);
    let from_mean = values - mean.clone();
    let variance = (from_mean.clone() * from_mean).mean_dim(2);
    (variance / (mean.clone() * mean)).mean()
}
