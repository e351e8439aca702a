//! The figure, the table and the verdict: `softmoe-report` draws and prints them from the finished runs.

use crate::cli::Options;
use crate::plan::Plan;
use crate::{hints, output};
use anyhow::{Context, Result, bail};
use softmoe_config::RANDOM_ARM;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Reports on the runs of `plan`.
pub(crate) fn report(reporter: &Path, plan: &Plan, options: &Options) -> Result<()> {
    let Some(arguments) = arguments(&plan.file, plan, &plan.out, options) else {
        output::line(format_args!("Only the random policy was run: there is nothing to report."));
        return Ok(());
    };
    let mut command = Command::new(reporter);
    command.args(arguments);
    // Its reason becomes a part of the message here, which decides whether it is an error.
    let ended = command.stdout(Stdio::inherit()).stderr(Stdio::piped()).output();
    let ended = ended.with_context(|| format!("cannot start {}", reporter.display()))?;
    let told = String::from_utf8_lossy(&ended.stderr);
    let told = told.trim_end();
    if !ended.status.success() {
        let reason = told.strip_prefix("error: ").filter(|reason| !reason.is_empty());
        let reason =
            reason.map_or_else(|| format!("the report failed ({}) {told}", ended.status), str::to_owned);
        bail!("{reason}; the finished runs are kept in {}", plan.out.join("runs").display());
    }
    if !told.is_empty() {
        output::error_line(format_args!("{told}"));
    }
    output::line(format_args!("All results on one page: {}", hints::page(&options.out)));
    Ok(())
}

/// The reporter's arguments for the runs of `plan` in `out`, of the experiment in `file`; none if there is nothing to report.
pub(crate) fn arguments(file: &Path, plan: &Plan, out: &Path, options: &Options) -> Option<Vec<OsString>> {
    // The random policy is not an arm of the figure; every report has it as the zero of the scores.
    let arms: Vec<&str> = plan.arms.iter().map(String::as_str).filter(|arm| *arm != RANDOM_ARM).collect();
    if arms.is_empty() {
        return None;
    }
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    add("--experiment", file.into());
    add("--profile", (&plan.profile_name).into());
    add("--runs", out.join("runs").into());
    add("--out", plan.results_in(out).into());
    if options.arms.is_some() {
        add("--arms", arms.join(",").into());
    }
    if options.games.is_some() {
        add("--games", plan.profile.games.names().join(",").into());
    }
    if let Some(seeds) = options.seeds {
        add("--seeds", seeds.to_string().into());
    }
    if let Some(seed) = options.first_seed {
        add("--first-seed", seed.to_string().into());
    }
    for other in &options.merge {
        // A batch script runs in another directory.
        let other = std::path::absolute(other).unwrap_or_else(|_| other.clone());
        add("--merge", other.join("runs").into());
    }
    if let Some(steps) = options.steps {
        add("--steps", steps.to_string().into());
    }
    if options.strict {
        arguments.push("--strict".into());
    }
    if options.bare {
        arguments.push("--bare".into());
    }
    Some(arguments)
}
