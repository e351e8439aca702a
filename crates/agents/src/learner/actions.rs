//! Actions of a batch as ones and zeros on a device's tensors.

use burn_tensor::backend::Backend;
use burn_tensor::{Int, Tensor};

/// A one at the action of the largest value, zeros elsewhere; of equals, the lowest.
///
/// # Shapes
/// (batch, actions) -> (batch, actions)
pub(crate) fn greedy<B: Backend>(q_values: Tensor<B, 2>) -> Tensor<B, 2> {
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
pub(crate) fn one_hot<B: Backend>(action: Tensor<B, 1>, actions: usize) -> Tensor<B, 2> {
    let [batch] = action.dims();
    let numbers = Tensor::<B, 1, Int>::arange(0..actions as i64, &action.device()).float();
    let numbers = numbers.unsqueeze::<2>().expand([batch, actions]);
    action.unsqueeze_dim::<2>(1).expand([batch, actions]).equal(numbers).float()
}

/// The values of the chosen action.
///
/// # Shapes
/// values: (batch, actions, atoms); chosen, ones and zeros: (batch, actions) -> (batch, atoms)
pub(crate) fn of_action<B: Backend>(values: Tensor<B, 3>, chosen: Tensor<B, 2>) -> Tensor<B, 2> {
    let [batch, _, atoms] = values.dims();
    (values * chosen.unsqueeze_dim(2)).sum_dim(1).reshape([batch, atoms])
}
