//! The experiments: `experiments/<figure>.ron` in the workspace.

use crate::cli::Options;
use anyhow::{Context, Result};
use softmoe_config::names::known;
use softmoe_config::{Experiment, Profile};
use std::path::{Path, PathBuf};

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

/// The names of all figures, in their order.
pub(crate) fn figures() -> Result<Vec<String>> {
    let directory = workspace().join("experiments");
    let read = || format!("cannot list the experiments in {}", directory.display());
    let files = Experiment::files(&directory).with_context(read)?;
    let stem = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let mut figures: Vec<String> = files.iter().filter_map(stem).collect();
    // The paper's figures by their numbers, then the others by their names.
    let number = |name: &str| name.strip_prefix("fig").and_then(|number| number.parse::<u32>().ok());
    figures.sort_by_key(|name| (number(name).unwrap_or(u32::MAX), name.clone()));
    Ok(figures)
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
    Ok(experiment.profile(name)?.clone())
}

/// How to get an arm that `experiment` does not have: from other figures, or by a setting of a like one. Empty if there is no way.
pub(crate) fn instead_of(arm: &str, experiment: &Experiment) -> String {
    let has = |figure: &String| {
        *figure != experiment.figure && self::experiment(figure).is_ok_and(|other| other.arm(arm).is_ok())
    };
    let others: Vec<String> = figures().unwrap_or_default().into_iter().filter(has).collect();
    if let Some(figure) = others.first() {
        return format!(
            ". `{arm}` is an arm of {}: `cargo xtask reproduce {figure} --arms {arm}`",
            others.join(", ")
        );
    }
    for family in ["softmoe", "expert-choice"] {
        let like = experiment.arms.iter().find(|known| known.name == format!("{family}-4"));
        if let (Some(like), Some(experts)) = (like, arm.strip_prefix(&format!("{family}-")))
            && experts.parse::<usize>().is_ok()
        {
            return format!(
                ". The like: `--arms {} --set network.body.experts={experts} --out DIR`",
                like.name
            );
        }
    }
    String::new()
}
