//! `cargo xtask reproduce`: plan, build, run, report.

use crate::cli::Options;
use crate::plan::Plan;
use crate::pool::{self, Failure, Outcome};
use crate::time::time;
use crate::{binaries, catalog, draw, hints, interrupt, launcher, output, report, store, worker};
use anyhow::{Result, bail};
use softmoe_config::error::with_causes;
use softmoe_config::words::{count, thousands};
use softmoe_config::{Experiment, RANDOM_ARM, RunConfig, file};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// The name that means every figure.
const ALL: &str = "all";

/// Runs the command; the exit code is 0 if every run is finished and reported, 1 if a run or the report failed, 130 if a
/// signal stopped it.
pub(crate) fn reproduce(options: &Options) -> Result<ExitCode> {
    if options.figure.as_deref() == Some(ALL) {
        return all(options);
    }
    let started = Instant::now();

    let file = catalog::asked(options)?;
    let experiment = Experiment::read(&file)?;
    if experiment.profiles.is_empty() {
        return draw::draw(&file, &experiment, options);
    }

    // SWEEP
    let (file, experiment, swept) = match options.sweep.is_empty() {
        true => (file, experiment, None),
        false => sweep(&experiment, options)?,
    };
    let options = swept.as_ref().unwrap_or(options);

    // PLAN
    let plan = Plan::new(file, experiment, options)?;
    let rates = plan.rates();
    plan.print(&rates);
    plan.check(options)?;
    if swept.is_some() && !options.dry_run {
        store::make_parent(&plan.file)?;
        file::write(&plan.file, &plan.experiment)?;
    }
    if launcher::is_asked(&options.cluster) {
        return launcher::launch(&plan, &rates, options);
    }
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let runs = plan.runs.iter().map(|run| (&run.directory, &run.config, &run.state));
    store::prepare(&plan.out, &plan.results(), runs)?;

    // BUILD
    interrupt::install()?;
    let binaries = match binaries::build(plan.devices.first(), plan.profile.games.feature()) {
        Err(_) if interrupt::is_asked() => return Ok(stopped()),
        built => built?,
    };

    // RUN
    let outcome = if plan.unfinished().next().is_some() {
        plan.devices.all().iter().try_for_each(|device| worker::check_device(&binaries.worker, *device))?;
        pool::run_all(&plan, &binaries.worker, rates)?
    } else {
        Outcome::default()
    };
    print_failures(&outcome.failures);

    // REPORT
    let has_results = plan.runs.iter().any(|run| run.directory.done_ron().exists());
    let is_whole = outcome.failures.is_empty() && !outcome.interrupted;
    if has_results {
        match report::report(&binaries.reporter, &plan, options) {
            Ok(()) => {}
            Err(error) if is_whole => return Err(error),
            // Runs that are not there yet, or have failed, are no fault of the report.
            Err(error) => output::error_line(format_args!("no report: {}", with_causes(error.as_ref()))),
        }
    }
    output::line(format_args!("\nElapsed: {}", time(started.elapsed().as_secs_f64())));
    if outcome.interrupted {
        return Ok(stopped());
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The experiment that has an arm a value of the sweeps, the file that it is written to, and the options that are left for it.
fn sweep(experiment: &Experiment, options: &Options) -> Result<(PathBuf, Experiment, Option<Options>)> {
    let profile = catalog::profile(experiment, options.profile())?;
    let asked =
        options.arms.clone().unwrap_or_else(|| experiment.arms_of(&profile).map(str::to_owned).collect());
    let mut names: Vec<String> = asked.iter().map(|name| name.trim().to_owned()).collect();
    let mut swept = experiment.clone();
    // The values may make no sense in the other profiles.
    swept.profiles.retain(|name, _| name == options.profile());
    for sweep in &options.sweep {
        let arms: Vec<&str> = names.iter().map(String::as_str).collect();
        let next = sweep.of(&swept, &arms)?;
        names = names.iter().filter(|arm| *arm != RANDOM_ARM).flat_map(|arm| sweep.arm_names(arm)).collect();
        swept = next;
    }
    let file = options.out.join("experiments").join(format!("{}.ron", swept.figure));
    Ok((file, swept, Some(Options { arms: None, ..options.clone() })))
}

/// Runs the command for every figure that has the profile, and draws those without runs. Figures share runs, which are trained for the
/// first and reused by the others. A figure that fails does not stop the others; a signal does.
fn all(options: &Options) -> Result<ExitCode> {
    if options.arms.is_some() || !options.sweep.is_empty() {
        bail!(
            "`--arms` and `--sweep` are about one figure's arms: name the figure instead of `{ALL}`, or leave the option out"
        );
    }
    let (profile, mut figures) = (options.profile(), Vec::new());
    let (mut names, mut runs) = (BTreeSet::new(), 0);
    for figure in catalog::figures()? {
        let experiment = catalog::experiment(&figure)?;
        if let Some(profile) = experiment.profiles.get(profile) {
            let arms: Vec<&str> = experiment.arms_of(profile).collect();
            let configs = experiment.resolve(options.profile(), profile, &arms)?;
            runs += configs.len();
            names.extend(configs.iter().map(RunConfig::name));
        }
        if experiment.profiles.contains_key(profile) || experiment.profiles.is_empty() {
            figures.push((figure, !experiment.profiles.is_empty()));
        }
    }
    if names.is_empty() {
        // The first figure with runs says which profiles there are.
        let experiments = catalog::figures()?.into_iter().map(|figure| catalog::experiment(&figure));
        let experiments = experiments.collect::<Result<Vec<Experiment>>>()?;
        if let Some(experiment) = experiments.iter().find(|experiment| !experiment.profiles.is_empty()) {
            catalog::profile(experiment, profile)?;
        }
    }
    output::line(format_args!(
        "{}, profile {profile}: {}, {} of them different\n",
        count(figures.len(), "figure"),
        count(runs, "run"),
        thousands(names.len())
    ));
    let mut failed = Vec::new();
    for (figure, has_runs) in figures {
        let mut of_figure = Options { figure: Some(figure.clone()), ..options.clone() };
        if !has_runs {
            // What is drawn has no runs that options could change.
            of_figure = Options { figure: Some(figure.clone()), ..Options::drawing(options) };
        }
        let code = reproduce(&of_figure).unwrap_or_else(|error| {
            output::error_line(format_args!("error: {figure}: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        });
        if interrupt::is_asked() {
            return Ok(code);
        }
        if code != ExitCode::SUCCESS {
            failed.push(figure);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::error_line(format_args!("\n{} failed: {}", count(failed.len(), "figure"), failed.join(", ")));
    Ok(ExitCode::FAILURE)
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
    output::error_line(format_args!("To retry them: {}", hints::this_command()));
}

/// Prints how to continue.
fn stopped() -> ExitCode {
    output::error_line(format_args!("Stopped. Finished work is kept. To resume: {}", hints::this_command()));
    ExitCode::from(softmoe_config::protocol::INTERRUPTED)
}
