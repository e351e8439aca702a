//! The directory of a submission: list of runs, scripts, logs, numbers of the jobs.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use softmoe_config::file;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

/// Name of the directory of all submissions in `--out`.
const DIRECTORY: &str = "launch";

/// A submission on disk.
pub(crate) struct Submission {
    pub(crate) directory: PathBuf,
}

/// The jobs of a submission.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    /// Number of the array.
    pub(crate) array: String,
    /// Number of tasks.
    pub(crate) tasks: u64,
    /// Number of the job that reports; none if it could not be submitted.
    pub(crate) report: Option<String>,
}

impl Submission {
    /// The next submission in `out` with that name; makes nothing.
    pub(crate) fn next(out: &Path, name: &str) -> Submission {
        let parent = out.join(DIRECTORY);
        let directory = |number: u32| parent.join(format!("{name}-{number:03}"));
        let number = (1..).find(|number| directory(*number).symlink_metadata().is_err());
        Submission { directory: directory(number.unwrap_or(u32::MAX)) }
    }

    /// The list of runs.
    pub(crate) fn list(&self) -> PathBuf {
        self.directory.join("runs.txt")
    }

    /// The script of the array.
    pub(crate) fn runs_script(&self) -> PathBuf {
        self.directory.join("runs.sh")
    }

    /// The script of the report.
    pub(crate) fn report_script(&self) -> PathBuf {
        self.directory.join("report.sh")
    }

    /// Copies of the files of experiments.
    pub(crate) fn experiments(&self) -> PathBuf {
        self.directory.join("experiments")
    }

    fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    fn jobs(&self) -> PathBuf {
        self.directory.join("jobs.ron")
    }

    /// Makes the directory, with the list of runs.
    pub(crate) fn make(&self, runs: &[String]) -> Result<()> {
        let logs = self.logs();
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        write(&self.list(), &runs.iter().map(|run| format!("{run}\n")).collect::<String>())
    }

    /// Notes the jobs.
    pub(crate) fn note(&self, jobs: &Jobs) -> Result<()> {
        Ok(file::write(&self.jobs(), jobs)?)
    }
}

/// Writes a file of a submission.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    file::write_atomically(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The directories of runs in tasks that are still queued, each with the number of its array. `queued` holds the tasks of arrays.
pub(crate) fn in_queue(out: &Path, queued: &BTreeMap<String, BTreeSet<u64>>) -> HashMap<String, String> {
    let mut runs = HashMap::new();
    if queued.is_empty() {
        return runs;
    }
    for entry in out.join(DIRECTORY).read_dir().into_iter().flatten().flatten() {
        let submission = Submission { directory: entry.path() };
        let Ok(jobs) = file::read::<Jobs>(&submission.jobs()) else { continue };
        let Some(tasks) = queued.get(&jobs.array) else { continue };
        let list = fs::read_to_string(submission.list()).unwrap_or_default();
        for (line, run) in (0..).zip(list.lines()) {
            if tasks.contains(&task_of(line, jobs.tasks)) {
                runs.insert(run.to_owned(), jobs.array.clone());
            }
        }
    }
    runs
}

/// The task that has the run in that line of the list.
pub(crate) fn task_of(line: u64, tasks: u64) -> u64 {
    line % tasks.max(1)
}

/// Copies a program into `out`, so that jobs do not depend on the checkout, nor on what is built in it later. Equal programs are copied
/// once.
pub(crate) fn keep_program(out: &Path, program: &Path) -> Result<PathBuf> {
    let failed = || format!("cannot copy {} into {}", program.display(), out.display());
    let bytes = fs::read(program).with_context(failed)?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let name = program.file_stem().unwrap_or_default().to_string_lossy();
    let directory = out.join(DIRECTORY).join("programs");
    let kept = directory.join(format!("{name}-{:016x}{}", hasher.finish(), std::env::consts::EXE_SUFFIX));
    if !kept.is_file() {
        fs::create_dir_all(&directory).with_context(failed)?;
        // Copied to another name first, so that no job starts a half.
        let copy = directory.join(format!(".{name}-{}", std::process::id()));
        fs::copy(program, &copy).and_then(|_| fs::rename(&copy, &kept)).with_context(failed)?;
    }
    Ok(kept)
}

/// An absolute path in a script or a list, a line of which it must fit.
pub(crate) fn in_script(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path)?;
    match absolute.to_str() {
        Some(text) if !text.contains('\n') => Ok(text.to_owned()),
        _ => bail!(
            "{} cannot stand in a batch script: its name is not UTF-8 or has several lines",
            absolute.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_queued_tasks_are_found() {
        let root = tempfile::tempdir().unwrap();
        let submission = Submission::next(root.path(), "fig3-quick");
        let runs: Vec<String> = (0..5).map(|run| format!("/runs/{run}")).collect();
        submission.make(&runs).unwrap();
        submission.note(&Jobs { array: "7".into(), tasks: 2, report: None }).unwrap();
        assert!(Submission::next(root.path(), "fig3-quick").directory.ends_with("launch/fig3-quick-002"));
        let queued =
            BTreeMap::from([("7".to_owned(), BTreeSet::from([1])), ("8".to_owned(), BTreeSet::from([0]))]);
        let mut found: Vec<_> = in_queue(root.path(), &queued).into_iter().collect();
        found.sort();
        assert_eq!(found, [("/runs/1".to_owned(), "7".to_owned()), ("/runs/3".to_owned(), "7".to_owned())]);
    }
}
