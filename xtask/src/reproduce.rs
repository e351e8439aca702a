//! `cargo xtask reproduce`: plan, build, run, report.

use crate::cli::Options;
use crate::estimate::Rates;
use crate::output::quoted;
use crate::plan::Plan;
use crate::pool::{self, Failure, Outcome};
use crate::time::time;
use crate::{binaries, catalog, draw, interrupt, output, report, store, worker};
use anyhow::Result;
use softmoe_config::Experiment;
use softmoe_config::words::count;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the command; the exit code is 0 if every run is finished and reported, 1 if a run or the report failed, 130 if a
/// signal stopped it.
pub(crate) fn reproduce(options: &Options) -> Result<ExitCode> {
    let started = Instant::now();

    let file = catalog::asked(options)?;
    let experiment = Experiment::read(&file)?;
    if experiment.profiles.is_empty() {
        return draw::draw(&file, &experiment, options);
    }

    // PLAN
    let plan = Plan::new(file, experiment, options)?;
    let rates = Rates::measured(&plan.out.join("runs"), plan.device);
    plan.print(&rates);
    plan.check()?;
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let runs = plan.runs.iter().map(|run| (&run.directory, &run.config, &run.state));
    store::prepare(&plan.out, &plan.results(), runs)?;

    // BUILD
    interrupt::install()?;
    let binaries = match binaries::build(plan.device, plan.profile.games.feature()) {
        Err(_) if interrupt::signals() > 0 => return Ok(stopped()),
        built => built?,
    };

    // RUN
    let outcome = if plan.unfinished().next().is_some() {
        worker::check_device(&binaries.worker, plan.device)?;
        pool::run_all(&plan, &binaries.worker, rates)?
    } else {
        Outcome::default()
    };
    print_failures(&outcome.failures);

    // REPORT
    let has_results = plan.runs.iter().any(|run| run.directory.done_ron().exists());
    let is_whole = outcome.failures.is_empty() && !outcome.interrupted;
    let reported = match has_results {
        true => report::report(&binaries.reporter, &plan, options),
        false => Ok(()),
    };
    if is_whole {
        reported?;
    } else if let Err(error) = reported {
        output::error_line(format_args!("warning: {error:#}"));
    }
    output::line(format_args!("\nElapsed: {}", time(started.elapsed().as_secs_f64())));
    if outcome.interrupted {
        return Ok(stopped());
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_failures(failures: &[Failure]) {
    if failures.is_empty() {
        return;
    }
    output::error_line(format_args!("\n{} failed:", count(failures.len(), "run")));
    for failure in failures {
        output::error_line(format_args!("  {}: {}", failure.run, failure.reason));
        failure.last_lines.iter().for_each(|line| output::error_line(format_args!("    | {line}")));
        if let Some(log) = &failure.log {
            output::error_line(format_args!("    full log: {}", log.display()));
        }
    }
    output::error_line(format_args!("Run the same command again to retry them."));
}

/// Prints how to continue.
fn stopped() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy())).collect();
    output::error_line(format_args!(
        "Stopped. Finished work is kept. To resume: cargo xtask {}",
        arguments.join(" ")
    ));
    ExitCode::from(softmoe_config::protocol::INTERRUPTED)
}
