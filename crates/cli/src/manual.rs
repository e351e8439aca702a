//! Shell completions and manual pages.

use crate::cli;
use crate::front_end::FrontEnd;
use crate::{catalog, output};
use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use softmoe_atari::AtariGame;
use softmoe_config::Experiment;
use softmoe_config::setting::settable;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The profile with the fewest runs.
const SMALLEST_PROFILE: &str = "smoke";

/// Prints the completions of `shell`.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let name = match FrontEnd::this() {
        // The user's shell function for `cargo xtask`.
        FrontEnd::Workspace => "xtask",
        FrontEnd::Installed => "softmoe",
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(cli::command())?, name, &mut script);
    output::line(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
    Ok(())
}

/// Writes the manual pages into `directory`.
pub(crate) fn pages(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let command = cli::command().name(FrontEnd::this().name().replace(' ', "-"));
    let written = || format!("cannot write the manual pages to {}", directory.display());
    clap_mangen::generate_to(command, directory).with_context(written)?;
    output::line(format_args!("The manual pages are in {}", directory.display()));
    Ok(())
}

/// The command with the names that a shell can offer as the values of its arguments. The tasks still check the values, and their messages
/// suggest the nearest name.
fn with_names(command: Command) -> Result<Command> {
    let figures = catalog::figures()?;
    let experiments: Vec<Experiment> =
        figures.iter().map(|figure| catalog::experiment(figure)).collect::<Result<_>>()?;
    let arms: BTreeSet<&str> =
        experiments.iter().flat_map(|experiment| &experiment.arms).map(|arm| arm.name.as_str()).collect();
    let profiles: BTreeSet<&str> =
        experiments.iter().flat_map(|experiment| experiment.profiles.keys()).map(String::as_str).collect();
    let games: BTreeSet<String> = experiments
        .iter()
        .flat_map(|experiment| experiment.profiles.values())
        .flat_map(|profile| profile.games.names())
        .map(str::to_owned)
        .chain(AtariGame::ALL.iter().map(|game| game.name().to_owned()))
        .collect();
    let offered = |names: &mut dyn Iterator<Item = &str>| {
        PossibleValuesParser::new(names.map(str::to_owned).collect::<Vec<_>>())
    };
    let figure = offered(&mut figures.iter().map(String::as_str).chain(["all"]));
    let (arm, profile) = (offered(&mut arms.iter().copied()), offered(&mut profiles.iter().copied()));
    let game = offered(&mut games.iter().map(String::as_str));
    let keys = settings(&experiments)?;
    let key = offered(&mut keys.iter().map(String::as_str));
    let with_name = move |argument: Arg| {
        let names = match argument.get_id().as_str() {
            "figure" => &figure,
            "arm" | "arms" | "network" => &arm,
            "profile" => &profile,
            "game" | "games" => &game,
            "set" | "sweep" => &key,
            "out" | "merge" | "left" | "right" | "directory" | "venv" => {
                return argument.value_hint(ValueHint::AnyPath);
            }
            _ => return argument,
        };
        argument.value_parser(names.clone()).hide_possible_values(true)
    };
    Ok(command.mut_subcommands(|task| task.mut_args(with_name.clone())))
}

/// Beginnings of settings, e.g. `agent.n_step=`, of every arm in the smallest profile.
fn settings(experiments: &[Experiment]) -> Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for experiment in experiments {
        let Some(profile) = experiment.profiles.get(SMALLEST_PROFILE) else { continue };
        let arms: Vec<&str> = experiment.arms_for(profile).collect();
        for run in experiment.resolve(SMALLEST_PROFILE, profile, &arms)? {
            keys.extend(settable(&run).into_iter().map(|key| key + "="));
        }
    }
    Ok(keys)
}
