//! An agent on a device, whose updates run while it does something else, against one that waits for each of them.
#![cfg(all(feature = "flex", feature = "minatar"))]

mod common;

use common::{End, FLAT, Leavings, SOFT_MOE, Watcher, agents, config_of};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, AgentError, AgentState};
use softmoe_config::{AgentConfig, AgentSteps, Device, LearningConfig, RunConfig, RunDirectory};
use softmoe_env::Player;
use softmoe_nets::device::Traffic;
use softmoe_replay::Replay;
use softmoe_runner::{Options, Outcome, make};
use std::sync::Mutex;
use tempfile::tempdir;

const STEPS: u64 = 90;

/// Waits are counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// An agent in Breakout.
struct Playing {
    agent: Agent,
    player: Player,
    /// Whether it waits for every update.
    waits: bool,
    actions: Vec<usize>,
}

impl Playing {
    fn new(config: &AgentConfig, waits: bool) -> Playing {
        let seeds = Seeds::new(5);
        let config = config_of(config.clone(), SOFT_MOE);
        let (architecture, spec) = (config.architecture(0).unwrap(), config.environment.spec());
        let environment = make(&config.environment, seeds.seed(Role::Environment)).unwrap();
        Playing {
            agent: Agent::new_on(Device::Flex, &config.agent, &architecture, &spec, seeds).unwrap(),
            player: Player::new(environment),
            waits,
            actions: Vec::new(),
        }
    }

    fn play(&mut self, steps: u64) -> Result<(), AgentError> {
        for _ in 0..steps {
            let action = self.agent.act(self.player.state());
            let played = self.player.step(action);
            self.agent.learn(played.frame, action, played.step)?;
            if self.waits {
                self.agent.finish_update()?;
            }
            self.actions.push(action);
        }
        Ok(())
    }

    /// Where it is, but for its frames.
    fn state(&mut self) -> (AgentState, Vec<u64>, u64) {
        self.agent.finish_update().unwrap();
        let replay = self.agent.replay();
        let bits = |id| replay.priority(id).map(f64::to_bits);
        (self.agent.state(), replay.ids().filter_map(bits).collect(), self.agent.updates())
    }
}

/// The agents, and what is done to their weights.
fn configs() -> Vec<AgentConfig> {
    let [rainbow, der, dqn] = agents();
    let redo = rainbow.clone().with_intervention("redo(period: 3, tau: 0.5)".parse().unwrap());
    // The target network is copied right after an update.
    let AgentConfig::Learning(config) = rainbow.clone() else { unreachable!() };
    let copied = LearningConfig { target_period: AgentSteps(4), ..config };
    vec![rainbow, der, dqn, redo, copied.into()]
}

#[test]
fn actions_priorities_and_weights_are_those_of_an_agent_that_waits() {
    let _alone = ALONE.lock().unwrap();
    for config in configs() {
        let (mut waiting, mut overlapped) = (Playing::new(&config, true), Playing::new(&config, false));
        for _ in 0..3 {
            waiting.play(STEPS / 3).unwrap();
            overlapped.play(STEPS / 3).unwrap();
            assert_eq!(overlapped.actions, waiting.actions);
            assert_eq!(overlapped.state(), waiting.state());
        }
        assert!(waiting.agent.updates() >= 12);
        assert_eq!(waiting.agent.take_mean_loss(), overlapped.agent.take_mean_loss());
    }
}

#[test]
fn a_restored_agent_forgets_the_update_under_way() {
    let _alone = ALONE.lock().unwrap();
    let [config, ..] = agents();
    let mut player = Playing::new(&config, false);
    player.play(44).unwrap();
    let (state, ..) = player.state();
    let mut replay = Vec::new();
    player.agent.replay().write_state(&mut replay).unwrap();
    let environment = player.player.save();
    // Steps 48 and 52 begin an update.
    player.play(16).unwrap();
    let (want, actions) = (player.state(), player.actions[44..].to_vec());
    player.play(4).unwrap();
    let (layout, sampling) = (*player.agent.replay().layout(), player.agent.replay().sampling());
    let replay = Replay::read_state(replay.as_slice(), layout, sampling).unwrap();
    player.agent.restore(state, replay).unwrap();
    player.player.restore(&environment).unwrap();
    player.actions.clear();
    player.play(16).unwrap();
    assert_eq!(player.actions, actions);
    assert_eq!(player.state(), want);
}

/// The wait for the next action is the update's too.
#[test]
fn an_update_costs_no_wait_of_its_own() {
    let _alone = ALONE.lock().unwrap();
    let [config, ..] = agents();
    for (waits, of_an_update) in [(false, 0), (true, 1)] {
        let mut player = Playing::new(&config, waits);
        player.play(41).unwrap();
        let (before, updates) = (Traffic::so_far(), player.agent.updates());
        player.play(16).unwrap();
        let found = Traffic::so_far().since(before);
        assert_eq!(player.agent.updates() - updates, 4);
        assert_eq!(found.waits, 16 + 4 * of_an_update);
        // Observations and numbers, for each.
        assert_eq!(found.uploads, 2 * 16 + 2 * 4);
    }
}

/// Runs on the device engine that are stopped and killed, against one that is not.
#[test]
fn a_run_started_again_ends_as_one_that_was_not_interrupted() {
    let _alone = ALONE.lock().unwrap();
    let [rainbow, _, dqn] = agents();
    for agent in [rainbow, dqn] {
        let mut config = config_of(agent, FLAT);
        config.training.agent_steps = AgentSteps(120);
        config.training.evaluation_period = AgentSteps(60);
        config.training.checkpoint_period = AgentSteps(50);
        let whole = tempdir().unwrap();
        assert!(matches!(train(&config, whole.path(), End::Never), Outcome::Finished(_)));
        // The steps of updates, and those after them.
        let directory = tempdir().unwrap();
        for (stop, at) in [(44, 44), (1, 45), (3, 48), (30, 78)] {
            let outcome = train(&config, directory.path(), End::Stop(stop));
            let Outcome::Interrupted(steps) = outcome else { panic!("{outcome:?}") };
            assert_eq!(steps.0, at);
        }
        assert!(matches!(train(&config, directory.path(), End::Never), Outcome::Finished(_)));
        assert_eq!(Leavings::of(directory.path()), Leavings::of(whole.path()));
    }
}

fn train(config: &RunConfig, directory: &std::path::Path, end: End) -> Outcome {
    let options = Options { device: Device::Flex, weights: None };
    softmoe_runner::train(config, &RunDirectory::new(directory), &options, &mut Watcher::new(end)).unwrap()
}
