//! Training and evaluation.

use crate::equations::Equations;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, AgentError};
use softmoe_config::AgentSteps;
use softmoe_env::{Player, TimeLimit};

/// Steps of an episode at most, and so its largest return.
const TIME_LIMIT: u64 = 500;

/// CartPole-v1.
pub(crate) fn cart_pole(seed: u64) -> Box<TimeLimit<Equations>> {
    Box::new(TimeLimit::new(Equations::new(seed), TIME_LIMIT))
}

/// Trains for `steps` agent steps. `report` gets the mean return of the episodes in every ten thousand.
pub(crate) fn train(
    agent: &mut Agent,
    seed: u64,
    AgentSteps(steps): AgentSteps,
    mut report: impl FnMut(u64, f64),
) -> Result<(), AgentError> {
    let mut player = Player::new(cart_pole(seed));
    let mut returns = Vec::new();
    for step in 1..=steps {
        let action = agent.act(player.state());
        let played = player.step(action);
        agent.learn(played.frame, action, played.step)?;
        returns.extend(played.finished);
        if step.is_multiple_of(10_000) {
            report(step, mean(&std::mem::take(&mut returns)));
        }
    }
    Ok(())
}

/// The mean return of the greedy policy over `episodes` episodes.
pub(crate) fn evaluate(agent: &mut Agent, seed: u64, episodes: usize) -> f64 {
    mean(&softmoe_agents::evaluate(Some(agent), cart_pole(seed), episodes, Seeds::new(seed), 0, || true))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
