//! SLURM's commands: `sbatch`, `squeue`, `scontrol`.

use anyhow::{Context, Result, bail};
use softmoe_console::words::command_line;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// SLURM's own default of `MaxArraySize`.
pub(crate) const USUAL_MAX_ARRAY_SIZE: u64 = 1_001;

/// Most tasks of an array: `MaxArraySize` of the cluster's configuration.
pub(crate) fn max_array_size() -> Result<u64> {
    let configuration = output(Command::new("scontrol").args(["show", "config"]))?;
    let lines = configuration.lines().filter_map(|line| line.split_once('='));
    let value =
        lines.into_iter().find(|(name, _)| name.trim() == "MaxArraySize").map(|(_, value)| value.trim());
    Ok(value.and_then(|value| value.parse().ok()).unwrap_or(USUAL_MAX_ARRAY_SIZE))
}

/// The tasks of this user's arrays that have not ended, by the number of the array.
pub(crate) fn queued() -> Result<BTreeMap<String, BTreeSet<u64>>> {
    let lines = output(Command::new("squeue").args(["--me", "--array", "--noheader", "--format=%F %K"]))?;
    let mut tasks: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in lines.lines() {
        // A job that is no array has no number of a task.
        if let Some((array, Ok(task))) =
            line.trim().split_once(' ').map(|(array, task)| (array, task.trim().parse()))
        {
            tasks.entry(array.to_owned()).or_default().insert(task);
        }
    }
    Ok(tasks)
}

/// The words of the command that submits `script`, to be run in its directory.
pub(crate) fn submission(script: &str, after: &[String]) -> Vec<String> {
    let mut words = vec!["sbatch".to_owned(), "--parsable".to_owned()];
    if !after.is_empty() {
        // Ended in whatever way, and not waiting to be requeued.
        words.push(format!("--dependency=afterany:{}", after.join(":")));
    }
    words.push(script.to_owned());
    words
}

/// Submits a script of `directory` and returns the number of its job.
pub(crate) fn submit(directory: &Path, words: &[String]) -> Result<String> {
    let printed = output(Command::new(&words[0]).args(&words[1..]).current_dir(directory))?;
    // With several clusters, the cluster's name follows.
    let number = printed.trim().split(';').next().unwrap_or_default();
    if number.is_empty() || !number.chars().all(|digit| digit.is_ascii_digit()) {
        bail!("`{}` answered `{}`, which is no number of a job", in_words(words), printed.trim());
    }
    Ok(number.to_owned())
}

/// A command as a shell reads it.
pub(crate) fn in_words(words: &[String]) -> String {
    command_line(words)
}

/// The standard output of a command, which must succeed.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let missing = || format!("cannot start `{name}`: are SLURM's commands on this machine, and on the PATH?");
    let output = command.output().with_context(missing)?;
    if !output.status.success() {
        bail!("`{name}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
