//! Checkpoints: what is written is read, and what was damaged is refused.

mod common;

use common::{FLAT, agent, config};
use proptest::prelude::*;
use softmoe_agents::checkpoint::{Progress, State, load, remove_leftovers, save};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, RunError};
use softmoe_env::minatar::{Game, Settings, make};
use softmoe_replay::{Layout, Replay, Sampling};
use softmoe_spec::AgentSteps;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::tempdir;

/// An agent that has seen and learned something, and the state of its run.
fn trained() -> (Agent, State) {
    let mut environment = make(Game::Breakout, &Settings::default(), 1);
    let config = config(FLAT);
    let architecture = config.architecture(0).unwrap();
    let mut agent = Agent::new(&agent().into(), &architecture, Seeds::new(1)).unwrap();
    let mut observation = vec![0; environment.shape().iter().product()];
    for _ in 0..120 {
        environment.observe(&mut observation);
        let action = agent.act(&observation);
        let step = environment.step(action);
        agent.observe(&observation, action, step).unwrap();
        if step.terminal {
            environment.reset();
        }
    }
    assert!(agent.updates() > 0);
    let progress = Progress {
        episodes: 7,
        episode_return: 2.0,
        recent_returns: vec![1.0, 0.0],
        evaluations: 1,
        metrics: softmoe_agents::Positions { metrics: 99, diagnostics: 1, events: 2 },
        initial_weights: Some("weights.safetensors".into()),
        permutation_seed: 5,
        wall_seconds: 0.5,
    };
    let state = State { config, agent: agent.state(), environment: environment.save(), progress };
    (agent, state)
}

fn replay_bytes(replay: &Replay) -> Vec<u8> {
    let mut bytes = Vec::new();
    replay.write_state(&mut bytes).unwrap();
    bytes
}

type Loaded = Result<Option<(State, Replay)>, RunError>;

/// Loads from a directory; what was found, and the warnings.
fn load_from(directory: &Path, agent: &Agent) -> (Loaded, Vec<String>) {
    let mut warnings = Vec::new();
    let replay = agent.replay();
    let warn = |message: &str| warnings.push(message.to_owned());
    let loaded = load(directory, &config(FLAT), *replay.layout(), replay.sampling(), warn);
    (loaded, warnings)
}

#[test]
fn what_is_saved_is_loaded() {
    let (mut agent, state) = trained();
    let directory = tempdir().unwrap();
    let path = save(directory.path(), &state, agent.replay(), agent.steps()).unwrap();
    assert_eq!(path, directory.path().join("step-000000000120.ckpt"));
    let (loaded, warnings) = load_from(directory.path(), &agent);
    let (state_read, replay_read) = loaded.unwrap().unwrap();
    assert_eq!(state_read, state);
    assert_eq!(replay_bytes(&replay_read), replay_bytes(agent.replay()));
    assert!(warnings.is_empty());
    agent.restore(state_read.agent, replay_read).unwrap();
    assert_eq!(agent.state(), state.agent);
}

#[test]
fn where_nothing_is_saved_nothing_is_found() {
    let (agent, _) = trained();
    let directory = tempdir().unwrap();
    assert!(matches!(load_from(directory.path(), &agent).0, Ok(None)));
    assert!(matches!(load_from(&directory.path().join("missing"), &agent).0, Ok(None)));
}

#[test]
fn the_two_newest_are_kept_and_a_later_damaged_one_does_not_count() {
    let (agent, state) = trained();
    let directory = tempdir().unwrap();
    let damaged = directory.path().join("step-000000000099.ckpt");
    fs::write(&damaged, "damaged").unwrap();
    for step in [1, 2, 10, 11] {
        save(directory.path(), &state, agent.replay(), AgentSteps(step)).unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["step-000000000010.ckpt", "step-000000000011.ckpt", "step-000000000099.ckpt"]);
    let (loaded, warnings) = load_from(directory.path(), &agent);
    assert!(loaded.unwrap().is_some());
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains(&damaged.display().to_string()), "{warning}");
}

#[test]
fn leftovers_are_removed_and_nothing_else() {
    let directory = tempdir().unwrap();
    for name in [".writing-abc", "step-000000000001.ckpt", "writing-notes.txt"] {
        fs::write(directory.path().join(name), "").unwrap();
    }
    remove_leftovers(directory.path());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    assert!(!directory.path().join(".writing-abc").exists());
    remove_leftovers(&directory.path().join("missing"));
}

/// The bytes of a good checkpoint, and the replay that it is of.
fn good() -> &'static (Layout, Sampling, Vec<u8>) {
    static GOOD: OnceLock<(Layout, Sampling, Vec<u8>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let (agent, state) = trained();
        let directory = tempdir().unwrap();
        let path = save(directory.path(), &state, agent.replay(), agent.steps()).unwrap();
        (*agent.replay().layout(), agent.replay().sampling(), fs::read(path).unwrap())
    })
}

proptest! {
    #[test]
    fn a_damaged_checkpoint_is_refused(at in 0.0_f64..1.0, header: bool, damage in 0_u8..9) {
        let (layout, sampling, bytes) = good();
        let mut bytes = bytes.clone();
        let place = if header { (at * 24.0) as usize } else { (at * bytes.len() as f64) as usize };
        match damage {
            bit @ 0..8 => bytes[place] ^= 1 << bit,
            _ => bytes.truncate(place),
        }
        let directory = tempdir().unwrap();
        fs::write(directory.path().join("step-000000000120.ckpt"), bytes).unwrap();
        let mut warnings = Vec::new();
        let warn = |message: &str| warnings.push(message.to_owned());
        let loaded = load(directory.path(), &config(FLAT), *layout, *sampling, warn);
        let refused = matches!(loaded, Err(RunError::NoCheckpoint { .. }));
        prop_assert!(refused);
        prop_assert_eq!(warnings.len(), 1);
    }
}
