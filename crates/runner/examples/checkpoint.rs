//! Measures bytes and seconds of the first checkpoint of a full replay of sparse frames like Atari's, of the next one, and
//! of reading it.
//!
//! ```sh
//! cargo run --release -p softmoe-runner --example checkpoint -- 200000 10000 DIRECTORY
//! ```
//!
//! This measures 200,000 frames, 10,000 of them new in each later checkpoint.

#[path = "frames/mod.rs"]
mod frames;

use frames::{SIDE, Screen};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, ReplayConfig, TrainingState};
use softmoe_config::{
    AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig, MinAtarGame,
    NetworkSpec, RunConfig, RunVersion, TrainingConfig,
};
use softmoe_env::Player;
use softmoe_replay::{EpisodeEnd, Layout, Replay, Sampling, Storage};
use softmoe_runner::checkpoint::{Checkpoints, FilesState, State};
use softmoe_runner::make;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [capacity, new, directory] = &arguments[..] else {
        return Err(
            "give the frames of the replay, those that are new in a checkpoint, and a directory".into()
        );
    };
    let (capacity, new): (usize, usize) = (capacity.parse()?, new.parse()?);
    let directory = Path::new(directory);

    // The replay has synthetic frames; the state beside it is that of an agent on MinAtar.
    let state = state()?;
    let layout =
        Layout { capacity, frame_len: SIDE * SIDE, channels: 1, stack: 4, n_step: 3, discount: 0.99 };
    let sampling = Sampling::Prioritized;
    let mut replay = Replay::with_storage(layout, sampling, Storage::Compressed)?;
    let mut screen = Screen::new(0);
    let mut play = |replay: &mut Replay, steps: usize| {
        for step in 0..steps {
            let end = if step % 500 == 499 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
            replay.push(screen.next(), (step % 18) as u8, 1.0, end);
        }
    };
    let mut checkpoints = Checkpoints::new(directory);
    for (name, steps) in [("first", capacity), ("second", new), ("third", new)] {
        play(&mut replay, steps);
        let before = bytes(directory);
        let started = Instant::now();
        checkpoints.save(&state, &replay, AgentSteps(replay.pushed()))?;
        let (seconds, peak) = (started.elapsed().as_secs_f64(), peak());
        let written = bytes(directory).saturating_sub(before) as f64 / 1e6;
        println!(
            "{name}: {steps} new rows, {written:.0} MB more on disk, {seconds:.1} s, peak memory {peak}"
        );
    }
    let started = Instant::now();
    let config = state.config.clone();
    let replay = ReplayConfig { layout, sampling, storage: Storage::Compressed };
    let found = Checkpoints::new(directory).load(&config, &replay, |warning| println!("{warning}"))?;
    let rows = found.map(|(_, replay)| replay.rows());
    println!("read: rows {rows:?} in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The state of a new run of Rainbow with SoftMoE-4 on MinAtar.
fn state() -> Result<State, Box<dyn Error>> {
    let config = RunConfig {
        version: RunVersion,
        profile: "example".into(),
        arm: "softmoe-4".into(),
        seed: 0,
        environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
        agent: LearningConfig::rainbow_minatar().into(),
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(4), hidden: 128 },
        training: TrainingConfig {
            agent_steps: AgentSteps(1),
            evaluation_period: AgentSteps(1),
            evaluation_episodes: 1,
            final_evaluation_episodes: 1,
            checkpoint_period: AgentSteps(1),
        },
        instruction_set: InstructionSet::Auto,
    };
    let architecture = config.architecture(0).ok_or("an agent that learns")?;
    let spec = config.environment.spec();
    let agent = Agent::new(&config.agent, &architecture, &spec, Seeds::new(0))?;
    let player = Player::new(make(&config.environment, 0)?).save();
    let training = TrainingState { player, ..TrainingState::default() };
    Ok(State { config, agent: agent.state(), training, files: FilesState::default() })
}

/// Bytes of the files in a directory.
fn bytes(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

/// Peak resident memory of this process.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".into(), |line| line.trim().to_owned())
}
