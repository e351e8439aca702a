//! The losses of a categorical agent on a device's tensors: what [`loss`](super::loss) has one transition at a
//! time, for a whole batch and without a word to the host.

use burn_tensor::activation::log_softmax;
use burn_tensor::backend::Backend;
use burn_tensor::{Int, Tensor};

/// Action values q_a = sum_z z p_az.
///
/// # Shapes
/// probabilities: (batch, actions, atoms); support: (atoms) -> (batch, actions)
pub fn q_values<B: Backend>(probabilities: Tensor<B, 3>, support: Tensor<B, 1>) -> Tensor<B, 2> {
    let [batch, actions, _] = probabilities.dims();
    (probabilities * support.unsqueeze()).sum_dim(2).reshape([batch, actions])
}

/// A one at the action of the largest value, zeros elsewhere; of equals, the lowest.
///
/// # Shapes
/// (batch, actions) -> (batch, actions)
pub fn greedy<B: Backend>(q_values: Tensor<B, 2>) -> Tensor<B, 2> {
    let ([batch, actions], device) = (q_values.dims(), q_values.device());
    let best = q_values.clone().max_dim(1).expand([batch, actions]);
    // Of the best, the one that most actions follow.
    let following = Tensor::<B, 1, Int>::arange(1..actions as i64 + 1, &device).flip([0]).float();
    let rank = q_values.greater_equal(best).float() * following.unsqueeze();
    let most = rank.clone().max_dim(1).expand([batch, actions]);
    rank.equal(most).float()
}

/// A one at each transition's action, zeros elsewhere.
///
/// # Shapes
/// action: (batch), numbers -> (batch, actions)
pub fn one_hot<B: Backend>(action: Tensor<B, 1>, actions: usize) -> Tensor<B, 2> {
    let [batch] = action.dims();
    let numbers = Tensor::<B, 1, Int>::arange(0..actions as i64, &action.device()).float();
    let numbers = numbers.unsqueeze::<2>().expand([batch, actions]);
    action.unsqueeze_dim::<2>(1).expand([batch, actions]).equal(numbers).float()
}

/// The values of the chosen action.
///
/// # Shapes
/// values: (batch, actions, atoms); chosen, ones and zeros: (batch, actions) -> (batch, atoms)
pub fn of_action<B: Backend>(values: Tensor<B, 3>, chosen: Tensor<B, 2>) -> Tensor<B, 2> {
    let [batch, _, atoms] = values.dims();
    (values * chosen.unsqueeze_dim(2)).sum_dim(1).reshape([batch, atoms])
}

/// The target distributions, as [`project`](super::loss::project) has one of them.
///
/// `ends` are the least and the largest value of the support.
///
/// # Shapes
/// probabilities_t: (batch, atoms); r_t, discount_t: (batch); support: (atoms) -> (batch, atoms)
pub fn project<B: Backend>(
    probabilities_t: Tensor<B, 2>,
    r_t: Tensor<B, 1>,
    discount_t: Tensor<B, 1>,
    support: Tensor<B, 1>,
    [v_min, v_max]: [f32; 2],
) -> Tensor<B, 2> {
    let [batch, atoms] = probabilities_t.dims();
    let spacing = (v_max - v_min) / (atoms - 1) as f32;
    let moved =
        r_t.unsqueeze_dim::<2>(1) + discount_t.unsqueeze_dim::<2>(1) * support.clone().unsqueeze::<2>();
    let value = moved.clamp(v_min, v_max).reshape([batch, 1, atoms]);
    let distance = (value - support.reshape([1, atoms, 1])).abs();
    let nearness = (distance.div_scalar(spacing).neg() + 1.0).clamp(0.0, 1.0);
    (nearness * probabilities_t.unsqueeze_dim(1)).sum_dim(2).reshape([batch, atoms])
}

/// Cross-entropies, -sum_z target_z log softmax(logits)_z, from the logits of the actions taken.
///
/// # Shapes
/// target, logits: (batch, atoms) -> (batch)
pub fn cross_entropy<B: Backend>(target: Tensor<B, 2>, logits: Tensor<B, 2>) -> Tensor<B, 1> {
    let [batch, _] = logits.dims();
    (target * log_softmax(logits, 1)).sum_dim(1).reshape([batch]).neg()
}
