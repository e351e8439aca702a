//! Fingerprint of the numbers that this build computes: two short runs with portable instructions, and a checksum of what they end
//! with. It is the same on every machine, and it changes with anything that changes a run's result.

use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, Poll, Training, evaluate, instruction_set};
use softmoe_config::{
    AgentConfig, AgentSteps, Architecture, BodySpec, Device, EncoderSpec, EnvironmentConfig, InstructionSet,
    LearningConfig, MinAtarGame, NetworkSpec, TrainingConfig,
};
use softmoe_runner::{RunError, make};

/// Agent steps of each run: a hundred updates.
const STEPS: AgentSteps = AgentSteps(600);

/// Longest episode: an agent that has learned little may wait for ever.
const LONGEST_EPISODE: u64 = 100;

/// The fingerprint, in hexadecimal digits.
///
/// # Errors
///
/// If the games are not in this build, or training diverges.
pub fn fingerprint() -> Result<String, RunError> {
    let mut checksum = crc32fast::Hasher::new();
    for body in [BodySpec::flat(), BodySpec::soft_moe(4)] {
        train(body, &mut checksum)?;
    }
    Ok(format!("{:08x}", checksum.finalize()))
}

/// Trains Rainbow on Breakout; `checksum` takes its returns and weights.
fn train(body: BodySpec, checksum: &mut crc32fast::Hasher) -> Result<(), RunError> {
    let seeds = Seeds::new(0);
    let agent = AgentConfig::Learning(LearningConfig {
        min_replay: 200,
        replay_capacity: 600,
        target_period: AgentSteps(100),
        ..LearningConfig::rainbow_minatar()
    });
    let mut environment = EnvironmentConfig::minatar(MinAtarGame::Breakout);
    if let EnvironmentConfig::MinAtar { max_episode_steps, .. } = &mut environment {
        *max_episode_steps = LONGEST_EPISODE;
    }
    let length = TrainingConfig {
        agent_steps: STEPS,
        evaluation_period: STEPS,
        evaluation_episodes: 3,
        final_evaluation_episodes: 3,
        checkpoint_period: STEPS,
    };
    let spec = environment.spec();
    let architecture = Architecture {
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 32 },
        head: LearningConfig::rainbow_minatar().head(),
        observation: spec.state(),
        actions: spec.actions,
        permutation_seed: seeds.seed(Role::Permutation),
    };
    let agent = Agent::new_on(Device::Cpu, &agent, &architecture, &spec, seeds)?;
    let agent = agent.with_instruction_set(instruction_set(InstructionSet::Portable)?);
    let mut training =
        Training::new(agent, make(&environment, seeds.seed(Role::Environment))?, &length, seeds);
    loop {
        match training.poll() {
            Poll::Action(_) => {
                let action = training.choose();
                training.step(action)?;
            }
            Poll::Evaluation { index, episodes } => {
                training.finish_update()?;
                let environment = make(&environment, seeds.seed(Role::Evaluation(index)))?;
                let returns =
                    evaluate(Some(training.agent_mut()), environment, episodes, seeds, index, || true);
                returns.iter().for_each(|value| checksum.update(&value.to_le_bytes()));
                training.evaluated(&returns);
            }
            Poll::Done => break,
        }
    }
    for (_, _, values) in &training.agent().learner().weights() {
        values.iter().for_each(|value| checksum.update(&value.to_le_bytes()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::{PublishedFigures, file};
    use std::path::Path;

    /// The figures in the documentation are those of this code.
    #[test]
    fn published_figures_are_of_these_numbers() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published.ron");
        let published: PublishedFigures = file::read(&path).unwrap();
        let now = fingerprint().unwrap();
        assert_eq!(now, fingerprint().unwrap(), "two runs of the same seed differ");
        if let Some(outdated) = published.outdated(&now) {
            panic!("{outdated}");
        }
    }
}
