//! The experiments: `experiments/<figure>.ron` in the workspace.

use crate::cli::Options;
use crate::output;
use anyhow::{Context, Result, bail};
use softmoe_config::names::{known, nearest};
use softmoe_config::{Experiment, Profile, RANDOM_ARM};
use std::path::{Path, PathBuf};

/// Profiles of the paper's own games, which this version does not have.
const NOT_THERE_YET: [&str; 2] = ["atari100k", "paper"];

/// The workspace's root directory.
pub(crate) fn workspace() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let xtask = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    xtask.parent().unwrap_or(Path::new(".")).to_owned()
}

/// The file that describes `figure`.
pub(crate) fn file(figure: &str) -> PathBuf {
    workspace().join("experiments").join(format!("{figure}.ron"))
}

/// The names of all figures, sorted.
pub(crate) fn figures() -> Result<Vec<String>> {
    let directory = workspace().join("experiments");
    let read = || format!("cannot list the experiments in {}", directory.display());
    let files = Experiment::files(&directory).with_context(read)?;
    let stem = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    Ok(files.iter().filter_map(stem).collect())
}

/// The file that the options name: that of a figure, or any other.
pub(crate) fn asked(options: &Options) -> Result<PathBuf> {
    if let Some(file) = &options.experiment {
        return Ok(file.clone());
    }
    let figure = options.figure.as_deref().unwrap_or_default();
    let figures = figures()?;
    known("figure", figure, figures.iter().map(String::as_str))?;
    Ok(file(figure))
}

/// The experiment with that name.
pub(crate) fn experiment(figure: &str) -> Result<Experiment> {
    let figures = figures()?;
    known("figure", figure, figures.iter().map(String::as_str))?;
    Ok(Experiment::read(&file(figure))?)
}

/// A copy of the profile with that name.
pub(crate) fn profile(experiment: &Experiment, name: &str) -> Result<Profile> {
    let known = || experiment.profiles.keys().map(String::as_str);
    if !experiment.profiles.contains_key(name)
        && nearest(name, known()).is_none()
        && let Some(planned) = nearest(name, NOT_THERE_YET)
    {
        let there: Vec<String> = known().map(|name| format!("`{name}`")).collect();
        bail!(
            "the profile `{planned}` is not available yet: it needs Atari, and this version has no Atari. Allowed: {}",
            there.join(", ")
        );
    }
    Ok(experiment.profile(name)?.clone())
}

/// Prints every figure with its profiles and arms.
pub(crate) fn list() -> Result<()> {
    for figure in figures()? {
        let experiment = experiment(&figure)?;
        output::line(format_args!("{figure}: {}", experiment.title));
        for (name, profile) in &experiment.profiles {
            output::wrapped(4, &format!("  profile {name}: {}", profile.purpose));
        }
        for (name, drawing) in &experiment.drawings {
            output::wrapped(4, &format!("  drawing {name}: {}", drawing.purpose));
        }
        let has_runs = |name: &&str| *name != RANDOM_ARM || !experiment.profiles.is_empty();
        let arms: Vec<&str> = experiment.arm_names().filter(has_runs).collect();
        output::wrapped(8, &format!("  arms: {}", arms.join(", ")));
    }
    output::line(format_args!(
        "\nRun one with `cargo xtask reproduce FIGURE --profile NAME`; look at a network with `cargo xtask describe ARM`."
    ));
    Ok(())
}
