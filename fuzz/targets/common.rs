//! The checkpoint of a small run, into which targets put other bytes, and the check of a loaded one.
#![allow(dead_code, reason = "each target uses its own part")]

use lz4_flex::frame::FrameEncoder;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, ReplayConfig, Training};
use softmoe_runner::checkpoint::{Checkpoints, FilesState, State};
use softmoe_runner::{RunError, make};
use softmoe_env::Player;
use softmoe_replay::{Replay, Storage};
use softmoe_config::{RunConfig, file};
use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

const RUN_RON: &str = include_str!("../seeds/run.ron");

/// Magic, version, length and checksum of a checkpoint.
pub const CHECKPOINT_HEADER: usize = 24;
/// Magic, version and the numbers of the rows of a file of rows.
pub const ROWS_HEADER: usize = 28;

/// Where the files lie: in memory, where the system has such a place.
static DIRECTORY: LazyLock<TempDir> = LazyLock::new(directory);

pub fn directory() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.expect("a directory")
}

pub struct Small {
    pub config: RunConfig,
    pub replay: ReplayConfig,
    /// The checkpoint and its file of rows, with their names.
    pub checkpoint: (String, Vec<u8>),
    pub rows: (String, Vec<u8>),
    /// The replay's head.
    pub head: Vec<u8>,
    pub state: State,
}

pub static SMALL: LazyLock<Small> = LazyLock::new(|| {
    let config: RunConfig = file::parse(Path::new("run.ron"), RUN_RON).expect("a run.ron");
    config.validate().expect("a valid run");
    let seeds = Seeds::new(config.seed);
    let environment = make(&config.environment, seeds.seed(Role::Environment)).expect("an environment");
    let mut run = Training::new(agent(&config), environment, &config.training, seeds);
    for _ in 0..20 {
        let action = run.choose();
        run.step(action).expect("a step");
    }
    run.finish_update().expect("a finite loss");
    let agent = run.agent();
    let state = State {
        config: config.clone(),
        agent: agent.state(),
        training: run.state(),
        files: FilesState::default(),
    };
    let directory = directory();
    Checkpoints::new(directory.path()).save(&state, agent.replay(), agent.steps()).expect("a checkpoint");
    let find = |extension: &str| {
        let mut names =
            fs::read_dir(directory.path()).expect("files").flatten().map(|entry| entry.file_name());
        let name = names.find_map(|name| name.into_string().ok().filter(|name| name.ends_with(extension)));
        let name = name.expect("such a file");
        (name.clone(), fs::read(directory.path().join(name)).expect("its bytes"))
    };
    let mut head = Vec::new();
    agent.replay().write_head(&mut head).expect("a head");
    let replay = ReplayConfig::new(&config.agent, &config.environment.spec()).expect("an agent that learns");
    Small { config, replay, checkpoint: find(".ckpt"), rows: find(".rows"), head, state }
});

thread_local! {
    /// The agent that states are given to, whatever the one before was.
    static AGENT: RefCell<Agent> = RefCell::new(agent(&SMALL.config));
}

fn agent(config: &RunConfig) -> Agent {
    let architecture = config.architecture(0).expect("an agent that learns");
    let spec = config.environment.spec();
    Agent::new(&config.agent, &architecture, &spec, Seeds::new(config.seed)).expect("an agent")
}

/// The two files that an input of the target `checkpoint` stands for: a checkpoint as it is, or, with the checksum put
/// right, its LZ4 stream or what is in that; and the rows of the small run.
pub fn checkpoint_of(input: &[u8]) -> Option<[Vec<u8>; 2]> {
    let (&kind, bytes) = input.split_first()?;
    let file = match kind % 3 {
        0 => bytes.to_vec(),
        1 => with_header(bytes),
        _ => with_header(&compressed(&[bytes])),
    };
    Some([file, SMALL.rows.1.clone()])
}

/// The same of the target `rows`: a file of rows as it is, or one that the checkpoint has length and checksum of, as it
/// is or what is in its LZ4 stream.
pub fn rows_of(input: &[u8]) -> Option<[Vec<u8>; 2]> {
    let (&kind, bytes) = input.split_first()?;
    let rows = match kind % 3 {
        0 => return Some([SMALL.checkpoint.1.clone(), bytes.to_vec()]),
        1 => bytes.to_vec(),
        _ => [&SMALL.rows.1[..ROWS_HEADER], &compressed(&[bytes])].concat(),
    };
    // A checkpoint that names it: number of the first row and of the one after the last, length, checksum.
    let parts = vec![(0_u64, 20_u64, rows.len() as u64, crc32fast::hash(&rows))];
    let values = [postcard::to_stdvec(&SMALL.state), postcard::to_stdvec(&parts)];
    let [state, parts] = values.map(|value| value.expect("memory"));
    let [state_len, parts_len] = [&state, &parts].map(|value| (value.len() as u64).to_le_bytes());
    let body = compressed(&[&state_len, &state, &parts_len, &parts, &SMALL.head]);
    Some([with_header(&body), rows])
}

/// An LZ4 stream of these bytes.
fn compressed(parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = FrameEncoder::new(Vec::new());
    for part in parts {
        stream.write_all(part).expect("memory");
    }
    stream.finish().expect("memory")
}

/// `body` with the header that it would have had, had the program written it.
fn with_header(body: &[u8]) -> Vec<u8> {
    // Magic and version.
    let mut bytes = SMALL.checkpoint.1[..12].to_vec();
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Loads the checkpoint that the two files are, its frames `compressed` in memory or not.
pub fn load(
    [checkpoint, rows]: &[Vec<u8>; 2],
    compressed: bool,
) -> Result<Option<(State, Replay)>, RunError> {
    for (name, bytes) in [(&SMALL.checkpoint.0, checkpoint), (&SMALL.rows.0, rows)] {
        fs::write(DIRECTORY.path().join(name), bytes).expect("a file");
    }
    let storage = if compressed { Storage::Compressed } else { Storage::Plain };
    let replay = ReplayConfig { storage, ..SMALL.replay };
    Checkpoints::new(DIRECTORY.path()).load(&SMALL.config, &replay, |_| {})
}

/// Gives what was loaded to an environment and an agent, as a run does that is started again, and lets them go on for two
/// updates. Whether they took it.
pub fn go_on(state: State, replay: Replay) -> bool {
    let environment = make(&SMALL.config.environment, 0).expect("an environment");
    let mut player = Player::new(environment);
    if player.restore(&state.training.player).is_err() {
        return false;
    }
    AGENT.with_borrow_mut(|agent| {
        if agent.restore(state.agent, replay).is_err() {
            return false;
        }
        // As a run does.
        if agent.steps() > SMALL.config.training.agent_steps || agent.updates() > agent.steps().0 {
            return false;
        }
        for _ in 0..8 {
            let action = agent.act(player.state());
            let played = player.step(action);
            // Weights can be such that the loss is not finite, which the run says.
            if agent.learn(played.frame, action, played.step).is_err() {
                break;
            }
        }
        true
    })
}

/// All of it for an input of which `files` are made: whether it was restored.
pub fn try_input(input: &[u8], files: fn(&[u8]) -> Option<[Vec<u8>; 2]>) -> bool {
    let Some(files) = files(input) else { return false };
    match load(&files, input[0] / 3 % 2 == 1) {
        Ok(Some((state, replay))) => go_on(state, replay),
        _ => false,
    }
}
