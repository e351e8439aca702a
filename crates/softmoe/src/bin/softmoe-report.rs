//! Figure, table and verdict of an experiment, from its finished runs.

use anyhow::{Context, Result};
use clap::{Args, CommandFactory, Parser, Subcommand};
use softmoe::collect::{Collection, Selection};
use softmoe::page;
use softmoe::plot::Dress;
use softmoe::provenance;
use softmoe::report::{self, Report};
use softmoe::statistics::{Bootstrap, Streams};
use softmoe::text;
use softmoe_config::error::with_causes;
use softmoe_config::words::count;
use softmoe_config::{AgentSteps, Experiment};
use softmoe_console::output;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Draws a figure from its finished runs and evaluates the paper's claim.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    options: Option<Options>,
}

#[derive(Subcommand)]
enum Task {
    /// Write the figures that have results into one page, DIR/report/index.html.
    Page {
        /// The directory that contains `results/` and `runs/`.
        #[arg(value_name = "DIR")]
        root: PathBuf,
        /// Only figures in this profile (may be repeated).
        #[arg(long, value_name = "NAME")]
        profile: Vec<String>,
    },
}

#[derive(Args)]
struct Options {
    /// The experiment, e.g. experiments/fig3.ron.
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// The profile that was run, e.g. quick, or the drawing of a figure without runs.
    #[arg(long)]
    profile: String,
    /// Where the runs are: DIR/PROFILE/ARM/GAME/seed-K.
    #[arg(long, value_name = "DIR")]
    runs: PathBuf,
    /// Take runs that are not finished there from this directory (may be repeated).
    #[arg(long, value_name = "DIR")]
    merge: Vec<PathBuf>,
    /// The directory for the report's files.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Include only these arms (their reference arms are always included).
    #[arg(long, value_delimiter = ',', value_name = "ARM,..")]
    arms: Option<Vec<String>>,
    /// Only these games.
    #[arg(long, value_delimiter = ',', value_name = "GAME,..")]
    games: Option<Vec<String>>,
    /// How many seeds, instead of the profile's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The first seed, instead of the profile's.
    #[arg(long, value_name = "SEED")]
    first_seed: Option<u64>,
    /// Agent steps of a run, instead of the profile's.
    #[arg(long, value_name = "AGENT_STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Refuse runs of different builds or instruction sets, and of a build that has no commit
    #[arg(long)]
    strict: bool,
    /// Draw the figures without title and caption, for papers.
    #[arg(long)]
    bare: bool,
}

impl Options {
    fn dress(&self) -> Dress {
        if self.bare { Dress::Bare } else { Dress::Full }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli { task: Some(Task::Page { root, profile }), .. } => page(&root, &profile),
        Cli { options: Some(options), .. } => report(&options),
        Cli { options: None, .. } => Cli::command().print_long_help().map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error_line(format_args!("error: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn page(root: &Path, profiles: &[String]) -> Result<()> {
    let (path, found) = page::write(root, profiles)?;
    for directory in &found.without_data {
        output::error_line(format_args!(
            "warning: {} is left out: an older version wrote it. `cargo xtask reproduce` adds what the page needs; it reuses finished runs",
            directory.display()
        ));
    }
    output::line(format_args!("{}: {}", count(found.figures.len(), "figure"), path.display()));
    Ok(())
}

fn report(options: &Options) -> Result<()> {
    let experiment = Experiment::read(&options.experiment)?;
    if experiment.profiles.is_empty() {
        report::draw(&experiment, &options.profile, &options.out, options.dress())?;
        output::line(format_args!("Figure and table: {}", options.out.display()));
        return Ok(());
    }
    let selection = select(options, &experiment)?;
    let collection = Collection::read(&options.runs, &options.merge, &selection)?;
    if options.strict {
        provenance::check(&collection.finished)?;
    }

    let (bootstrap, streams) = (Bootstrap::default(), Streams::new(0));
    let report = Report::new(&selection, collection, &bootstrap, streams);
    report::write(&report, &options.out, &bootstrap, streams, options.dress())?;

    output::line(format_args!("{}", report::terminal(&report, text::columns()).trim_end_matches('\n')));
    output::line(format_args!("Figures, table, scores and verdict: {}", options.out.display()));
    Ok(())
}

/// The runs that the options ask for.
fn select<'a>(options: &Options, experiment: &'a Experiment) -> Result<Selection<'a>> {
    let mut selection = Selection::all(experiment, &options.profile)?;
    if let Some(chosen) = &options.arms {
        let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
        selection.select_arms(&chosen).context("--arms")?;
    }
    let profile = &mut selection.profile;
    if let Some(chosen) = &options.games {
        profile.games = profile.games.select(chosen.iter().map(String::as_str)).context("--games")?;
    }
    profile.seeds = options.seeds.unwrap_or(profile.seeds);
    profile.first_seed = options.first_seed.unwrap_or(profile.first_seed);
    profile.agent_steps = options.steps.map_or(profile.agent_steps, AgentSteps);
    Ok(selection)
}
