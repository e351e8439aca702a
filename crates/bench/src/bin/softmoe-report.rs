//! Figure, table and verdict of an experiment from whatever of its runs is finished.

use anyhow::{Context, Result};
use clap::Parser;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_bench::collect::{Collection, Selection};
use softmoe_bench::report::{self, Report};
use softmoe_bench::statistics::Bootstrap;
use softmoe_spec::{AgentSteps, Experiment, Profile, names};
use std::path::PathBuf;

/// Draws and judges a figure from its finished runs.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Options {
    /// The experiment, e.g. experiments/fig3.ron.
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// The profile that was run, e.g. quick.
    #[arg(long)]
    profile: String,
    /// Where the runs are: DIR/FIGURE/PROFILE/ARM/GAME/seed-K.
    #[arg(long, value_name = "DIR")]
    runs: PathBuf,
    /// Where the report's files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these arms (the reference arm is always in).
    #[arg(long, value_delimiter = ',', value_name = "ARM,..")]
    arms: Option<Vec<String>>,
    /// Only these games.
    #[arg(long, value_delimiter = ',', value_name = "GAME,..")]
    games: Option<Vec<String>>,
    /// How many seeds, instead of the profile's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Agent steps of a run, instead of the profile's.
    #[arg(long, value_name = "AGENT_STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
}

/// Columns of the terminal that the table is made for.
const COLUMNS: u16 = 100;

fn main() -> Result<()> {
    let options = Options::parse();
    let experiment = Experiment::read(&options.experiment)?;
    let profile = experiment.profile(&options.profile)?;
    let selection = select(&options, &experiment, profile)?;
    let collection = Collection::read(&options.runs, &selection)?;

    let (bootstrap, mut generator) = (Bootstrap::default(), Xoshiro256PlusPlus::seed_from_u64(0));
    let report = Report::new(&experiment, profile, &selection, collection, &bootstrap, &mut generator);
    report::write(&report, &options.out, &bootstrap, &mut generator)?;

    print!("{}", report::terminal(&report, COLUMNS));
    println!("Figures, table, scores and verdict: {}", options.out.display());
    Ok(())
}

/// The runs that the options ask for.
fn select(options: &Options, experiment: &Experiment, profile: &Profile) -> Result<Selection> {
    let mut selection = Selection::all(experiment, &options.profile, profile);
    if let Some(chosen) = &options.arms {
        for arm in chosen {
            names::known("arm", arm, selection.arms.iter().map(String::as_str)).context("--arms")?;
        }
        selection.arms.retain(|arm| chosen.contains(arm) || *arm == experiment.reference);
    }
    if let Some(chosen) = &options.games {
        selection.games.clear();
        for name in chosen {
            let game = names::game(name).context("--games")?;
            if !selection.games.contains(&game) {
                selection.games.push(game);
            }
        }
    }
    selection.seeds = options.seeds.unwrap_or(selection.seeds);
    selection.agent_steps = options.steps.map_or(selection.agent_steps, AgentSteps);
    Ok(selection)
}
