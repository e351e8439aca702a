//! How good an agent is: the returns of whole episodes, with its weights held fixed.

use crate::Agent;
use crate::seeds::{Role, Seeds};
use rand::RngExt;
use softmoe_env::DynEnvironment;

/// The return of each of `episodes` episodes, in the game's own points (rewards are not clipped).
///
/// `agent` chooses with its noise off and its evaluation epsilon; without one, actions are uniformly random.
/// Random actions are seeded by the evaluation's `index` alone; if `environment` is as well
/// ([`Role::Evaluation`]), an evaluation neither disturbs the training nor depends on where it was interrupted.
/// `keep_going` is asked before every episode; if it says no, there are fewer returns.
pub fn evaluate(
    mut agent: Option<&mut Agent>,
    environment: &mut dyn DynEnvironment,
    episodes: usize,
    seeds: Seeds,
    index: u64,
    mut keep_going: impl FnMut() -> bool,
) -> Vec<f64> {
    let mut rng = seeds.rng(Role::EvaluationActions(index));
    let mut observation = vec![0; environment.spec().frame_bytes()];
    let mut returns = Vec::with_capacity(episodes);
    while returns.len() < episodes && keep_going() {
        environment.reset();
        let mut episode_return = 0.0;
        loop {
            environment.observe(&mut observation);
            let action = match &mut agent {
                Some(agent) => agent.act_in_evaluation(&observation, &mut rng),
                None => rng.random_range(0..environment.spec().actions),
            };
            let step = environment.step(action);
            episode_return += f64::from(step.reward);
            if step.terminal || step.truncated {
                break;
            }
        }
        returns.push(episode_return);
    }
    returns
}
