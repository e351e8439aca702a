//! A game with lives: what losing one means to an agent that takes it for an end, and to an evaluation.

use serde::{Deserialize, Serialize};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, evaluate};
use softmoe_config::{AgentConfig, Architecture, BodySpec, EncoderSpec, NetworkSpec, RainbowConfig};
use softmoe_env::{DynEnvironment, Environment, RestoreError, RgbFrame, Step};
use softmoe_replay::Batch;

/// Steps of a life, and lives of an episode.
const STEPS: u8 = 4;
const LIVES: u8 = 3;

/// A point a step; a life is lost every few of them, and the last one with the episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lives {
    /// Steps of the episode.
    steps: u8,
}

impl Environment for Lives {
    const SHAPE: [usize; 3] = [10, 10, 1];
    type State = Self;

    fn actions(&self) -> usize {
        2
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

    fn render(&self) -> RgbFrame {
        RgbFrame { width: 1, height: 1, pixels: vec![0; 3] }
    }

    fn save(&self) -> Self {
        *self
    }

    fn restore(&mut self, state: Self) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}

/// An agent after some episodes of the game, and how many there were.
fn trained(terminal_on_life_loss: bool) -> (Agent, u64) {
    let config = AgentConfig::from(RainbowConfig {
        discount: 1.0,
        n_step: 2,
        min_replay: 20,
        replay_capacity: 1_000,
        batch_size: 256,
        terminal_on_life_loss,
        ..RainbowConfig::der_minatar()
    });
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 4 };
    let mut environment: Box<dyn DynEnvironment> = Box::new(Lives::default());
    let architecture = Architecture {
        network,
        head: config.learning().unwrap().head,
        observation: environment.shape(),
        actions: environment.actions(),
        permutation_seed: 0,
    };
    let mut agent = Agent::new(&config, &architecture, Seeds::new(1)).unwrap();
    let mut observation = vec![0; 100];
    let mut episodes = 0;
    for _ in 0..60 {
        environment.observe(&mut observation);
        let action = agent.act(&observation);
        let step = environment.step(action);
        agent.learn(&observation, action, step).unwrap();
        if step.terminal || step.truncated {
            environment.reset();
            episodes += 1;
        }
    }
    (agent, episodes)
}

#[test]
fn a_lost_life_ends_what_is_learned_from_and_the_episode_goes_on() {
    for terminal_on_life_loss in [false, true] {
        let (agent, episodes) = trained(terminal_on_life_loss);
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
    let (mut agent, _) = trained(true);
    let returns = evaluate(Some(&mut agent), &mut Lives::default(), 3, Seeds::new(1), 0, || true);
    assert_eq!(returns, [f64::from(STEPS * LIVES); 3]);
}
