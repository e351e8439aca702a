//! Stacks of frames, assembled by player and replay, against states that are put together by hand: the same actions and
//! weights, bit for bit.

use softmoe_agents::Agent;
use softmoe_agents::seeds::Seeds;
use softmoe_config::{
    AgentConfig, AgentSteps, Architecture, BodySpec, Device, EncoderSpec, LearningConfig, NetworkSpec,
};
use softmoe_env::{Element, Environment, EnvironmentSpec, Player, RestoreError, SaveState, Step};

const SIDE: usize = 10;
const CHANNELS: usize = 2;
/// Steps of an episode; every third ends by truncation, the others by a terminal.
const EPISODE: u64 = 7;
const STEPS: u64 = 90;

/// Frames whose every value depends on the step, so that no two frames are alike.
struct Flicker {
    stack: usize,
    step: u64,
    episode: u64,
}

impl Flicker {
    fn frame(&self) -> Vec<u8> {
        let values = 0..(SIDE * SIDE * CHANNELS) as u64;
        values.map(|i| (i * 7 + self.step * 31 + self.episode * 5).is_multiple_of(11).into()).collect()
    }
}

impl Environment for Flicker {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        let element = Element::Byte { scale: 1 };
        EnvironmentSpec { frame: [SIDE, SIDE, CHANNELS], stack: self.stack, actions: 3, element }
    }

    fn reset(&mut self) {
        self.step = 0;
        self.episode += 1;
    }

    fn step(&mut self, action: usize) -> Step {
        self.step += 1;
        let over = self.step == EPISODE;
        let truncated = over && self.episode % 3 == 2;
        let reward = (action as f32 - 1.0) * (self.step % 2) as f32;
        Step { reward, terminal: over && !truncated, life_lost: false, truncated }
    }

    fn observe(&self, frame: &mut [u8]) {
        frame.copy_from_slice(&self.frame());
    }
}

impl SaveState for Flicker {
    type State = (u64, u64);

    fn save(&self) -> (u64, u64) {
        (self.step, self.episode)
    }

    fn restore(&mut self, (step, episode): (u64, u64)) -> Result<(), RestoreError> {
        (self.step, self.episode) = (step, episode);
        Ok(())
    }
}

/// The state of an episode's frames by its definition: at every pixel the channels of the last `stack` frames, oldest
/// first, zeros for frames before the first.
fn stacked(frames: &[Vec<u8>], stack: usize) -> Vec<u8> {
    let mut state = Vec::new();
    for pixel in 0..SIDE * SIDE {
        for back in (0..stack).rev() {
            for channel in 0..CHANNELS {
                let frame = frames.len().checked_sub(1 + back).map(|index| &frames[index]);
                state.push(frame.map_or(0, |frame| frame[pixel * CHANNELS + channel]));
            }
        }
    }
    state
}

fn agent(device: Device, stack: usize, frame: [usize; 3]) -> Agent {
    let config = LearningConfig {
        n_step: 3,
        min_replay: 20,
        replay_capacity: 1_000,
        batch_size: 8,
        target_period: AgentSteps(20),
        ..LearningConfig::rainbow_minatar()
    };
    let spec = EnvironmentSpec { frame, stack, actions: 3, element: Element::Byte { scale: 1 } };
    let architecture = Architecture {
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(2), hidden: 4 },
        head: config.head(),
        observation: spec.state(),
        actions: spec.actions,
        permutation_seed: 0,
    };
    Agent::new_on(device, &AgentConfig::from(config), &architecture, &spec, Seeds::new(1)).unwrap()
}

/// One agent stacks frames; the other is given whole states as frames.
fn check(device: Device, stack: usize) {
    let mut stacking = agent(device, stack, [SIDE, SIDE, CHANNELS]);
    let mut given = agent(device, 1, [SIDE, SIDE, stack * CHANNELS]);
    let mut player = Player::new(Box::new(Flicker { stack, step: 0, episode: 0 }));
    let mut frames = vec![player.frame().to_vec()];
    for step in 0..STEPS {
        let state = stacked(&frames, stack);
        assert_eq!(player.state(), state, "step {step}");
        let action = stacking.act(player.state());
        assert_eq!(given.act(&state), action, "step {step}");
        let played = player.step(action);
        stacking.learn(played.frame, action, played.step).unwrap();
        given.learn(&state, action, played.step).unwrap();
        if played.finished.is_some() {
            frames.clear();
        }
        frames.push(player.frame().to_vec());
    }
    for agent in [&mut stacking, &mut given] {
        agent.finish_update().unwrap();
        assert!(agent.updates() > 15);
    }
    assert_eq!(stacking.learner().state(), given.learner().state());
    assert_eq!(stacking.take_mean_loss(), given.take_mean_loss());
    let layout = *stacking.replay().layout();
    assert_eq!(layout.frame_len, SIDE * SIDE * CHANNELS, "the replay keeps one frame a row");
}

#[test]
fn stacks_of_two_and_four_on_the_cpu_engine() {
    check(Device::Cpu, 2);
    check(Device::Cpu, 4);
}

#[cfg(feature = "flex")]
#[test]
fn stacks_of_two_and_four_on_the_device_engine() {
    check(Device::Flex, 2);
    check(Device::Flex, 4);
}
