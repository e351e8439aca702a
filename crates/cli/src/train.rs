//! `cargo xtask train`: trains one run, given by an agent, a network, an encoder and a game.

use crate::cli::TrainOptions;
use crate::store::{self, State};
use crate::{binaries, describe, front_end, output, worker};
use anyhow::{Context, Result, bail};
use softmoe_config::names::known;
use softmoe_config::{
    AgentConfig, AgentPreset, AgentSteps, EncoderSpec, EnvironmentConfig, Games, InstructionSet, NetworkSpec,
    RANDOM_ARM, RunConfig, RunDirectory, RunVersion, Setting, TrainingConfig,
};
use std::process::{Command, ExitCode};

/// First part of the run's name, where runs of figures have their profile.
const PROFILE: &str = "train";
/// Maximum number of agent steps between two checkpoints: minutes with the slowest agents.
const CHECKPOINT_PERIOD: u64 = 5_000;
/// Names of the suites of games.
const SUITES: [&str; 3] = ["atari", "minatar", "gym"];
/// Names of the agents.
const AGENTS: [&str; 4] = ["dqn", "rainbow", "der", RANDOM_ARM];

/// Trains the run that the options describe, or resumes it.
pub(crate) fn train(options: &TrainOptions) -> Result<ExitCode> {
    let (config, games) = config(options)?;
    let root = options.out.join("runs");
    let directory = RunDirectory::of(&root, &config);
    let state = store::inspect(&directory, &config, |_| None);
    match &state {
        State::Conflict(conflict) => {
            bail!("{}\nNothing was changed. Choose another directory with `--out DIR`", conflict.what)
        }
        State::Elsewhere => bail!("{} is being trained by another process", config.name()),
        _ => {}
    }
    store::prepare(&options.out, directory.path(), [(&directory, &config, &state)].into_iter())?;
    if options.prepare {
        output::line(format_args!("{}", directory.run_ron().display()));
        return Ok(ExitCode::SUCCESS);
    }
    let device = options.device.unwrap_or_default();
    let program = binaries::worker(device, games.feature())?;
    worker::check_device(&program, device)?;
    output::error_line(format_args!("{} in {}", config.name(), directory.path().display()));
    let mut command = Command::new(&program);
    command.arg(directory.run_ron()).arg("--device").arg(device.to_string());
    // The worker inherits the terminal: it shows its progress there, and Ctrl-C reaches it.
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    Ok(match status.code() {
        Some(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        None => ExitCode::FAILURE,
    })
}

/// The run's configuration, and its game as a one-element list.
fn config(options: &TrainOptions) -> Result<(RunConfig, Games)> {
    let suite = match known("suite", &options.suite, SUITES)? {
        "atari" => Games::Atari(Vec::new()),
        "minatar" => Games::MinAtar(Vec::new()),
        _ => Games::Gym(Vec::new()),
    };
    let games = suite.select([options.game.as_str()])?;
    let [game] = games.list()[..] else {
        bail!("`--game {}` is a set of games, and a run has one: name one of them", options.game);
    };
    let preset = match (known("agent", &options.agent, AGENTS)?, &suite) {
        (RANDOM_ARM, _) => None,
        ("dqn", Games::Atari(_)) => Some(AgentPreset::DqnAtari),
        ("dqn", _) => Some(AgentPreset::DqnMinatar),
        ("der", Games::Atari(_)) => Some(AgentPreset::DerAtari),
        ("der", _) => Some(AgentPreset::DerMinatar),
        (_, Games::Atari(_)) => Some(AgentPreset::RainbowAtari),
        (_, _) => Some(AgentPreset::RainbowMinatar),
    };
    let agent = preset.map_or(AgentConfig::Random, AgentPreset::config);
    let usual = match suite {
        Games::Atari(_) => EncoderSpec::Impala { width: 1 },
        Games::MinAtar(_) => EncoderSpec::MinAtar,
        Games::Gym(_) => EncoderSpec::Dense { width: 64 },
    };
    let encoder = match &options.encoder {
        Some(name) => name.parse()?,
        None => usual,
    };
    let experiment = describe::experiment(&options.network, None)?;
    let named = experiment.arm(&options.network)?;
    if named.agent.is_some()
        || named.encoder.is_some()
        || named.intervention.is_some()
        || !named.set.is_empty()
    {
        bail!(
            "`{}` is more than a network: it has an agent, an encoder, an intervention or settings of its own. Name the arm of its plain \
             network, and give the rest with `--agent`, `--encoder` and `--set` (`{} list {}` prints the arms)",
            options.network,
            front_end::name(),
            experiment.figure
        );
    }
    let body = named.body.clone();
    let period = options.steps.div_ceil(options.evaluations);
    let episodes = usize::try_from(options.episodes).unwrap_or(usize::MAX);
    let encoder_name = encoder.to_string();
    let encoder_name =
        encoder_name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let arm = match agent {
        AgentConfig::Random => RANDOM_ARM.to_owned(),
        AgentConfig::Learning(_) => format!("{}-{encoder_name}-{}", options.agent, options.network),
    };
    let mut config = RunConfig {
        version: RunVersion,
        profile: PROFILE.to_owned(),
        arm,
        seed: options.seed,
        environment: EnvironmentConfig::played_by(&agent, game),
        agent,
        network: NetworkSpec { encoder, body, hidden: encoder.usual_hidden() },
        training: TrainingConfig {
            agent_steps: AgentSteps(options.steps),
            evaluation_period: AgentSteps(period),
            evaluation_episodes: episodes.div_ceil(10),
            final_evaluation_episodes: episodes,
            checkpoint_period: AgentSteps(period.min(CHECKPOINT_PERIOD)),
        },
        instruction_set: InstructionSet::Auto,
    };
    for text in &options.set {
        let setting: Setting = text.parse()?;
        setting.apply(&mut config)?;
    }
    config.validate()?;
    Ok((config, games))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use clap::Parser;
    use softmoe_config::{AtariGame, Game};

    fn parsed(line: &str) -> Result<RunConfig> {
        let words = ["xtask", "train"].into_iter().chain(line.split(' '));
        match Cli::try_parse_from(words)?.task {
            Task::Train(options) => config(&options).map(|(config, _)| config),
            _ => bail!("another task"),
        }
    }

    #[test]
    fn a_run_of_atari_follows_from_its_names() {
        let der =
            parsed("--agent der --game Pong --network softmoe-4 --encoder nature --steps 2000").unwrap();
        assert_eq!(der.name(), "train/der-nature-softmoe-4/Pong/seed-0");
        assert_eq!(der.environment, EnvironmentConfig::atari_100k(AtariGame::Pong));
        assert_eq!((der.agent, der.network.hidden), (AgentPreset::DerAtari.config(), 512));
        let rainbow = parsed("--agent rainbow --game SpaceInvaders --seed 3").unwrap();
        assert_eq!(rainbow.environment, EnvironmentConfig::of(Game::Atari(AtariGame::SpaceInvaders)));
        assert_eq!(rainbow.name(), "train/rainbow-impala-flat/SpaceInvaders/seed-3");
        let dqn = parsed("--agent dqn --suite minatar --game breakout --set agent.n_step=2").unwrap();
        assert_eq!((dqn.agent.learning().unwrap().n_step, dqn.network.hidden), (2, 128));
        parsed("--agent dqn --suite gym --game cart_pole").unwrap();
    }

    #[test]
    fn names_that_are_none_are_told_with_the_nearest() {
        let message = |line: &str| parsed(line).unwrap_err().to_string();
        assert!(message("--agent der --game pong").contains("did you mean `Pong`?"));
        assert!(message("--agent derr --game Pong").contains("did you mean `der`?"));
        assert!(message("--agent der --game Pong --suite ataro").contains("did you mean `atari`?"));
        assert!(message("--agent der --game Pong --network softmoe4").contains("did you mean `softmoe-4`?"));
        assert!(message("--agent der --game atari20").contains("is a set of games"));
        let redo = message("--agent der --game Pong --network softmoe-4-redo");
        assert!(redo.contains("`softmoe-4-redo` is more than a network"), "{redo}");
        let lives = message("--agent der --game Pong --set environment.terminal_on_life_loss=false");
        assert!(lives.contains("environment.terminal_on_life_loss"), "{lives}");
    }
}
