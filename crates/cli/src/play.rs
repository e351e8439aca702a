//! `cargo xtask play` and `evaluate`: show a trained run, and score it again.

use crate::cli::{EvaluateOptions, PlayTask};
use crate::{binaries, front_end, output};
use anyhow::{Context, Result, bail};
use softmoe_config::names::nearest;
use softmoe_config::{Device, EnvironmentConfig, RunConfig, RunDirectory};
use std::io::{IsTerminal, stdout};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitCode};

/// Levels of directories above a run: those of `--out`, `runs`, profile, arm, game and seed.
const DEEPEST: usize = 6;
/// Directory of runs, which may be left out of a run's name.
const RUNS: &str = "runs";

/// Shows a trained run playing.
pub(crate) fn play(task: &PlayTask) -> Result<ExitCode> {
    let (directory, config) = find(&task.run)?;
    let options = &task.options;
    let asks_for_files = options.gif.is_some() || options.mp4.is_some() || options.png.is_some();
    if !asks_for_files && !options.human && !options.terminal && !stdout().is_terminal() {
        bail!(
            "standard output is no terminal to show the game in: write a film with `--gif FILE` or `--mp4 FILE`, or a contact sheet with \
             `--png FILE`"
        );
    }
    let program = binaries::player(feature(&config))?;
    let mut command = Command::new(&program);
    command.arg(directory.path()).args(options.arguments());
    run(command, &program)
}

/// Scores a run again.
pub(crate) fn evaluate(options: &EvaluateOptions) -> Result<ExitCode> {
    let (directory, config) = find(&options.run)?;
    let program = binaries::worker(Device::Cpu, feature(&config))?;
    let mut command = Command::new(&program);
    command.arg("evaluate").arg(directory.path());
    command.args(options.episodes.map(|episodes| format!("--episodes={episodes}")));
    command.args(options.seed.map(|seed| format!("--seed={seed}")));
    command.args(options.json.then_some("--json"));
    run(command, &program)
}

/// Runs a program that inherits the terminal, and returns its exit code.
pub(crate) fn run(mut command: Command, program: &Path) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    Ok(match status.code() {
        Some(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        None => ExitCode::FAILURE,
    })
}

/// The feature that the run's games need.
fn feature(config: &RunConfig) -> Option<&'static str> {
    match config.environment {
        EnvironmentConfig::MinAtar { .. } | EnvironmentConfig::Own { .. } => None,
        EnvironmentConfig::Atari { .. } => Some("atari"),
        EnvironmentConfig::Gym { .. } => Some("gym"),
    }
}

/// The directories of the runs at `given`, which is a run's directory or contains runs.
pub(crate) fn runs_at(given: &Path) -> Result<Vec<PathBuf>> {
    let path = existing(given)?;
    let is_run = RunDirectory::new(&path).run_ron().exists();
    Ok(if is_run { vec![path] } else { runs_below(&path, DEEPEST) })
}

/// The directory that `given` names: as a path, by a file in it, or as a path below `runs`.
fn existing(given: &Path) -> Result<PathBuf> {
    let begins = given.iter().next().map(PathBuf::from).unwrap_or_default();
    let is_below = !begins.exists() && Path::new(RUNS).join(&begins).exists();
    let mut path = if is_below { Path::new(RUNS).join(given) } else { given.to_owned() };
    if path.is_file() {
        path =
            path.parent().map(Path::to_owned).filter(|parent| parent != Path::new("")).unwrap_or(".".into());
    }
    if !path.exists() {
        bail!("{}", unknown(&path));
    }
    Ok(path)
}

/// The run at `given`: its directory, a file in it, or its name below `runs`.
fn find(given: &Path) -> Result<(RunDirectory, RunConfig)> {
    let path = existing(given)?;
    // An absolute path cannot be mistaken for an option.
    let directory = RunDirectory::new(std::path::absolute(&path)?);
    if !directory.run_ron().exists() {
        let runs = runs_below(&path, DEEPEST);
        match &runs[..] {
            [] => bail!(
                "{} holds no run: name a run's directory, e.g. `runs/quick/softmoe-4/breakout/seed-0` (`{} status` lists the runs)",
                path.display(),
                front_end::name()
            ),
            [only] => {
                output::error_line(format_args!("{}", only.display()));
                return find(only);
            }
            [first, ..] => bail!(
                "{} holds {} runs, but only one can be played: name one of them, e.g. `{}`",
                path.display(),
                runs.len(),
                first.display()
            ),
        }
    }
    let config = RunConfig::read(&directory.run_ron())?;
    Ok((directory, config))
}

/// The directories of runs below `path`, at most `levels` deep.
pub(crate) fn runs_below(path: &Path, levels: usize) -> Vec<PathBuf> {
    let entries = path.read_dir().into_iter().flatten().flatten();
    let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    inside.sort();
    let mut runs = Vec::new();
    for path in inside {
        if RunDirectory::new(&path).run_ron().exists() {
            runs.push(path);
        } else if levels > 1 {
            runs.extend(runs_below(&path, levels - 1));
        }
    }
    runs
}

/// The message about a directory that does not exist, with the nearest name where the path leaves the existing ones.
fn unknown(path: &Path) -> String {
    let mut known = PathBuf::new();
    let mut parts = path.components();
    for part in parts.by_ref() {
        let next = known.join(part);
        if next.exists() {
            known = next;
            continue;
        }
        let Component::Normal(name) = part else { break };
        let name = name.to_string_lossy();
        let here = if known.as_os_str().is_empty() { Path::new(".") } else { &known };
        let entries = here.read_dir().into_iter().flatten().flatten();
        let names: Vec<String> = entries
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        let mut message =
            format!("there is no directory {}: {} has no `{name}`", path.display(), here.display());
        match nearest(&name, names.iter().map(String::as_str)) {
            Some(near) => {
                let meant = known.join(near).join(parts.as_path());
                message += &format!("; did you mean `{}`?", meant.display());
            }
            None => message += &format!(". `{} status` lists the runs", front_end::name()),
        }
        return message;
    }
    format!("there is no directory {}", path.display())
}
