//! Options of `reproduce` for runs that another program starts.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A program that starts runs on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LauncherName {
    /// SLURM: a job array for the runs, and a job for the report
    Slurm,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct LauncherOptions {
    /// Submit the runs to a scheduler, as a job array and a dependent job that reports; `--dry-run` prints what would be submitted
    #[arg(long, value_name = "NAME", conflicts_with = "jobs")]
    pub(crate) launcher: Option<LauncherName>,
    /// Write the run directories and the list of runs, and stop: any other scheduler can take the list
    #[arg(long, conflicts_with_all = ["launcher", "jobs"])]
    pub(crate) prepare: bool,
    /// Partition [default: the cluster's]
    #[arg(long, value_name = "NAME", requires = "launcher")]
    pub(crate) partition: Option<String>,
    /// Time limit of a job, e.g. 90 (minutes), 12:00:00 or 2-00:00:00; runs that are not finished resume in the next job [default: the partition's]
    #[arg(long, value_name = "TIME", requires = "launcher", value_parser = TimeLimit::parse)]
    pub(crate) time: Option<TimeLimit>,
    /// Seconds before the time limit at which a run is stopped at a checkpoint and its job requeued
    #[arg(long, value_name = "SECONDS", requires = "launcher", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=65_535))]
    pub(crate) grace: u64,
    /// Generic resources of a job, e.g. gpu:1
    #[arg(long, value_name = "LIST", requires = "launcher")]
    pub(crate) gres: Option<String>,
    /// Cores of a job, which one run uses [default: 1]
    #[arg(long, value_name = "N", requires = "launcher", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cpus: Option<u64>,
    /// Most jobs of the array at a time [default: the scheduler's limit]
    #[arg(long, value_name = "N", requires = "launcher", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_running: Option<u64>,
    /// Most tasks of the array; more runs than tasks share tasks, one after the other [default: the scheduler's MaxArraySize]
    #[arg(long, value_name = "N", requires = "launcher", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_tasks: Option<u64>,
    /// Another option of sbatch, e.g. --sbatch=--account=name (may be repeated)
    #[arg(long, value_name = "OPTION", requires = "launcher", allow_hyphen_values = true)]
    pub(crate) sbatch: Vec<String>,
    /// Batch script around the runs, with a line {{options}} and a line {{runs}}, e.g. to load modules
    #[arg(long, value_name = "FILE", requires = "launcher")]
    pub(crate) template: Option<PathBuf>,
}

/// A time limit as sbatch takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeLimit {
    pub(crate) text: String,
    /// None without a limit.
    pub(crate) seconds: Option<u64>,
}

impl TimeLimit {
    /// Reads `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes`, `days-hours:minutes:seconds` or
    /// `unlimited`.
    fn parse(text: &str) -> Result<TimeLimit, String> {
        let limit = |seconds| TimeLimit { text: text.to_owned(), seconds };
        if ["unlimited", "infinite"].contains(&text.to_lowercase().as_str()) {
            return Ok(limit(None));
        }
        let (days, clock) = match text.split_once('-') {
            Some((days, clock)) => (Some(days), clock),
            None => (None, text),
        };
        let number = |word: &str| word.parse::<u32>().ok().map(u64::from);
        let numbers: Option<Vec<u64>> = days.into_iter().chain(clock.split(':')).map(number).collect();
        let seconds = match (days, numbers.as_deref()) {
            (None, Some([minutes])) => Some(60 * minutes),
            (None, Some([minutes, seconds])) => Some(60 * minutes + seconds),
            (None, Some([hours, minutes, seconds])) => Some(3_600 * hours + 60 * minutes + seconds),
            (Some(_), Some([days, clock @ ..])) if (1..=3).contains(&clock.len()) => {
                let units = [3_600, 60, 1];
                Some(86_400 * days + clock.iter().zip(units).map(|(number, unit)| number * unit).sum::<u64>())
            }
            _ => None,
        };
        match seconds {
            Some(seconds) if seconds > 0 => Ok(limit(Some(seconds))),
            _ => Err("must be a time as sbatch takes it: minutes, minutes:seconds, hours:minutes:seconds, \
                      days-hours or days-hours:minutes:seconds, e.g. 90 or 2-00:00:00"
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of sbatch(1), `--time`.
    #[test]
    fn times_are_those_of_sbatch() {
        let seconds = |text: &str| TimeLimit::parse(text).map(|limit| limit.seconds);
        for (text, expected) in [
            ("90", 5_400),
            ("1:30", 90),
            ("12:00:00", 43_200),
            ("2-0", 172_800),
            ("1-1:1", 90_060),
            ("1-1:1:1", 90_061),
        ] {
            assert_eq!(seconds(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(seconds("UNLIMITED"), Ok(None));
        for wrong in ["", "0", "1h", "1:2:3:4", "-1", "1-", "1-1:1:1:1", "1.5"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
