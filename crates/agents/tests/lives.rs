//! A game with lives: what losing one means to an agent that takes it for an end, and to an evaluation.

use serde::{Deserialize, Serialize};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, Evaluation, evaluate};
use softmoe_config::{AgentConfig, Architecture, BodySpec, EncoderSpec, LearningConfig, NetworkSpec};
use softmoe_env::{Element, Environment, EnvironmentSpec, Player, RestoreError, SaveState, Step};
use softmoe_replay::Batch;

/// Steps of a life, and lives of an episode.
const STEPS: u8 = 4;
const LIVES: u8 = 3;

/// A point a step; a life is lost every few of them, and the last one with the episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Lives {
    /// Steps of the episode.
    steps: u8,
    /// Frames of a state.
    stack: usize,
}

impl Lives {
    const fn new(stack: usize) -> Self {
        Lives { steps: 0, stack }
    }
}

impl Environment for Lives {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        let element = Element::Byte { scale: 1 };
        EnvironmentSpec { frame: [10, 10, 1], stack: self.stack, actions: 2, element }
    }

    fn reset(&mut self) {
        self.steps = 0;
    }

    fn step(&mut self, _: usize) -> Step {
        self.steps += 1;
        let lost = self.steps.is_multiple_of(STEPS);
        let terminal = self.steps == STEPS * LIVES;
        Step { reward: 1.0, terminal, life_lost: lost && !terminal, truncated: false }
    }

    fn observe(&self, observation: &mut [u8]) {
        observation.fill(self.steps);
    }
}

impl SaveState for Lives {
    type State = Self;

    fn save(&self) -> Self {
        *self
    }

    fn restore(&mut self, state: Self) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}

/// An agent after some episodes of the game, and how many there were.
fn trained(terminal_on_life_loss: bool, stack: usize) -> (Agent, u64) {
    let config = AgentConfig::from(LearningConfig {
        discount: 1.0,
        n_step: 2,
        min_replay: 20,
        replay_capacity: 1_000,
        batch_size: 256,
        terminal_on_life_loss,
        ..LearningConfig::der_minatar()
    });
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 4 };
    let mut player = Player::new(Box::new(Lives::new(stack)));
    let architecture = Architecture {
        network,
        head: config.learning().unwrap().head(),
        observation: player.spec().state(),
        actions: player.spec().actions,
        permutation_seed: 0,
    };
    let mut agent = Agent::new(&config, &architecture, player.spec(), Seeds::new(1)).unwrap();
    for _ in 0..60 {
        let action = agent.act(player.state());
        let played = player.step(action);
        agent.learn(played.frame, action, played.step).unwrap();
    }
    (agent, player.episodes())
}

#[test]
fn a_lost_life_ends_what_is_learned_from_and_the_episode_goes_on() {
    for terminal_on_life_loss in [false, true] {
        let (agent, episodes) = trained(terminal_on_life_loss, 1);
        assert_eq!((episodes, agent.updates()), (60 / u64::from(STEPS * LIVES), 40));
        let mut batch = Batch::new(256, agent.replay().layout());
        agent
            .replay()
            .sample(&mut Seeds::new(2).rng(softmoe_agents::seeds::Role::Replay), &mut batch)
            .unwrap();
        let mut ends = 0;
        for i in 0..batch.len() {
            // The step of the episode that the state belongs to, and how many are left before an end.
            let step = batch.states[i * 100];
            let life = if terminal_on_life_loss { STEPS } else { STEPS * LIVES };
            let left = life - step % life;
            let terminal = batch.discounts[i] == 0.0;
            assert_eq!(terminal, left <= 2, "step {step}");
            assert_eq!(batch.rewards[i], f32::from(left.min(2)), "step {step}");
            let next = batch.next_states[i * 100];
            assert_eq!(next, if terminal { 0 } else { step + 2 }, "step {step}");
            ends += usize::from(terminal);
        }
        assert!(ends > 0 && ends < batch.len());
    }
}

/// Scores are of whole episodes, over all lives.
#[test]
fn an_evaluation_plays_all_lives() {
    let (mut agent, _) = trained(true, 1);
    let returns = evaluate(Some(&mut agent), Box::new(Lives::new(1)), 3, Seeds::new(1), 0, || true);
    assert_eq!(returns, [f64::from(STEPS * LIVES); 3]);
}

/// An agent whose episodes end with a life sees the same states in training and in evaluation: no frames of the life before.
#[test]
fn an_evaluation_empties_the_stack_as_training_does() {
    for (terminal_on_life_loss, expected) in [(false, [3, 4]), (true, [0, 4])] {
        let (mut agent, _) = trained(terminal_on_life_loss, 2);
        let mut evaluation = Evaluation::new(Box::new(Lives::new(2)), 1, Seeds::new(1), 0);
        for _ in 0..STEPS {
            let action = evaluation.choose(&mut agent);
            evaluation.step(action);
        }
        // A life was lost with the last step. (height, width, stack): the first pixel's frames.
        assert_eq!(evaluation.state()[..2], expected);
    }
}
