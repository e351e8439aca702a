//! Checkpoints: what is written is read, and what was damaged is refused.
#![cfg(feature = "minatar")]

mod common;

use common::{FLAT, agent, config};
use proptest::prelude::*;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, ReplayConfig, TrainingState};
use softmoe_config::{AgentSteps, Session};
use softmoe_env::Player;
use softmoe_replay::{EpisodeEnd, Replay, Storage};
use softmoe_runner::checkpoint::{Checkpoints, FilesState, State};
use softmoe_runner::{Positions, RunError, Written, make, remove_leftovers};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::tempdir;

/// An agent and its game.
struct Playing {
    agent: Agent,
    player: Player,
}

impl Playing {
    fn new() -> Self {
        let config = config(FLAT);
        let (architecture, spec) = (config.architecture(0).unwrap(), config.environment.spec());
        let agent = Agent::new(&agent().into(), &architecture, &spec, Seeds::new(1)).unwrap();
        Playing { agent, player: Player::new(make(&config.environment, 1).unwrap()) }
    }

    fn play(&mut self, steps: usize) {
        for _ in 0..steps {
            let action = self.agent.act(self.player.state());
            let played = self.player.step(action);
            self.agent.learn(played.frame, action, played.step).unwrap();
        }
    }
}

/// An agent that has seen and learned something, and the state of its run.
fn trained() -> (Agent, State) {
    let mut playing = Playing::new();
    playing.play(120);
    let Playing { agent, player } = playing;
    let config = config(FLAT);
    assert!(agent.updates() > 0);
    let training = TrainingState { player: player.save(), recent_returns: vec![1.0, 0.0], evaluations: 1 };
    let files = FilesState {
        positions: Positions { metrics: Written { len: 99, crc: 7 }, ..Positions::default() },
        wall_seconds: 0.5,
        initial_weights: Some("weights.safetensors".into()),
        permutation_seed: 5,
        sessions: vec![Session { host: Some("a".into()), threads: 3, ..Session::default() }],
    };
    let state = State { config, agent: agent.state(), training, files };
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
    load_as(directory, agent.replay(), Storage::Plain)
}

fn replay_config(replay: &Replay, storage: Storage) -> ReplayConfig {
    ReplayConfig { layout: *replay.layout(), sampling: replay.sampling(), storage }
}

fn load_as(directory: &Path, replay: &Replay, storage: Storage) -> (Loaded, Vec<String>) {
    let mut warnings = Vec::new();
    let warn = |message: &str| warnings.push(message.to_owned());
    let loaded = Checkpoints::new(directory).load(&config(FLAT), &replay_config(replay, storage), warn);
    (loaded, warnings)
}

/// Names of the files of a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_loaded() {
    let (mut agent, state) = trained();
    let directory = tempdir().unwrap();
    let path = Checkpoints::new(directory.path()).save(&state, agent.replay(), agent.steps()).unwrap();
    assert_eq!(path, directory.path().join("step-000000000120.ckpt"));
    for storage in [Storage::Compressed, Storage::Plain] {
        let (loaded, warnings) = load_as(directory.path(), agent.replay(), storage);
        let (state_read, replay_read) = loaded.unwrap().unwrap();
        assert_eq!(state_read, state);
        assert_eq!(replay_read.storage(), storage);
        assert_eq!(replay_bytes(&replay_read), replay_bytes(agent.replay()));
        assert!(warnings.is_empty());
        agent.restore(state_read.agent, replay_read).unwrap();
        assert_eq!(agent.state(), state.agent);
    }
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
    let mut checkpoints = Checkpoints::new(directory.path());
    for step in [1, 2, 10, 11] {
        checkpoints.save(&state, agent.replay(), AgentSteps(step)).unwrap();
    }
    let rows = "rows-000000000000-000000000120.rows";
    let kept = [rows, "step-000000000010.ckpt", "step-000000000011.ckpt", "step-000000000099.ckpt"]
        .map(str::to_owned);
    assert_eq!(names(directory.path()), kept);
    let (loaded, warnings) = load_from(directory.path(), &agent);
    assert!(loaded.unwrap().is_some());
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains(&damaged.display().to_string()), "{warning}");
}

/// Each checkpoint writes what came since the one before; a file whose rows have all left the replay goes with the last
/// checkpoint that names it.
#[test]
fn rows_are_written_once() {
    let (_, state) = trained();
    let directory = tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(directory.path());
    let mut player = Playing::new();
    let capacity = player.agent.replay().layout().capacity as u64;
    assert_eq!(capacity, 150);
    let rows = |first: u64, end: u64| format!("rows-{first:012}-{end:012}.rows");
    let mut save = |player: &mut Playing, steps| {
        player.play(steps);
        checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
        let mut parts = names(directory.path());
        parts.retain(|name| name.ends_with(".rows"));
        parts
    };
    assert_eq!(save(&mut player, 60), [rows(0, 60)]);
    assert_eq!(save(&mut player, 60), [rows(0, 60), rows(60, 120)]);
    // The replay holds rows 30 to 180.
    assert_eq!(save(&mut player, 60), [rows(0, 60), rows(60, 120), rows(120, 180)]);
    // Rows 90 to 240; the checkpoint before needs the first.
    assert_eq!(save(&mut player, 60), [rows(0, 60), rows(60, 120), rows(120, 180), rows(180, 240)]);
    assert_eq!(save(&mut player, 60), [rows(60, 120), rows(120, 180), rows(180, 240), rows(240, 300)]);
    let (loaded, warnings) = load_from(directory.path(), &player.agent);
    assert_eq!(replay_bytes(&loaded.unwrap().unwrap().1), replay_bytes(player.agent.replay()));
    assert!(warnings.is_empty());
}

/// Loads, saves and loads again, after the directory was changed behind the back of the checkpoints.
#[test]
fn a_file_of_rows_that_was_removed_is_written_anew() {
    let (_, state) = trained();
    let directory = tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(directory.path());
    let mut player = Playing::new();
    for steps in [50, 50] {
        player.play(steps);
        checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
    }
    fs::remove_file(directory.path().join("rows-000000000000-000000000050.rows")).unwrap();
    // Until then, neither can be read.
    let Err(RunError::NoCheckpoint { reasons, .. }) = load_from(directory.path(), &player.agent).0 else {
        panic!("it was read")
    };
    assert!(reasons.contains("rows-000000000000-000000000050.rows"), "{reasons}");
    player.play(20);
    checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
    let (loaded, _) = load_from(directory.path(), &player.agent);
    assert_eq!(replay_bytes(&loaded.unwrap().unwrap().1), replay_bytes(player.agent.replay()));
}

#[test]
fn so_many_files_are_made_one() {
    let (_, state) = trained();
    let directory = tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(directory.path());
    let mut player = Playing::new();
    let mut most = 0;
    for _ in 0..300 {
        player.play(1);
        checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
        most = most.max(names(directory.path()).len());
    }
    // 128, the one that replaces them, and two checkpoints.
    assert_eq!(most, 128 + 1 + 2);
    let (loaded, _) = load_from(directory.path(), &player.agent);
    assert_eq!(replay_bytes(&loaded.unwrap().unwrap().1), replay_bytes(player.agent.replay()));
}

/// The newest file of rows damaged: the checkpoint before does not need it.
#[test]
fn damaged_rows_are_named_and_the_checkpoint_before_is_used() {
    let (_, state) = trained();
    let directory = tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(directory.path());
    let mut player = Playing::new();
    player.play(100);
    checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
    let before = replay_bytes(player.agent.replay());
    player.play(20);
    checkpoints.save(&state, player.agent.replay(), player.agent.steps()).unwrap();
    let newest = directory.path().join("rows-000000000100-000000000120.rows");
    let good = fs::read(&newest).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    let mut longer = good.clone();
    longer.push(0);
    for (damaged, reason) in [
        (flipped, "its checksum does not match"),
        (good[..good.len() - 1].to_vec(), " bytes of "),
        (longer, " bytes of "),
    ] {
        fs::write(&newest, damaged).unwrap();
        let (loaded, warnings) = load_from(directory.path(), &player.agent);
        assert_eq!(replay_bytes(&loaded.unwrap().unwrap().1), before);
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        let name = newest.display().to_string();
        for part in ["step-000000000120.ckpt cannot be read", &name, reason, "trying the one before"] {
            assert!(warning.contains(part), "{warning}");
        }
    }
    // From the one before the run goes on as it did, over the damaged files.
    let mut checkpoints = Checkpoints::new(directory.path());
    let replay = player.agent.replay();
    checkpoints.load(&config(FLAT), &replay_config(replay, Storage::Plain), |_| {}).unwrap().unwrap();
    checkpoints.save(&state, replay, player.agent.steps()).unwrap();
    assert_eq!(fs::read(&newest).unwrap(), good);
}

/// Every setting is in a checkpoint, also those that an earlier format had no place for.
#[test]
fn a_checkpoint_holds_every_setting() {
    let (agent, state) = trained();
    let directory = tempdir().unwrap();
    let mut config = state.config.clone();
    config.network.body =
        "soft_moe(experts: 2, normalised: true, initial_scale: 8, residual: true)".parse().unwrap();
    config.network.encoder = "minatar_residual(pooling: false)".parse().unwrap();
    let state = State { config: config.clone(), ..state.clone() };
    Checkpoints::new(directory.path()).save(&state, agent.replay(), agent.steps()).unwrap();
    let mut checkpoints = Checkpoints::new(directory.path());
    let replay = replay_config(agent.replay(), Storage::Plain);
    let (loaded, _) = checkpoints.load(&config, &replay, |_| {}).unwrap().unwrap();
    assert_eq!(loaded, state);
}

#[test]
fn a_checkpoint_of_another_version_is_refused_with_the_reason() {
    let (agent, state) = trained();
    let directory = tempdir().unwrap();
    let path = Checkpoints::new(directory.path()).save(&state, agent.replay(), agent.steps()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for (version, reason) in
        [(4, "by an earlier version of softmoe-rl, in format 4"), (99, "by a later version")]
    {
        bytes[8] = version;
        fs::write(&path, &bytes).unwrap();
        let Err(RunError::NoCheckpoint { reasons, .. }) = load_from(directory.path(), &agent).0 else {
            panic!("it was read")
        };
        assert!(reasons.contains(reason) && reasons.contains("go on with the version"), "{reasons}");
    }
}

/// Rows that no game of the run's can have made, however good their checksum.
#[test]
fn rows_with_actions_that_the_game_has_not_are_refused() {
    let (agent, state) = trained();
    let directory = tempdir().unwrap();
    let bytes = replay_bytes(agent.replay());
    let (layout, sampling) = (*agent.replay().layout(), agent.replay().sampling());
    let mut replay = Replay::read_state(&bytes[..], layout, sampling).unwrap();
    replay.push(&vec![0; layout.frame_len], 6, 0.0, EpisodeEnd::Continues);
    Checkpoints::new(directory.path()).save(&state, &replay, agent.steps()).unwrap();
    let Err(RunError::NoCheckpoint { reasons, .. }) = load_from(directory.path(), &agent).0 else {
        panic!("it was read")
    };
    assert!(reasons.contains("the action 6 of a game that has 6"), "{reasons}");
}

/// Nothing is made where the run's directory is gone.
#[test]
fn a_run_whose_directory_was_removed_makes_none() {
    let (agent, state) = trained();
    let directory = tempdir().unwrap();
    let run = directory.path().join("run");
    let error = Checkpoints::new(run.join("checkpoint"))
        .save(&state, agent.replay(), agent.steps())
        .unwrap_err()
        .to_string();
    assert!(error.contains("was removed or moved while the run was going"), "{error}");
    assert!(!run.exists());
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

/// A directory of a good checkpoint, as names and bytes, and the replay that it is of.
struct Good {
    replay: ReplayConfig,
    files: Vec<(String, Vec<u8>)>,
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let (agent, state) = trained();
        let directory = tempdir().unwrap();
        Checkpoints::new(directory.path()).save(&state, agent.replay(), agent.steps()).unwrap();
        let read = |name: String| (name.clone(), fs::read(directory.path().join(name)).unwrap());
        let files = names(directory.path()).into_iter().map(read).collect();
        Good { replay: replay_config(agent.replay(), Storage::Plain), files }
    })
}

/// Cases of a property: `PROPTEST_CASES`, or fewer.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 100 };
    ProptestConfig { cases, ..default }
}

proptest! {
    #![proptest_config(cases())]

    /// One flipped bit or a truncation, in the header, in the checkpoint or in its rows.
    #[test]
    fn a_damaged_checkpoint_is_refused(at in 0.0_f64..1.0, header: bool, rows: bool, damage in 0_u8..9) {
        let Good { replay, files } = good();
        let directory = tempdir().unwrap();
        for (name, bytes) in files {
            let mut bytes = bytes.clone();
            if name.ends_with(".rows") == rows {
                let place = if header { (at * 24.0) as usize } else { (at * bytes.len() as f64) as usize };
                match damage {
                    bit @ 0..8 => bytes[place] ^= 1 << bit,
                    _ => bytes.truncate(place),
                }
            }
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        let mut warnings = Vec::new();
        let warn = |message: &str| warnings.push(message.to_owned());
        let loaded = Checkpoints::new(directory.path()).load(&config(FLAT), replay, warn);
        let refused = matches!(loaded, Err(RunError::NoCheckpoint { .. }));
        prop_assert!(refused);
        prop_assert_eq!(warnings.len(), 1);
    }
}
