//! An environment whose observations are floats.

use serde::{Deserialize, Serialize};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, evaluate};
use softmoe_config::{
    AgentConfig, AgentSteps, Architecture, BodySpec, EncoderSpec, LearningConfig, LossSpec, NetworkSpec,
};
use softmoe_env::{Element, Environment, EnvironmentSpec, Player, RestoreError, SaveState, Step};

const STEPS: u8 = 10;

/// Shows -1/4 or 1/4, next to a number that never changes: the action 1 is right where it is positive, and 0 where not.
/// The sign changes or stays by a rule that has no short period.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Signs {
    step: u8,
    count: u32,
}

impl Signs {
    fn sign(self) -> f32 {
        if self.count.wrapping_mul(0x9e37_79b9) >> 31 == 1 { 0.25 } else { -0.25 }
    }
}

impl Environment for Signs {
    type Element = f32;

    fn spec(&self) -> EnvironmentSpec {
        EnvironmentSpec { frame: [1, 1, 2], stack: 1, actions: 2, element: Element::Float }
    }

    fn reset(&mut self) {
        self.step = 0;
    }

    fn step(&mut self, action: usize) -> Step {
        let is_right = (action == 1) == (self.sign() > 0.0);
        self.step += 1;
        self.count = self.count.wrapping_add(1);
        Step { reward: f32::from(u8::from(is_right)), terminal: self.step == STEPS, ..Step::default() }
    }

    fn observe(&self, frame: &mut [f32]) {
        frame.copy_from_slice(&[self.sign(), 0.5]);
    }
}

impl SaveState for Signs {
    type State = Self;

    fn save(&self) -> Self {
        *self
    }

    fn restore(&mut self, state: Self) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}

#[test]
fn an_agent_learns_from_floats_with_a_dense_encoder() {
    let config = AgentConfig::from(LearningConfig {
        discount: 0.0,
        min_replay: 50,
        update_period: AgentSteps(1),
        replay_capacity: 1_000,
        learning_rate: 3e-3,
        loss: LossSpec::Huber,
        epsilon_decay_period: AgentSteps(100),
        epsilon_evaluation: 0.0,
        ..LearningConfig::dqn_minatar()
    });
    let mut player = Player::new(Box::new(Signs::default()));
    let spec = *player.spec();
    let architecture = Architecture {
        network: NetworkSpec {
            encoder: EncoderSpec::Dense { width: 16 },
            body: BodySpec::flat(),
            hidden: 16,
        },
        head: config.learning().expect("an agent that learns").head(),
        observation: spec.state(),
        actions: spec.actions,
        permutation_seed: 0,
    };
    let mut agent = Agent::new(&config, &architecture, &spec, Seeds::new(1)).expect("an agent");
    for _ in 0..600 {
        let action = agent.act(player.state());
        let played = player.step(action);
        agent.learn(played.frame, action, played.step).expect("learned");
    }
    let returns = evaluate(Some(&mut agent), Box::new(Signs::default()), 5, Seeds::new(1), 0, || true);
    assert_eq!(returns, [f64::from(STEPS); 5]);
}
