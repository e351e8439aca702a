//! Writes the page: HTML, style and scripts, the WebAssembly program, and the agents.

use crate::embed;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use softmoe_config::{Done, RunConfig, RunDirectory, file};
use softmoe_console::output;
use softmoe_demo::DemoError;
use softmoe_demo::pack::{self, Pack, PackedAgent, Precision};
use softmoe_demo::protocol::Request;
use softmoe_demo::stage::Stage;
use softmoe_runner::{Source, Trained};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../page/index.html");
const STYLE: &str = include_str!("../../../page/style.css");
const DRAWING: &str = include_str!("../../../page/drawing.js");
const SCRIPT: &str = include_str!("../../../page/script.js");

/// What goes into the page.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Directories of the runs, e.g. runs/quick/flat/breakout/seed-0
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The library of this package, compiled to WebAssembly
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// Bits per weight: 8, rounded, or 32, unchanged, for a larger page
    #[arg(long, value_enum, default_value = "8")]
    bits: Bits,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "index.html")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bits {
    #[value(name = "8")]
    Eight,
    #[value(name = "32")]
    Full,
}

/// Packs the runs and writes the page.
pub(crate) fn write(options: &Options) -> Result<()> {
    let program = fs::read(&options.program)
        .with_context(|| format!("cannot read the program {}", options.program.display()))?;
    if !program.starts_with(b"\0asm") {
        bail!("{} is no WebAssembly module", options.program.display());
    }
    let precision = match options.bits {
        Bits::Eight => Precision::Eight,
        Bits::Full => Precision::Full,
    };
    let mut seen = BTreeSet::new();
    let mut agents = Vec::new();
    for run in &options.runs {
        let agent = packed(run, precision).with_context(|| format!("cannot pack {}", run.display()))?;
        if !seen.insert(agent.run.clone()) {
            bail!(
                "{} has the settings and the seed of another run that was named: leave one out",
                run.display()
            );
        }
        agents.push(agent);
    }
    let pack = Pack { agents }.to_bytes();
    let (program_text, agents_text) = (embed::to_text(&program)?, embed::to_text(&pack)?);
    let page = filled(&[
        ("style", STYLE),
        ("drawing", DRAWING),
        ("script", SCRIPT),
        ("program", &program_text),
        ("agents", &agents_text),
        ("version", env!("CARGO_PKG_VERSION")),
    ]);
    let written = || format!("cannot write {}", options.out.display());
    if let Some(parent) = options.out.parent() {
        fs::create_dir_all(parent).with_context(written)?;
    }
    file::write_atomically(&options.out, page.as_bytes()).with_context(written)?;
    let mb = |bytes: usize| bytes as f64 / 1e6;
    output::line(format_args!(
        "{}: {:.2} MB; program {:.2} MB, agents {:.2} MB",
        options.out.display(),
        mb(page.len()),
        mb(program_text.len()),
        mb(agents_text.len())
    ));
    Ok(())
}

/// The page, with each placeholder replaced by its part.
fn filled(parts: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    // The parts are not searched: braces in them are no placeholders.
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("every placeholder has an end");
        let (_, part) = parts.iter().find(|(known, _)| *known == name).expect("every placeholder has a part");
        page.extend([before, part]);
        rest = after;
    }
    page + rest
}

/// The agent of the run in `directory`, with weights of `precision`. If they are rounded, a finished run is scored again with them.
fn packed(directory: &Path, precision: Precision) -> Result<PackedAgent> {
    let directory = RunDirectory::new(directory);
    let path = directory.run_ron();
    let run = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = RunConfig::parse(&path, &run)?;
    config.validate()?;
    let warn = |message: &str| output::error_line(format_args!("warning: {message}"));
    let trained = Trained::load(&config, &directory, warn)?;
    let Some(inspector) = &trained.inspector else {
        bail!(DemoError::Random { run: config.name() });
    };
    let (parameters, weights) = (inspector.network().parameters(), inspector.weights());
    if weights.iter().any(|weight| !weight.is_finite()) {
        bail!("its weights are not finite: the run diverged");
    }
    // A score belongs to the weights of the end.
    let done = directory.done_ron();
    let has_score = trained.source == Source::Finished && done.exists();
    let done = if has_score { Some(file::read::<Done>(&done)?) } else { None };
    let mut agent = PackedAgent {
        run,
        permutation_seed: trained.permutation_seed,
        agent_steps: match trained.source {
            Source::Checkpoint(steps) => steps.0,
            _ => config.training.agent_steps.0,
        },
        score: done.filter(|done| !done.returns.is_empty()).map(|done| (done.score, done.returns.len())),
        packed_score: None,
        tensors: pack::tensors(parameters, weights, precision),
    };
    // Whatever the page would refuse is refused here.
    let mut stage = Stage::new(Pack { agents: vec![agent.clone()] })?;
    if let (Precision::Eight, Some((score, episodes))) = (precision, agent.score) {
        let packed_score = mean_return(&mut stage, episodes)?;
        output::line(format_args!(
            "{}: score {score:.2}; with weights of 8 bits, {packed_score:.2} over the same {episodes} episodes",
            config.name()
        ));
        agent.packed_score = Some(packed_score);
    }
    Ok(agent)
}

/// Mean return of the first agent over the first `episodes` episodes.
fn mean_return(stage: &mut Stage, episodes: usize) -> Result<f64> {
    stage.ask(Request::NewGame { agent: 0, seed: None })?;
    while stage.returns().len() < episodes {
        stage.ask(Request::Step { action: None })?;
    }
    Ok(stage.returns().iter().sum::<f64>() / episodes as f64)
}
