//! `softmoe-run evaluate`: scores a trained run again.

use crate::signals::Requests;
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use softmoe_config::protocol::INTERRUPTED;
use softmoe_config::{AgentSteps, Done, RunConfig, RunDirectory, file};
use softmoe_console::output;
use softmoe_runner::{Source, Trained};
use std::path::PathBuf;
use std::process::ExitCode;

/// A run to score.
#[derive(Args, Debug)]
pub(crate) struct Evaluate {
    /// The run's directory, e.g. runs/quick/flat/breakout/seed-0
    run: PathBuf,
    /// Episodes [default: as many as the run's score has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    episodes: Option<u64>,
    /// Seed of the episodes [default: the run's seed, which gives the episodes of its score]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of an evaluation.
#[derive(Debug, Serialize)]
struct Report {
    run: String,
    /// Steps that the weights were trained for; none for the random policy.
    agent_steps: Option<AgentSteps>,
    seed: u64,
    score: f64,
    returns: Vec<f64>,
    /// The score in `done.ron`, if the run has finished.
    score_of_run: Option<f64>,
    /// Whether the returns equal those of the same episodes in `done.ron`; none if other episodes were asked for.
    reproduces: Option<bool>,
}

/// Plays the episodes and prints their returns.
pub(crate) fn evaluate(options: &Evaluate) -> anyhow::Result<ExitCode> {
    let directory = RunDirectory::new(&options.run);
    let config = RunConfig::read(&directory.run_ron())
        .with_context(|| format!("{} is no run", directory.path().display()))?;
    let done = file::read::<Done>(&directory.done_ron()).ok();
    let warn = |message: &str| output::error_line(format_args!("warning: {message}"));
    let mut trained = Trained::load(&config, &directory, warn)?;
    let requests = Requests::listen()?;
    let asked = options.episodes.and_then(|episodes| usize::try_from(episodes).ok());
    let episodes = asked.unwrap_or(config.training.final_evaluation_episodes);
    let seed = options.seed.unwrap_or(config.seed);
    let mut evaluation = trained.evaluation(seed, episodes)?;
    while !evaluation.is_over() {
        if requests.stop() {
            output::error_line(format_args!(
                "stopped after {} of {episodes} episodes",
                evaluation.returns().len()
            ));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let action = trained.choose(&mut evaluation);
        evaluation.step(action);
    }
    let returns = evaluation.returns().to_vec();
    // A checkpoint's weights are not those of a score.
    let is_comparable = seed == config.seed && !matches!(trained.source, Source::Checkpoint(_));
    let report = Report {
        run: config.name(),
        agent_steps: match trained.source {
            Source::Finished => {
                Some(done.as_ref().map_or(config.training.agent_steps, |done| done.agent_steps))
            }
            Source::Checkpoint(steps) => Some(steps),
            Source::Random => None,
        },
        seed,
        score: returns.iter().sum::<f64>() / returns.len() as f64,
        score_of_run: done.as_ref().map(|done| done.score),
        reproduces: done.as_ref().filter(|_| is_comparable).map(|done| {
            let common = done.returns.len().min(returns.len());
            done.returns[..common] == returns[..common]
        }),
        returns,
    };
    match options.json {
        true => output::line(format_args!("{}", serde_json::to_string_pretty(&report)?)),
        false => tell(&report, done.as_ref()),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &Report, done: Option<&Done>) {
    let Report { run, agent_steps, score, returns, seed, .. } = report;
    let trained = agent_steps.map(|steps| format!(" after {steps} agent steps")).unwrap_or_default();
    let plural = if returns.len() == 1 { "" } else { "s" };
    output::line(format_args!(
        "{run}: score {score}{trained}, over {} episode{plural} of seed {seed}",
        returns.len()
    ));
    let Some(done) = done else { return };
    let of_run = done.returns.len();
    let line = match report.reproduces {
        Some(true) if of_run == returns.len() => format!("the same as in done.ron: score {}", done.score),
        Some(true) => format!(
            "the episodes that are also in done.ron ({}) have the same returns; its score is {} over {of_run}",
            of_run.min(returns.len()),
            done.score
        ),
        Some(false) => format!(
            "done.ron has other returns: score {} on the device {}. Other devices and processors round differently; \
             `--set instruction_set=portable` avoids this in a new run",
            done.score, done.device
        ),
        None => format!("done.ron has the score {} over {of_run} other episodes", done.score),
    };
    output::line(format_args!("{line}"));
}
