//! Runs of a few hundred steps, and packs of them.
// No test program uses all of this.
#![allow(dead_code)]

use softmoe_config::{
    AgentSteps, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig, MinAtarGame, NetworkSpec,
    RunConfig, RunDirectory, RunVersion, TrainingConfig,
};
use softmoe_demo::pack::{Pack, PackedAgent, Precision, tensors};
use softmoe_runner::{Monitor, Options, Outcome, Progress, Trained, train};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A body whose tokens are permuted, by a permutation that the run's seed decides.
pub(crate) const SHUFFLED: &str = "soft_moe(experts: 2, tokens: shuffled)";

struct Quiet;

impl Monitor for Quiet {
    fn report(&mut self, _: &Progress) {}

    fn warn(&mut self, message: &str) {
        panic!("{message}");
    }

    fn keep_going(&mut self) -> bool {
        true
    }
}

/// The directory of a finished run.
pub(crate) fn run(body: &str, game: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let game = if game == "freeway" { MinAtarGame::Freeway } else { MinAtarGame::Breakout };
    let agent = LearningConfig {
        min_replay: 40,
        replay_capacity: 300,
        batch_size: 8,
        target_period: AgentSteps(20),
        ..LearningConfig::rainbow_minatar()
    };
    let config = RunConfig {
        version: RunVersion,
        profile: "quick".into(),
        arm: "arm".into(),
        seed: 3,
        environment: EnvironmentConfig::minatar(game),
        agent: agent.into(),
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: body.parse().unwrap(), hidden: 8 },
        training: TrainingConfig {
            agent_steps: AgentSteps(300),
            evaluation_period: AgentSteps(200),
            evaluation_episodes: 1,
            final_evaluation_episodes: 2,
            checkpoint_period: AgentSteps(300),
        },
        instruction_set: InstructionSet::Auto,
    };
    let files = RunDirectory::new(directory.path());
    softmoe_config::file::write(&files.run_ron(), &config).unwrap();
    match train(&config, &files, &Options::default(), &mut Quiet) {
        Ok(Outcome::Finished(_)) => directory,
        other => panic!("not finished: {other:?}"),
    }
}

/// A pack of runs.
pub(crate) fn pack_of(runs: &[&Path], precision: Precision) -> Pack {
    let agent = |run: &&Path| {
        let directory = RunDirectory::new(*run);
        let config = RunConfig::read(&directory.run_ron()).unwrap();
        let trained = Trained::load(&config, &directory, |message| panic!("{message}")).unwrap();
        let inspector = trained.inspector.as_ref().unwrap();
        PackedAgent {
            run: fs::read_to_string(directory.run_ron()).unwrap(),
            permutation_seed: trained.permutation_seed,
            agent_steps: 300,
            score: None,
            packed_score: None,
            tensors: tensors(inspector.network().parameters(), inspector.weights(), precision),
        }
    };
    Pack { agents: runs.iter().map(agent).collect() }
}
