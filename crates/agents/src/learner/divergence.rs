//! Divergence: the layer in which an update became non-finite.

use crate::AgentError;
use softmoe_nets::{Adam, Parameter, ParameterList};

/// The error for update number `update`, from the weights and the optimizer after it. They are unchanged if the loss
/// was not finite; otherwise they are those after the step.
pub(crate) fn diverged(
    update: u64,
    loss: f32,
    list: &ParameterList,
    weights: &[f32],
    optimizer: &Adam,
) -> AgentError {
    AgentError::Diverged { update, loss, cause: cause(list, weights, optimizer.moments().1) }
}

fn cause(list: &ParameterList, weights: &[f32], second_moments: &[f32]) -> String {
    let finite = |values: &[f32], parameter: &Parameter| {
        values[parameter.range.clone()].iter().all(|value| value.is_finite())
    };
    // A finite gradient keeps finite weights finite.
    let weights_of =
        list.iter().find(|parameter| !finite(weights, parameter) && finite(second_moments, parameter));
    // Gradients flow from the last layer to the first: the last non-finite gradient arose first.
    let gradient_of = list.iter().filter(|parameter| !finite(second_moments, parameter)).last();
    let largest = |parameter: &Parameter| {
        weights[parameter.range.clone()].iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()))
    };
    match (weights_of, gradient_of) {
        (Some(parameter), _) => format!("the weights of `{}` are not finite", parameter.name),
        (None, Some(parameter)) => format!("the gradient of `{}` is not finite", parameter.name),
        (None, None) => {
            let most = list.iter().max_by(|a, b| largest(a).total_cmp(&largest(b)));
            match most {
                Some(parameter) => format!(
                    "all weights are finite, the largest, {:e}, is one of `{}`",
                    largest(parameter),
                    parameter.name
                ),
                None => "the network has no weights".into(),
            }
        }
    }
}
