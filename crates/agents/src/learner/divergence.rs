//! Where an update went wrong that made a number that is not finite.

use crate::AgentError;
use softmoe_nets::{Adam, Parameter, ParameterList};

/// The error for update number `update`, from the weights and the optimizer as it left them: both as they were if its loss
/// was not finite, both after the step if it was.
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
    // A step with a gradient that is finite leaves weights finite that were.
    let weights_of =
        list.iter().find(|parameter| !finite(weights, parameter) && finite(second_moments, parameter));
    // Gradients come from behind: the last of them is the first that was not finite.
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
