//! A run of a few hundred steps, and somebody who watches it.
// Each test program uses a part of it.
#![allow(dead_code)]

use softmoe_config::{
    AgentConfig, AgentSteps, AtariGame, BodySpec, EncoderSpec, EnvironmentConfig, Game, InstructionSet,
    LearningConfig, MinAtarGame, NetworkSpec, Phase, RunConfig, RunDirectory, RunVersion, TrainingConfig,
};
use softmoe_runner::{Monitor, Options, Outcome, Progress, RunError, train};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub(crate) const FLAT: BodySpec = BodySpec::flat();
pub(crate) const SOFT_MOE: BodySpec = BodySpec::soft_moe(4);

/// Rainbow with a replay that is soon warm and soon full.
pub(crate) fn agent() -> LearningConfig {
    LearningConfig {
        min_replay: 40,
        replay_capacity: 150,
        batch_size: 8,
        target_period: AgentSteps(20),
        ..LearningConfig::rainbow_minatar()
    }
}

/// The agents: Rainbow, DER and DQN, which explores less and less.
pub(crate) fn agents() -> [AgentConfig; 3] {
    let LearningConfig { min_replay, replay_capacity, batch_size, target_period, .. } = agent();
    let der = LearningConfig::der_minatar();
    let der = LearningConfig { min_replay, replay_capacity, batch_size, target_period, ..der };
    let dqn = LearningConfig {
        min_replay,
        replay_capacity,
        batch_size,
        target_period,
        ..LearningConfig::dqn_minatar()
    };
    let dqn = LearningConfig { epsilon_decay_period: AgentSteps(200), ..dqn };
    [agent().into(), der.into(), dqn.into()]
}

/// 300 steps of Breakout, four checkpoints, three evaluations.
pub(crate) fn config(body: BodySpec) -> RunConfig {
    config_of(agent().into(), body)
}

/// The same with any agent.
pub(crate) fn config_of(agent: AgentConfig, body: BodySpec) -> RunConfig {
    RunConfig {
        version: RunVersion,
        profile: "quick".into(),
        arm: "arm".into(),
        seed: 3,
        environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
        agent,
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 8 },
        training: TrainingConfig {
            agent_steps: AgentSteps(300),
            evaluation_period: AgentSteps(100),
            evaluation_episodes: 3,
            final_evaluation_episodes: 4,
            checkpoint_period: AgentSteps(70),
        },
        instruction_set: InstructionSet::Auto,
    }
}

/// The same run of a game of Atari, whose episodes are cut short.
pub(crate) fn config_of_atari(game: AtariGame, agent: LearningConfig, body: BodySpec) -> RunConfig {
    let LearningConfig { min_replay, replay_capacity, batch_size, target_period, .. } = self::agent();
    let agent = LearningConfig { min_replay, replay_capacity, batch_size, target_period, ..agent }.into();
    let mut environment = EnvironmentConfig::played_by(&agent, Game::Atari(game));
    if let EnvironmentConfig::Atari { max_episode_steps, .. } = &mut environment {
        *max_episode_steps = 70;
    }
    RunConfig {
        environment,
        network: NetworkSpec { encoder: EncoderSpec::Nature, body: body.clone(), hidden: 8 },
        ..config_of(agent, body)
    }
}

/// Stops, or dies, when it has been asked often enough whether to go on.
pub(crate) struct Watcher {
    is_evaluating: bool,
    /// Steps of training and of evaluation that it was asked before.
    pub(crate) training_steps: u64,
    pub(crate) evaluation_steps: u64,
    pub(crate) warnings: Vec<String>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Never,
    /// The run is asked to stop after so many steps of training.
    Stop(u64),
    /// The process dies: nothing after this is executed.
    Die(u64),
    /// The same after so many steps of evaluations.
    StopInEvaluation(u64),
    DieInEvaluation(u64),
}

impl Watcher {
    pub(crate) fn new(end: End) -> Self {
        Watcher { is_evaluating: false, training_steps: 0, evaluation_steps: 0, warnings: Vec::new(), end }
    }
}

impl Monitor for Watcher {
    fn report(&mut self, progress: &Progress) {
        self.is_evaluating = progress.phase == Phase::Evaluate;
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }

    fn keep_going(&mut self) -> bool {
        *(if self.is_evaluating { &mut self.evaluation_steps } else { &mut self.training_steps }) += 1;
        let (training, evaluation) = (self.training_steps, self.evaluation_steps);
        match self.end {
            End::Never => true,
            End::Stop(at) => training <= at,
            End::StopInEvaluation(at) => evaluation <= at,
            End::Die(at) if training <= at => true,
            End::DieInEvaluation(at) if evaluation <= at => true,
            End::Die(_) | End::DieInEvaluation(_) => std::panic::resume_unwind(Box::new("killed")),
        }
    }
}

/// Trains until the end given; `None` if the process died.
pub(crate) fn run(config: &RunConfig, directory: &Path, end: End) -> Option<Result<Outcome, RunError>> {
    let mut watcher = Watcher::new(end);
    catch_unwind(AssertUnwindSafe(|| {
        train(config, &RunDirectory::new(directory), &Options::default(), &mut watcher)
    }))
    .ok()
}

/// Trains to the end; what the run leaves.
pub(crate) fn finish(config: &RunConfig, directory: &Path) -> Leavings {
    match run(config, directory, End::Never) {
        Some(Ok(Outcome::Finished(_))) => Leavings::of(directory),
        other => panic!("not finished: {other:?}"),
    }
}

/// What a finished run leaves, its times aside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leavings {
    pub(crate) metrics: Vec<String>,
    pub(crate) diagnostics: Vec<String>,
    /// The step of each of TensorBoard's events.
    pub(crate) events: Vec<u64>,
    /// Checksum of the file.
    pub(crate) weights: u32,
    pub(crate) returns: Vec<f64>,
}

impl Leavings {
    pub(crate) fn of(directory: &Path) -> Self {
        let directory = RunDirectory::new(directory);
        let metrics = std::fs::read_to_string(directory.metrics_csv()).unwrap();
        let without_time = |line: &str| line.rsplitn(3, ',').nth(2).unwrap().to_owned();
        let diagnostics = std::fs::read_to_string(directory.diagnostics_csv()).unwrap();
        let is_of_time = |line: &&str| line.contains(",time/") || line.contains(",speed/");
        let done: softmoe_config::Done = softmoe_config::file::read(&directory.done_ron()).unwrap();
        Leavings {
            metrics: metrics.lines().map(without_time).collect(),
            diagnostics: diagnostics.lines().filter(|line| !is_of_time(line)).map(str::to_owned).collect(),
            events: steps_of_events(&std::fs::read(directory.events()).unwrap()),
            weights: crc32fast::hash(&std::fs::read(directory.weights()).unwrap()),
            returns: done.returns,
        }
    }
}

/// The step of each event: after the wall time, a field of 9 bytes, comes that of the step, if it is not 0.
fn steps_of_events(mut file: &[u8]) -> Vec<u64> {
    let mut steps = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<8>() {
        let len = u64::from_le_bytes(*len) as usize;
        let event = &rest[4..4 + len];
        let is_of_a_step = event[9] == 0x10;
        let bytes = event[10..].iter().take(if is_of_a_step { 10 } else { 0 });
        let mut step = 0;
        for (index, byte) in bytes.enumerate() {
            step |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                break;
            }
        }
        steps.push(step);
        file = &rest[4 + len + 4..];
    }
    steps
}
