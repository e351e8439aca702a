//! What a plan can decide: how often each rule could be supported.

use softmoe_config::{Experiment, Profile, SEED_SPREAD};
use softmoe_statistics::{Uncertainty, power_in_words};

/// Each rule, the premise first, and how often it could be supported with the games and seeds of `profile`; a single line where
/// nothing can be.
pub(crate) fn lines(experiment: &Experiment, profile: &Profile) -> Vec<String> {
    let games = profile.games.list().len();
    let seeds = usize::try_from(profile.seeds).unwrap_or(usize::MAX);
    let rules = || experiment.premise.iter().chain(&experiment.rules);
    let line = |rule: &softmoe_config::Rule| {
        let weights: Vec<f64> = rule.terms().into_iter().map(|(weight, _)| weight).collect();
        let planned = Uncertainty::planned(&weights, games, seeds, SEED_SPREAD)?;
        let truth = rule.assumed(experiment.effect);
        let power = planned.power(rule.range(), truth, rule.confidence());
        Some(format!("{}: {}", rule.says(), power_in_words(power, truth)))
    };
    let lines: Vec<String> = rules().filter_map(line).collect();
    if lines.is_empty() && rules().next().is_some() {
        return vec!["nothing: a single run has no interval (`--seeds 3`)".to_owned()];
    }
    lines
}
