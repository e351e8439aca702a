//! `cargo xtask describe`: the layers of an arm's network, from the worker.

use crate::cli::{DescribeOptions, USUAL_PROFILE};
use crate::front_end::{self, FrontEnd};
use crate::{binaries, catalog, output};
use anyhow::{Context, Result, bail};
use softmoe_config::names::known;
use softmoe_config::{Architecture, ConfigError, Device, EncoderSpec, Experiment, RANDOM_ARM, Setting};
use softmoe_console::words::quoted;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints the layers of the requested network.
pub(crate) fn describe(options: &DescribeOptions) -> Result<()> {
    let (experiment, architecture) = find(options)?;
    let binaries = binaries::build(Device::Cpu, None)?;
    if !options.json {
        let label = experiment.arms.iter().find(|arm| arm.name == options.arm).map(|arm| arm.label.as_str());
        output::line(format_args!("{} of {}", label.unwrap_or(&options.arm), experiment.figure));
        in_words(&architecture).iter().for_each(|line| output::wrapped(4, &format!("  {line}")));
        output::line(format_args!(""));
    }
    let mut command = Command::new(&binaries.worker);
    command.args(["describe", "-"]).args(options.json.then_some("--json")).stdin(Stdio::piped());
    let started = || format!("cannot start {}", binaries.worker.display());
    let mut worker = command.spawn().with_context(started)?;
    if let Some(mut stdin) = worker.stdin.take() {
        // If the worker has already ended, its exit code says so.
        let _ = write!(stdin, "{architecture}");
    }
    let status = worker.wait().context("cannot wait for the worker")?;
    if !status.success() {
        bail!("the worker failed to describe the network ({status})");
    }
    Ok(())
}

/// The requested network, and the experiment that defines it.
fn find(options: &DescribeOptions) -> Result<(Experiment, Architecture)> {
    let encoder: Option<EncoderSpec> =
        options.encoder.as_deref().map(str::parse).transpose().map_err(told)?;
    let settings: Vec<Setting> =
        options.set.iter().map(|text| text.parse()).collect::<Result<_, ConfigError>>()?;
    let experiment = experiment(&options.arm, options.figure.as_deref())?;
    let architecture = if experiment.profiles.is_empty() {
        if options.encoder.is_some() || options.game.is_some() || !options.set.is_empty() {
            let names: Vec<&str> = experiment.drawings.keys().map(String::as_str).collect();
            bail!(
                "`{}` of {} is drawn as it is: leave out `--encoder`, `--game` and `--set`, or choose a size with \
                 `--profile` ({})",
                options.arm,
                experiment.figure,
                names.join(", ")
            );
        }
        let first = experiment.drawings.keys().next().map_or("", String::as_str);
        experiment.drawn(options.profile.as_deref().unwrap_or(first), &options.arm)?
    } else {
        let first = experiment.profiles.keys().next().map_or("", String::as_str);
        let has = |name: &str| {
            let profile = experiment.profiles.get(name);
            profile.is_some_and(|profile| experiment.arms_for(profile).any(|arm| arm == options.arm))
        };
        let first = experiment.profiles.keys().map(String::as_str).find(|name| has(name)).unwrap_or(first);
        let usual = if has(USUAL_PROFILE) { USUAL_PROFILE } else { first };
        let profile = options.profile.as_deref().unwrap_or(usual);
        let games = &experiment.profile(profile)?.games;
        let game = options.game.as_deref().map(|name| games.game(name)).transpose()?;
        experiment.architecture(profile, &options.arm, game, encoder, &settings)?
    };
    Ok((experiment, architecture))
}

/// The experiment that has `arm`: `figure`, or the first that has it.
pub(crate) fn experiment(arm: &str, figure: Option<&str>) -> Result<Experiment> {
    if arm == RANDOM_ARM {
        bail!("the arm `{RANDOM_ARM}` has no network: it is the random policy");
    }
    if Path::new(arm).extension().is_some_and(|extension| extension == "ron" || extension == "safetensors") {
        bail!(
            "`{arm}` is a file, and `{} describe` takes an arm, e.g. softmoe-4. For the network of a file: \
             {} describe {}",
            front_end::name(),
            match FrontEnd::this() {
                FrontEnd::Workspace => "cargo run --release -p softmoe --bin softmoe-run --",
                FrontEnd::Installed => "softmoe-run",
            },
            quoted(arm)
        );
    }
    if let Some(figure) = figure {
        let experiment = catalog::experiment(figure)?;
        experiment.arm(arm)?;
        return Ok(experiment);
    }
    let figures = catalog::figures()?;
    let mut experiments: Vec<Experiment> =
        figures.iter().map(|figure| catalog::experiment(figure)).collect::<Result<_>>()?;
    let names: BTreeSet<&str> =
        experiments.iter().flat_map(|experiment| &experiment.arms).map(|arm| arm.name.as_str()).collect();
    known("arm", arm, names)?;
    experiments.retain(|experiment| experiment.arm(arm).is_ok());
    // A figure with runs determines more of an arm's network than a figure that only draws it.
    experiments.sort_by_key(|experiment| experiment.profiles.is_empty());
    let network =
        |experiment: &Experiment| experiment.arm(arm).ok().map(|arm| (arm.body.clone(), arm.encoder));
    let first = experiments.remove(0);
    match experiments.iter().find(|other| network(other) != network(&first)) {
        None => Ok(first),
        Some(other) => bail!(
            "the arm `{arm}` is one network in {first} and another in {other}: choose with `--figure {first}` or \
             `--figure {other}`",
            first = first.figure,
            other = other.figure,
        ),
    }
}

/// An error about the option's value that names the option.
fn told(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::Value { given, message, .. } => anyhow::anyhow!("`--encoder {given}`: {message}"),
        other => other.into(),
    }
}

/// The parts of the network, one per line.
fn in_words(architecture: &Architecture) -> Vec<String> {
    let Architecture { network, head, observation: [height, width, channels], actions, .. } = architecture;
    vec![
        format!("body {}", network.body),
        format!("encoder {}, hidden width {}, {actions} actions", network.encoder, network.hidden),
        format!("observations of {height} x {width} pixels and {channels} channels; head {head}"),
    ]
}
