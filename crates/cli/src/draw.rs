//! Figures without runs: `softmoe-report` draws their networks.

use crate::cli::Options;
use crate::{binaries, output, store};
use anyhow::{Context, Result, bail};
use softmoe_config::{Device, Experiment};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Draws the requested drawing of the `experiment` in `file`, or all of them.
pub(crate) fn draw(file: &Path, experiment: &Experiment, options: &Options) -> Result<ExitCode> {
    let figure = &experiment.figure;
    if let [first, ..] = options.about_runs()[..] {
        bail!("{figure} needs no training, so `{first}` does not apply: omit it");
    }
    let names: Vec<&str> = match &options.profile {
        Some(name) => {
            experiment.drawing(name)?;
            vec![name]
        }
        None => experiment.drawings.keys().map(String::as_str).collect(),
    };
    store::check_out(&options.out)?;
    let results = |name: &str| options.out.join("results").join(figure).join(name);
    output::line(format_args!("{figure}: {}", experiment.title));
    for &name in &names {
        let purpose = &experiment.drawing(name)?.purpose;
        output::wrapped(4, &format!("  {name}: {purpose} Files: {}", results(name).display()));
    }
    let arms: Vec<&str> = experiment.arms.iter().map(|arm| arm.name.as_str()).collect();
    output::wrapped(4, &format!("  arms: {}\n", arms.join(", ")));
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let binaries = binaries::build(Device::Cpu, None)?;
    for name in names {
        let mut command = Command::new(&binaries.reporter);
        command.arg("--experiment").arg(file).args(["--profile", name]);
        command.arg("--runs").arg(options.out.join("runs")).arg("--out").arg(results(name));
        if options.bare {
            command.arg("--bare");
        }
        let started = || format!("cannot start {}", binaries.reporter.display());
        let status = command.status().with_context(started)?;
        if !status.success() {
            bail!("{figure} could not be drawn ({status})");
        }
    }
    Ok(ExitCode::SUCCESS)
}
