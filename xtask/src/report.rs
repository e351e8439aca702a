//! The figure, the table and the verdict: `softmoe-report` draws and prints them from the finished runs.

use crate::cli::Options;
use crate::output;
use crate::plan::Plan;
use anyhow::{Context, Result, bail};
use softmoe_config::RANDOM_ARM;
use std::path::Path;
use std::process::{Command, Stdio};

/// Reports on the runs of `plan`.
pub(crate) fn report(reporter: &Path, plan: &Plan, options: &Options) -> Result<()> {
    let mut command = Command::new(reporter);
    command.arg("--experiment").arg(&plan.file);
    command.arg("--profile").arg(&plan.profile_name);
    command.arg("--runs").arg(plan.out.join("runs"));
    command.arg("--out").arg(plan.results());
    // The random policy is not an arm of the figure; every report has it as the zero of the scores.
    let arms: Vec<&str> = plan.arms.iter().map(String::as_str).filter(|arm| *arm != RANDOM_ARM).collect();
    if arms.is_empty() {
        output::line(format_args!("Only the random policy was run: there is nothing to report."));
        return Ok(());
    }
    if options.arms.is_some() {
        command.arg("--arms").arg(arms.join(","));
    }
    if options.games.is_some() {
        command.arg("--games").arg(plan.profile.games.names().join(","));
    }
    if let Some(seeds) = options.seeds {
        command.arg("--seeds").arg(seeds.to_string());
    }
    if let Some(seed) = options.first_seed {
        command.arg("--first-seed").arg(seed.to_string());
    }
    for other in &options.merge {
        command.arg("--merge").arg(other.join("runs"));
    }
    if options.strict {
        command.arg("--strict");
    }
    if let Some(steps) = options.steps {
        command.arg("--steps").arg(steps.to_string());
    }
    if options.bare {
        command.arg("--bare");
    }
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
    Ok(())
}
