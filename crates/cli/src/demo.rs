//! `cargo xtask demo`: puts trained MinAtar agents into one web page.

use crate::cli::DemoOptions;
use crate::{binaries, catalog, front_end, output, play, store, wasm};
use anyhow::{Context, Result, bail};
use softmoe_config::error::with_causes;
use softmoe_config::names::{known, nearest};
use softmoe_config::{EnvironmentConfig, RunConfig, RunDirectory};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The arms that the page shows if none are named.
const USUAL_ARMS: [&str; 3] = ["flat", "softmoe-4", "softmoe-1-x4"];

/// Writes the page.
pub(crate) fn demo(options: &DemoOptions) -> Result<()> {
    store::check_out(&options.out)?;
    let runs = if options.runs.is_empty() { chosen(options)? } else { named(&options.runs)? };
    let page = options.file.clone().unwrap_or_else(|| options.out.join("demo").join("index.html"));
    let is_page = page.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    if !is_page {
        bail!("`--file {}`: the file's name must end in .html", page.display());
    }
    if page.is_dir() {
        bail!("{} is a directory: name another file with `--file`", page.display());
    }
    for run in &runs {
        output::line(format_args!("{}", run.display()));
    }
    let program = match binaries::ready_file("softmoe_demo.wasm") {
        Some(program) => program,
        None => wasm::build()?,
    };
    let mut command = match binaries::ready_file(&binaries::file_name("softmoe-demo")) {
        Some(packer) => Command::new(packer),
        None => {
            let mut cargo = Command::new(binaries::cargo());
            cargo.args(["run", "--release", "--package", "softmoe-demo", "--manifest-path"]);
            cargo.arg(catalog::workspace().join("Cargo.toml")).arg("--");
            cargo
        }
    };
    command.arg("page").arg("--program").arg(&program).arg("--out").arg(std::path::absolute(&page)?);
    command.arg(format!("--bits={}", options.bits)).arg("--");
    for run in &runs {
        command.arg(std::path::absolute(run)?);
    }
    let status = command.status().context("cannot start the program that packs the page")?;
    if !status.success() {
        bail!("the page could not be written ({status})");
    }
    Ok(())
}

/// The runs at the given paths, each of which is a run's directory or contains runs.
fn named(directories: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    for given in directories {
        let found = play::runs_at(given)?;
        if found.is_empty() {
            bail!(
                "{} holds no run: name a run's directory, e.g. `runs/quick/softmoe-4/breakout/seed-0` (`{} status` lists the runs)",
                given.display(),
                front_end::name()
            );
        }
        // A single run that was named, and not one of several in a directory.
        let is_alone = found.len() == 1;
        for run in found {
            let run = run.canonicalize().with_context(|| format!("cannot find {}", run.display()))?;
            if runs.contains(&run) {
                continue;
            }
            match fit(&run) {
                Err(reason) if is_alone => bail!("{} cannot be shown: {reason}", run.display()),
                Err(reason) => {
                    output::error_line(format_args!("warning: left out {}: {reason}", run.display()))
                }
                Ok(_) => runs.push(run),
            }
        }
    }
    if runs.is_empty() {
        bail!("none of these runs can be shown");
    }
    Ok(runs)
}

/// The configuration of a run that has a place in a page; otherwise the reason why it has none.
fn fit(run: &Path) -> Result<RunConfig, String> {
    let directory = RunDirectory::new(run);
    let config = RunConfig::read(&directory.run_ron()).map_err(|error| with_causes(&error))?;
    if !matches!(config.environment, EnvironmentConfig::MinAtar { .. }) {
        return Err(format!(
            "it plays {}, and a page has the games of MinAtar only",
            config.environment.game()
        ));
    }
    if config.agent.learning().is_none() {
        return Err("the random policy has no network".into());
    }
    if !directory.weights().exists() && directory.newest_checkpoint().is_none() {
        return Err("it has no weights and no checkpoint yet".into());
    }
    Ok(config)
}

/// The finished run with the lowest seed for each requested game and arm: a rule that does not look at scores.
fn chosen(options: &DemoOptions) -> Result<Vec<PathBuf>> {
    let profile = options.out.join("runs").join(&options.profile);
    let finished = finished(&profile);
    if finished.is_empty() {
        bail!(
            "there is no finished run of MinAtar in {}{}",
            profile.display(),
            where_there_are_some(options)
        );
    }
    let arms = || finished.iter().map(|(config, _)| config.arm.as_str());
    let games = || finished.iter().map(|(config, _)| config.environment.game().name());
    let wanted_arms: Vec<&str> = match &options.arms {
        Some(given) => given.iter().map(|arm| known("arm", arm, arms())).collect::<Result<_, _>>()?,
        None => USUAL_ARMS.into_iter().filter(|usual| arms().any(|arm| arm == *usual)).collect(),
    };
    let wanted_games: Vec<&str> = match &options.games {
        Some(given) => given.iter().map(|game| known("game", game, games())).collect::<Result<_, _>>()?,
        None => games().collect(),
    };
    let mut first: BTreeMap<(&str, usize), (u64, &Path)> = BTreeMap::new();
    for (config, directory) in &finished {
        let game = config.environment.game().name();
        let place = wanted_arms.iter().position(|arm| *arm == config.arm);
        let is_asked_for =
            options.seed.is_none_or(|seed| seed == config.seed) && wanted_games.contains(&game);
        if let Some(place) = place.filter(|_| is_asked_for) {
            let run = (config.seed, directory.as_path());
            first.entry((game, place)).and_modify(|known| *known = run.min(*known)).or_insert(run);
        }
    }
    let arms_there = || arms().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    if wanted_arms.is_empty() {
        bail!(
            "{} has no finished run of {}: choose other arms with `--arms`; it has {}",
            profile.display(),
            USUAL_ARMS.join(", "),
            arms_there()
        );
    }
    if first.is_empty() {
        bail!(
            "{} has no finished run of the arms, games and seed asked for; its arms are {}",
            profile.display(),
            arms_there()
        );
    }
    Ok(first.into_values().map(|(_, directory)| directory.to_owned()).collect())
}

/// What to type where a profile has no finished run.
fn where_there_are_some(options: &DemoOptions) -> String {
    let entries = options.out.join("runs").read_dir().into_iter().flatten().flatten();
    let profiles: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let others = profiles.iter().map(String::as_str).filter(|profile| *profile != options.profile);
    if let Some(near) = nearest(&options.profile, others) {
        return format!(": did you mean `--profile {near}`?");
    }
    let name = front_end::name();
    format!(
        ": train some first, e.g. `{name} reproduce fig3`, or name runs, e.g. `{name} demo runs/quick/flat/breakout/seed-0`"
    )
}

/// The finished runs in a profile's directory that can be shown.
fn finished(profile: &Path) -> Vec<(RunConfig, PathBuf)> {
    let runs = play::runs_below(profile, 3).into_iter();
    let runs = runs.filter(|path| RunDirectory::new(path).done_ron().exists());
    runs.filter_map(|path| Some((fit(&path).ok()?, path))).collect()
}
