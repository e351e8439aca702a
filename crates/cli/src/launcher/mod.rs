//! Runs that another program starts: `--prepare` for any, `--launcher slurm` for SLURM.
//!
//! A submission is a directory `launch/<figure>-<profile>-<number>` in `--out`: the list of runs (one directory a line, the longest
//! first), the batch scripts, the logs. The jobs need the programs and files in `--out` alone, neither cargo nor the checkout.
//! A run's own directory says whether it is finished, so a lost job is repaired by submitting again.

mod options;
mod script;
mod slurm;
mod submission;

pub(crate) use options::LauncherOptions;

use crate::cli::Options;
use crate::devices::Devices;
use crate::estimate::Rates;
use crate::plan::{Plan, PlannedRun};
use crate::store::{self, State};
use crate::{binaries, front_end, memory, output, report};
use anyhow::{Context, Result, bail};
use options::LauncherName;
use script::Job;
use softmoe_config::words::{count, thousands};
use softmoe_config::{Device, RunConfig};
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::process::ExitCode;
use submission::{Jobs, Submission, in_script, write};

/// Megabytes of a worker beside its replay: networks, buffers, and room.
const MEGABYTES_BESIDE: u64 = 1_000;

/// Whether the options ask for another program to start the runs.
pub(crate) fn is_asked(options: &LauncherOptions) -> bool {
    options.prepare || options.launcher.is_some()
}

/// Prepares or submits the runs of `plan`.
pub(crate) fn launch(plan: &Plan, rates: &Rates, options: &Options) -> Result<ExitCode> {
    match options.cluster.launcher {
        Some(LauncherName::Slurm) => submit(plan, rates, options),
        None => prepare(plan, rates, options),
    }
}

/// Writes run directories and the list of runs.
fn prepare(plan: &Plan, rates: &Rates, options: &Options) -> Result<ExitCode> {
    let runs = longest_first(plan.unfinished(), rates);
    if runs.is_empty() {
        output::line(format_args!("Every run is finished: nothing to prepare."));
        return Ok(ExitCode::SUCCESS);
    }
    let submission = Submission::next(&plan.out, &name(plan));
    let list = in_script(&submission.list())?;
    let number = count(runs.len(), "run");
    if options.dry_run {
        output::line(format_args!("Would write the directories of {number} and their list: {list}"));
        return Ok(ExitCode::SUCCESS);
    }
    make_runs(plan)?;
    submission.make(&paths(&runs)?)?;
    output::line(format_args!(
        "Prepared {number}. Each line of the list is a directory; train one with `softmoe-run DIRECTORY/run.ron`.\nList: {list}"
    ));
    Ok(ExitCode::SUCCESS)
}

/// The runs to submit, and the arrays that have others.
struct Selected<'a> {
    runs: Vec<&'a PlannedRun>,
    /// Arrays in the queue with runs of this plan.
    arrays: BTreeSet<String>,
}

/// Submits an array for the runs and a job for the report.
fn submit(plan: &Plan, rates: &Rates, options: &Options) -> Result<ExitCode> {
    let cluster = &options.cluster;
    check(cluster, &plan.devices)?;
    let queue = match slurm::queued() {
        // A plan can be looked at without the cluster.
        Err(error) if options.dry_run => {
            output::line(format_args!("note: {error:#}; planned as if nothing were queued"));
            Default::default()
        }
        queue => queue?,
    };
    let Selected { runs, arrays } = select(plan, rates, &submission::in_queue(&plan.out, &queue))?;
    if runs.is_empty() {
        output::line(format_args!(
            "Nothing is left to submit. `{} reproduce` without `--launcher` reports on the finished runs.",
            front_end::name()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let limit = match slurm::max_array_size() {
        Err(_) if options.dry_run => slurm::USUAL_MAX_ARRAY_SIZE,
        limit => limit?,
    };
    let tasks = tasks(runs.len() as u64, limit, cluster.max_tasks);
    let submission = Submission::next(&plan.out, &name(plan));
    // A fault of the options is found before anything is written.
    let drafts = scripts(plan, options, &submission, &runs, tasks, ["WORKER", "REPORTER"])?;
    if options.dry_run {
        print_dry(&submission, &runs, tasks, &arrays, &drafts);
        return Ok(ExitCode::SUCCESS);
    }

    // WRITE
    make_runs(plan)?;
    let binaries = binaries::build(plan.devices.first(), plan.profile.games.feature())?;
    let keep = |program| in_script(&submission::keep_program(&plan.out, program)?);
    let programs = [keep(&binaries.worker)?, keep(&binaries.reporter)?];
    submission.make(&paths(&runs)?)?;
    copy_experiment(plan, &submission)?;
    let [of_runs, of_report] =
        scripts(plan, options, &submission, &runs, tasks, [&programs[0], &programs[1]])?;
    write(&submission.runs_script(), &of_runs)?;
    write(&submission.report_script(), &of_report)?;

    // SUBMIT
    let array = slurm::submit(&submission.directory, &slurm::submission("runs.sh", &[]))?;
    submission.note(&Jobs { array: array.clone(), tasks, report: None })?;
    let in_tasks = format!("{} in {}", count(runs.len(), "run"), count(tasks, "task"));
    output::line(format_args!(
        "Submitted job {array}: {in_tasks}. Files: {}",
        submission.directory.display()
    ));
    let after: Vec<String> = arrays.into_iter().chain([array.clone()]).collect();
    let report = slurm::submit(&submission.directory, &slurm::submission("report.sh", &after))
        .with_context(|| format!("the report was not submitted; the runs are, as job {array}"))?;
    submission.note(&Jobs { array: array.clone(), tasks, report: Some(report.clone()) })?;
    output::line(format_args!("Submitted job {report}: the report, in {}", plan.results().display()));
    output::line(format_args!(
        "Submit again to retry failed runs and to resume cancelled ones. To cancel: scancel {array} {report}"
    ));
    Ok(ExitCode::SUCCESS)
}

/// An error for options that do not fit together; a note for those that rarely do.
fn check(cluster: &LauncherOptions, devices: &Devices) -> Result<()> {
    let device = match devices.all() {
        [device] => *device,
        _ => bail!(
            "`--device {devices}`: a job has one run and so one card; give `--device {}`",
            devices.first()
        ),
    };
    let seconds = cluster.time.as_ref().and_then(|time| time.seconds);
    if let Some(seconds) = seconds.filter(|seconds| *seconds <= cluster.grace) {
        bail!(
            "`--time` is {seconds} s, and `--grace` stops a run {} s before: a run would make no steps; ask for more time or \
             a shorter grace, e.g. `--grace {}`",
            cluster.grace,
            (seconds / 3).max(1)
        );
    }
    let needs_card = matches!(device, Device::Cuda(_) | Device::Wgpu);
    if needs_card && cluster.gres.is_none() && cluster.sbatch.is_empty() {
        output::line(format_args!(
            "note: `--device {device}` without `--gres`, e.g. `--gres gpu:1`: will the job get a GPU?"
        ));
    }
    Ok(())
}

/// The unfinished runs that nobody trains or is about to train.
fn select<'a>(plan: &'a Plan, rates: &Rates, queued: &HashMap<String, String>) -> Result<Selected<'a>> {
    let (mut left, mut arrays, mut elsewhere) = (Vec::new(), BTreeSet::new(), 0);
    let mut in_queue = 0;
    for run in plan.unfinished() {
        if let Some(array) = queued.get(&in_script(run.directory.path())?) {
            arrays.insert(array.clone());
            in_queue += 1;
        } else if matches!(run.state, State::Elsewhere) {
            elsewhere += 1;
        } else {
            left.push(run);
        }
    }
    if in_queue > 0 {
        let jobs: Vec<&str> = arrays.iter().map(String::as_str).collect();
        output::line(format_args!("{} already queued, in job {}", count(in_queue, "run"), jobs.join(", ")));
    }
    if elsewhere > 0 {
        output::line(format_args!(
            "{} being trained by another process: not submitted",
            count(elsewhere, "run")
        ));
    }
    Ok(Selected { runs: longest_first(left.into_iter(), rates), arrays })
}

/// Tasks for so many runs.
fn tasks(runs: u64, limit: u64, asked: Option<u64>) -> u64 {
    runs.min(limit).min(asked.unwrap_or(u64::MAX)).max(1)
}

/// The runs, those that take longest first.
fn longest_first<'a>(runs: impl Iterator<Item = &'a PlannedRun>, rates: &Rates) -> Vec<&'a PlannedRun> {
    let mut runs: Vec<(f64, &PlannedRun)> = runs.map(|run| (run.seconds_left(rates), run)).collect();
    runs.sort_by(|left, right| right.0.total_cmp(&left.0));
    runs.into_iter().map(|(_, run)| run).collect()
}

/// The script of the array and that of the report.
fn scripts(
    plan: &Plan,
    options: &Options,
    submission: &Submission,
    runs: &[&PlannedRun],
    tasks: u64,
    [worker, reporter]: [&str; 2],
) -> Result<[String; 2]> {
    let list = in_script(&submission.list())?;
    let name = format!("softmoe-{}", name(plan));
    let arguments = vec!["--device".to_owned(), plan.devices.to_string()];
    let job = Job { name: name.clone(), list: &list, program: worker, arguments };
    let megabytes = megabytes(runs.iter().map(|run| &run.config));
    let of_runs = script::of_runs(&job, tasks, megabytes, &options.cluster)?;
    let out = std::path::absolute(&plan.out)?;
    let experiment = submission.experiments().join(plan.file.file_name().unwrap_or_default());
    let arguments = report::arguments(&std::path::absolute(experiment)?, plan, &out, options);
    let arguments = arguments.context("only the random policy is to be run: there is nothing to report")?;
    let arguments = arguments.iter().map(|word| text(word)).collect::<Result<_>>()?;
    let job = Job { name: format!("{name}-report"), list: &list, program: reporter, arguments };
    Ok([of_runs, script::of_report(&job, &options.cluster)])
}

/// Memory of a job for the largest of the runs.
fn megabytes<'a>(runs: impl Iterator<Item = &'a RunConfig>) -> u64 {
    MEGABYTES_BESIDE + memory::largest_replay(runs).unwrap_or(0).div_ceil(1_000_000)
}

fn print_dry(
    submission: &Submission,
    runs: &[&PlannedRun],
    tasks: u64,
    arrays: &BTreeSet<String>,
    [of_runs, of_report]: &[String; 2],
) {
    let after: Vec<String> = arrays.iter().cloned().chain(["ARRAY".to_owned()]).collect();
    output::line(format_args!(
        "Would submit {} in {}, from {}:",
        count(runs.len(), "run"),
        count(tasks, "task"),
        submission.directory.display()
    ));
    let longest = (runs.len() as u64).div_ceil(tasks);
    if longest > 1 {
        output::line(format_args!("  (a task has up to {} runs, one after the other)", thousands(longest)));
    }
    for (script, after, text) in [("runs.sh", Vec::new(), of_runs), ("report.sh", after, of_report)] {
        output::line(format_args!("\n$ {}", slurm::in_words(&slurm::submission(script, &after))));
        output::line(format_args!("{}", text.trim_end()));
    }
}

/// A name of a submission, e.g. `fig3-quick`.
fn name(plan: &Plan) -> String {
    format!("{}-{}", plan.experiment.figure, plan.profile_name)
}

fn make_runs(plan: &Plan) -> Result<()> {
    let runs = plan.runs.iter().map(|run| (&run.directory, &run.config, &run.state));
    store::prepare(&plan.out, &plan.results(), runs)
}

fn paths(runs: &[&PlannedRun]) -> Result<Vec<String>> {
    runs.iter().map(|run| in_script(run.directory.path())).collect()
}

/// Copies the experiment, and the profiles that it may share with others, for the report.
fn copy_experiment(plan: &Plan, submission: &Submission) -> Result<()> {
    let (file, to) = (&plan.file, submission.experiments());
    let failed = || format!("cannot copy {} to {}", file.display(), to.display());
    fs::create_dir_all(&to).with_context(failed)?;
    for from in [file.clone(), file.with_file_name("profiles.ron")] {
        if from == *file || from.is_file() {
            fs::copy(&from, to.join(from.file_name().unwrap_or_default())).with_context(failed)?;
        }
    }
    Ok(())
}

fn text(word: &OsStr) -> Result<String> {
    let given = || format!("{} cannot stand in a batch script: it is not UTF-8", word.display());
    Ok(word.to_str().with_context(given)?.to_owned())
}
