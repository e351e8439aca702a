//! A small run's checkpoint, to put other bytes into.
#![allow(dead_code, reason = "each target uses its own part")]

use softmoe_agents::checkpoint::{Checkpoints, Progress, State};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, RunError};
use softmoe_replay::{Layout, Replay, Sampling, Storage};
use softmoe_spec::{RunConfig, file};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

const RUN_RON: &str = include_str!("../seeds/run.ron");

pub struct Small {
    pub config: RunConfig,
    pub layout: Layout,
    pub sampling: Sampling,
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
    let architecture = config.architecture(0).expect("an agent that learns");
    let mut agent = Agent::new(&config.agent, &architecture, seeds).expect("an agent");
    let mut environment = config.environment.make(seeds.seed(Role::Environment));
    let mut observation = vec![0; environment.shape().iter().product()];
    for _ in 0..20 {
        environment.observe(&mut observation);
        let action = agent.act(&observation);
        let step = environment.step(action);
        agent.observe(&observation, action, step).expect("a step");
        if step.terminal || step.truncated {
            environment.reset();
        }
    }
    let state = State {
        config: config.clone(),
        agent: agent.state(),
        environment: environment.save(),
        progress: Progress::default(),
    };
    let directory = tempfile::tempdir().expect("a directory");
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
    let (layout, sampling) = (*agent.replay().layout(), agent.replay().sampling());
    Small { config, layout, sampling, checkpoint: find(".ckpt"), rows: find(".rows"), head, state }
});

/// `body` with the header that it would have had, had the program written it.
pub fn with_header(body: &[u8]) -> Vec<u8> {
    // Magic and version.
    let mut bytes = SMALL.checkpoint.1[..12].to_vec();
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Loads the checkpoint that the two files are.
pub fn load(checkpoint: &[u8], rows: &[u8]) -> Result<Option<(State, Replay)>, RunError> {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, bytes) in [(&SMALL.checkpoint.0, checkpoint), (&SMALL.rows.0, rows)] {
        fs::write(directory.path().join(name), bytes).expect("a file");
    }
    let sizes = (SMALL.layout, SMALL.sampling, Storage::Plain);
    Checkpoints::new(directory.path()).load(&SMALL.config, sizes, |_| {})
}
