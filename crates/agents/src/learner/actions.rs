//! One-hot actions of a batch on a device's tensors.

use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use softmoe_nets::device::from_values;

/// Tie-breaking preferences of the actions: larger for lower actions. Made once, since they are copied to the device.
///
/// # Shapes
/// -> (actions)
pub(crate) fn preference<B: Backend>(actions: usize, device: &B::Device) -> Tensor<B, 1> {
    let following: Vec<f32> = (1..=actions).rev().map(|following| following as f32).collect();
    from_values(&following, [actions], device)
}

/// One-hot greedy actions; of equal values, the [preferred](preference) action.
///
/// # Shapes
/// q_values: (batch, actions); preference: (actions) -> (batch, actions)
pub(crate) fn greedy<B: Backend>(q_values: Tensor<B, 2>, preference: Tensor<B, 1>) -> Tensor<B, 2> {
    let [batch, actions] = q_values.dims();
    let best = q_values.clone().max_dim(1).expand([batch, actions]);
    let rank = q_values.greater_equal(best).float() * preference.unsqueeze();
    let most = rank.clone().max_dim(1).expand([batch, actions]);
    rank.equal(most).float()
}

/// The values of the chosen action.
///
/// # Shapes
/// values: (batch, actions, atoms); chosen, one-hot: (batch, actions) -> (batch, atoms)
pub(crate) fn of_action<B: Backend>(values: Tensor<B, 3>, chosen: Tensor<B, 2>) -> Tensor<B, 2> {
    let [batch, _, atoms] = values.dims();
    (values * chosen.unsqueeze_dim(2)).sum_dim(1).reshape([batch, atoms])
}
