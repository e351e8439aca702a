//! `cargo xtask publish`: copies a figure from `results/` into `docs/<figure>/`, and notes what its runs were made with.

use crate::cli::PublishOptions;
use crate::{binaries, catalog, output};
use anyhow::{Context, Result, bail};
use softmoe_config::words::count;
use softmoe_config::{Device, Done, PublishedFigure, PublishedFigures, RunDirectory, file};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sources that decide what a run computes.
const NUMERIC: [&str; 8] = [
    "Cargo.lock",
    "crates/agents/src",
    "crates/config/src",
    "crates/env/src",
    "crates/minatar/src",
    "crates/nets/src",
    "crates/replay/src",
    "crates/runner/src",
];

/// Publishes the figure, if its runs are all of one commit and the numbers have not changed since.
pub(crate) fn publish(options: &PublishOptions) -> Result<()> {
    let PublishOptions { figure, profile, out } = options;
    let experiment = catalog::experiment(figure)?;
    let profile_of_runs = catalog::profile(&experiment, profile)?;
    let results = out.join("results").join(figure).join(profile);
    let again = format!("cargo xtask reproduce {figure} --profile {profile} --out NEW");

    // RUNS
    let arms: Vec<&str> = experiment.arms_of(&profile_of_runs).collect();
    let configs = experiment.resolve(profile, &profile_of_runs, &arms)?;
    let root = out.join("runs");
    let mut builds: BTreeMap<String, usize> = BTreeMap::new();
    for config in &configs {
        let path = RunDirectory::of(&root, config).done_ron();
        let done: Done =
            file::read(&path).with_context(|| format!("the run {} is not finished", config.name()))?;
        let sessions = done.sessions.iter();
        let mut names: Vec<String> =
            sessions.map(|session| session.build().unwrap_or_else(|| "unknown".into())).collect();
        names.dedup();
        let name = if names.is_empty() { "unknown".to_owned() } else { names.join(", then ") };
        *builds.entry(name).or_default() += 1;
    }
    let is_commit = |name: &str| name.chars().all(|letter| letter.is_ascii_hexdigit());
    let commit = match builds.keys().next() {
        Some(name) if builds.len() == 1 && is_commit(name) => name.clone(),
        _ => {
            let named: Vec<String> =
                builds.iter().map(|(name, runs)| format!("{name} ({})", count(*runs, "run"))).collect();
            bail!(
                "the runs of {figure} must be of one commit without changes, but they are of {}. Commit, then make them anew: `{again}`",
                named.join(", ")
            );
        }
    };
    check_sources(&commit, &again)?;

    // NUMBERS
    let binaries = binaries::build(Device::Cpu, profile_of_runs.games.feature())?;
    let fingerprint = fingerprint(&binaries.worker)?;

    // FILES
    let to = catalog::workspace().join("docs").join(figure);
    let copied = copy(&results, &to)
        .with_context(|| format!("cannot copy {} to {}", results.display(), to.display()))?;
    if copied.is_empty() {
        bail!("there are no results in {}: make them with `{again}`", results.display());
    }
    let path = catalog::workspace().join("docs/published.ron");
    let mut published: PublishedFigures = file::read(&path)?;
    let record = PublishedFigure { profile: profile.clone(), commit, fingerprint };
    published.figures.insert(figure.clone(), record);
    write(&path, &published)?;
    for file in &copied {
        output::line(format_args!("{}", file.display()));
    }
    output::line(format_args!(
        "{}\nCompare what {} and README.md say about the figure with table.md and verdict.md, and commit.",
        path.display(),
        to.join("README.md").display()
    ));
    Ok(())
}

/// Writes the record, with the comment that its file begins with.
fn write(path: &Path, published: &PublishedFigures) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let comment: String =
        text.lines().take_while(|line| line.starts_with("//")).map(|line| format!("{line}\n")).collect();
    file::write(path, published)?;
    let text = comment + &fs::read_to_string(path)?;
    file::write_atomically(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// An error if the sources that decide about numbers have changed since `commit`.
fn check_sources(commit: &str, again: &str) -> Result<()> {
    let mut git = Command::new("git");
    git.arg("-C").arg(catalog::workspace()).args(["diff", "--name-only", commit, "--"]).args(NUMERIC);
    let output = git
        .output()
        .context("cannot start git, which tells whether the sources have changed since the runs")?;
    if !output.status.success() {
        bail!("git cannot compare with {commit}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let changed = String::from_utf8_lossy(&output.stdout);
    if let Some(first) = changed.lines().next() {
        bail!(
            "{first} has changed since {commit}, with which the runs were made. Commit, then make them anew: `{again}`"
        );
    }
    Ok(())
}

/// The fingerprint that the worker computes.
fn fingerprint(worker: &Path) -> Result<String> {
    let output = Command::new(worker)
        .arg("fingerprint")
        .output()
        .with_context(|| format!("cannot start {}", worker.display()))?;
    if !output.status.success() {
        bail!("{} fingerprint: {}", worker.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Copies the files of `from` to `to`; the new files.
fn copy(from: &Path, to: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut copied = Vec::new();
    for entry in from.read_dir()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        // The page's data names machines, and repeats what the other files say.
        if entry.file_type()?.is_file() && entry.file_name() != "report.json" {
            fs::create_dir_all(to)?;
            file::write_atomically(&target, &fs::read(entry.path())?)?;
            copied.push(target);
        }
    }
    copied.sort();
    Ok(copied)
}
