//! The experiments: `experiments/<figure>.ron` of the clone, or the same files as they were when this program was built.

use crate::cli::Options;
use crate::front_end::{self, FrontEnd};
use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use softmoe_config::names::known;
use softmoe_config::{Experiment, Profile};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The experiments for a program without a clone.
static EXPERIMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/experiments");

/// The clone's root directory.
pub(crate) fn workspace() -> PathBuf {
    // Cargo tells it to the programs that it runs.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let has_experiments = |directory: &&Path| directory.join("experiments").is_dir();
    manifest.ancestors().find(has_experiments).unwrap_or(Path::new(".")).to_owned()
}

/// The directory with the experiments. An installed program writes its own into the user's cache first, for the reporter to read.
fn directory() -> Result<PathBuf> {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    if FrontEnd::this() == FrontEnd::Workspace {
        return Ok(workspace().join("experiments"));
    }
    // Once in a process: many tasks read every experiment.
    if let Some(directory) = WRITTEN.get() {
        return Ok(directory.clone());
    }
    let caches = dirs::cache_dir().unwrap_or_else(std::env::temp_dir);
    let directory = caches.join("softmoe-rl").join(concat!("experiments-", env!("CARGO_PKG_VERSION")));
    write_experiments(&directory)
        .with_context(|| format!("cannot write the experiments to {}", directory.display()))?;
    Ok(WRITTEN.get_or_init(|| directory).clone())
}

/// Writes the experiments of this program that `directory` does not hold.
fn write_experiments(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    for file in EXPERIMENTS.files() {
        let path = directory.join(file.path());
        if fs::read(&path).is_ok_and(|held| held == file.contents()) {
            continue;
        }
        // In one piece: another process may be reading it.
        let mut whole = tempfile::NamedTempFile::new_in(directory)?;
        whole.write_all(file.contents())?;
        whole.persist(&path)?;
    }
    Ok(())
}

/// The names of all figures, in their order.
pub(crate) fn figures() -> Result<Vec<String>> {
    let directory = directory()?;
    let read = || format!("cannot list the experiments in {}", directory.display());
    let files = Experiment::files(&directory).with_context(read)?;
    let stem = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let mut figures: Vec<String> = files.iter().filter_map(stem).collect();
    // The paper's figures by their numbers, then the others by their names.
    let number = |name: &str| name.strip_prefix("fig").and_then(|number| number.parse::<u32>().ok());
    figures.sort_by_key(|name| (number(name).unwrap_or(u32::MAX), name.clone()));
    Ok(figures)
}

/// The file that describes `figure`.
fn file(figure: &str) -> Result<PathBuf> {
    Ok(directory()?.join(format!("{figure}.ron")))
}

/// The file that the options name: that of a figure, or any other.
pub(crate) fn asked(options: &Options) -> Result<PathBuf> {
    if let Some(file) = &options.experiment {
        return Ok(file.clone());
    }
    let figure = options.figure.as_deref().unwrap_or_default();
    let figures = figures()?;
    known("figure", figure, figures.iter().map(String::as_str))?;
    file(figure)
}

/// The experiment with that name.
pub(crate) fn experiment(figure: &str) -> Result<Experiment> {
    let figures = figures()?;
    known("figure", figure, figures.iter().map(String::as_str))?;
    Ok(Experiment::read(&file(figure)?)?)
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
            ". `{arm}` is an arm of {}: `{} reproduce {figure} --arms {arm}`",
            others.join(", "),
            front_end::name()
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
