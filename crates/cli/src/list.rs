//! `cargo xtask list`: the figures with their runs and times, or one figure with its arms, rules and settings.

use crate::cli::ListOptions;
use crate::estimate::Rates;
use crate::plan::cores;
use crate::speed::Speed;
use crate::time::time;
use crate::{catalog, front_end, output};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use softmoe_config::words::{count, thousands};
use softmoe_config::{Experiment, Profile, RANDOM_ARM};

/// Prints what the options ask for.
pub(crate) fn list(options: &ListOptions) -> Result<()> {
    match &options.figure {
        Some(figure) => one(&catalog::experiment(figure)?),
        None => all(),
    }
}

/// Prints every figure with its profiles and arms.
fn all() -> Result<()> {
    let speed = Speed::of_this_machine();
    for figure in catalog::figures()? {
        let experiment = catalog::experiment(&figure)?;
        output::line(format_args!("{figure}: {}", experiment.title));
        sizes(&experiment, speed)?;
        output::wrapped(8, &format!("  arms: {}", names(&experiment).join(", ")));
    }
    output::line(format_args!(
        "\nTimes are about those of {}, each figure by itself: runs that figures share are trained once. {}",
        count(cores(), "core"),
        if speed.is_measured {
            "They follow from multiply-adds and the speed of this machine."
        } else {
            "They follow from multiply-adds at the speed of a slow machine; this one is measured once the worker is built."
        }
    ));
    let name = front_end::name();
    output::line(format_args!(
        "Run one with `{name} reproduce FIGURE --profile NAME`, every one with `{name} reproduce all`. Arms, rules and settings: \
         `{name} list FIGURE`; a network: `{name} describe ARM`."
    ));
    Ok(())
}

/// Prints a figure with its arms, rules and settings.
fn one(experiment: &Experiment) -> Result<()> {
    output::line(format_args!("{}: {}", experiment.figure, experiment.title));
    output::wrapped(4, &format!("  claim: {}", experiment.claim));
    output::line(format_args!("\nArms (compared with {}):", experiment.reference));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for arm in &experiment.arms {
        let mut own: Vec<String> = vec![arm.body.to_string()];
        own.extend(arm.agent.map(|agent| format!("agent {agent}")));
        own.extend(arm.encoder.map(|encoder| format!("encoder {encoder}")));
        own.extend(arm.intervention.map(|intervention| intervention.to_string()));
        own.extend(arm.set.iter().cloned());
        own.extend(arm.reference.as_ref().map(|reference| format!("compared with {reference}")));
        table.add_row([arm.name.clone(), arm.label.clone(), own.join(", ")]);
    }
    output::line(format_args!("{table}"));
    if !experiment.profiles.is_empty() {
        output::line(format_args!("\nRules, fixed before any run:"));
        if let Some(premise) = &experiment.premise {
            output::wrapped(4, &format!("  premise: {}", premise.says()));
        }
        for rule in &experiment.rules {
            let margin = rule.margin().map_or_else(String::new, |margin| format!(" (margin {margin})"));
            output::wrapped(4, &format!("  - {}{margin}", rule.says()));
        }
        if experiment.rules.is_empty() {
            output::line(format_args!("  none: nothing is judged"));
        }
    }
    output::line(format_args!("\nSizes:"));
    sizes(experiment, Speed::of_this_machine())?;
    for (name, profile) in &experiment.profiles {
        output::line(format_args!("\nProfile {name}:"));
        output::wrapped(4, &format!("  {}", profile.purpose));
        settings(profile).iter().for_each(|line| output::wrapped(4, &format!("  {line}")));
        profile.leaves_out().iter().for_each(|sentence| output::wrapped(6, &format!("    - {sentence}")));
    }
    Ok(())
}

/// Prints the size and time of each profile, or each drawing.
fn sizes(experiment: &Experiment, speed: Speed) -> Result<()> {
    for (name, profile) in &experiment.profiles {
        let arms: Vec<&str> = experiment.arms_of(profile).collect();
        let runs = experiment.resolve(name, profile, &arms)?;
        let mut rates = Rates::default();
        let mut left = Vec::new();
        for run in &runs {
            if let Some(seconds) = speed.seconds_a_step(run) {
                rates.plan(&run.arm, seconds);
            }
            let steps = if run.arm == RANDOM_ARM { 0 } else { run.training.agent_steps.0 };
            left.push((run.arm.as_str(), steps as f64));
        }
        let about = rates
            .seconds(&left, cores())
            .map_or("unknown time".into(), |seconds| format!("about {}", time(seconds)));
        let sizes = [
            count(arms.len(), "arm"),
            count(profile.games.list().len(), "game"),
            count(profile.seeds, "seed"),
        ];
        output::line(format_args!(
            "  profile {name}: {} ({}), {about}",
            count(runs.len(), "run"),
            sizes.join(" x ")
        ));
    }
    for (name, drawing) in &experiment.drawings {
        output::wrapped(4, &format!("  drawing {name}: {}", drawing.purpose));
    }
    Ok(())
}

/// The settings of a profile, in lines.
fn settings(profile: &Profile) -> Vec<String> {
    let mut lines = vec![
        match profile.games.set() {
            Some(set) => format!("games {}: {}", set.name(), profile.games.names().join(", ")),
            None => format!("games {}", profile.games.names().join(", ")),
        },
        format!(
            "{} agent steps, {} of {}, the last of {}",
            thousands(profile.agent_steps.0),
            count(profile.evaluations, "evaluation"),
            count(profile.evaluation_episodes, "episode"),
            count(profile.final_evaluation_episodes, "episode")
        ),
        format!("agent {}, encoder {}, hidden width {}", profile.agent, profile.encoder, profile.hidden),
    ];
    lines.extend(profile.set_of.iter().map(|(algorithm, set)| format!("{algorithm}: {}", set.join(", "))));
    if !profile.set.is_empty() {
        lines.push(format!("all: {}", profile.set.join(", ")));
    }
    if !profile.without.is_empty() {
        lines.push(format!("without the arms {}", profile.without.join(", ")));
    }
    lines
}

/// The names of the arms that are run or drawn.
fn names(experiment: &Experiment) -> Vec<&str> {
    let has_runs = |name: &&str| *name != RANDOM_ARM || !experiment.profiles.is_empty();
    experiment.arm_names().filter(has_runs).collect()
}
