//! What a plan can decide: how often each rule could be supported.

use softmoe_config::words::share;
use softmoe_config::{Experiment, Profile, SEED_SPREAD};
use softmoe_statistics::{Uncertainty, power_in_words};

/// Each rule, the premise first, and how often it could be supported with the games and seeds of `profile`; a single line where
/// nothing can be.
pub(crate) fn lines(experiment: &Experiment, profile: &Profile) -> Vec<String> {
    let (games, relative) = (profile.games.with_a_scale().0.len(), profile.games.is_human_normalised());
    let seeds = usize::try_from(profile.seeds).unwrap_or(usize::MAX);
    let rules = || experiment.premise.iter().chain(experiment.rules_for(profile));
    let label = |arm: &str| experiment.arm(arm).map_or_else(|_| arm.to_owned(), |arm| arm.label.clone());
    let line = |rule: &softmoe_config::Rule| {
        let weights: Vec<f64> = rule.terms().into_iter().map(|(weight, _)| weight).collect();
        let planned = Uncertainty::planned(&weights, games, seeds, SEED_SPREAD)?;
        let truth = rule.assumed(experiment.effect);
        let power = planned.power(rule.range(), truth, rule.confidence());
        let reference = rule.arms().first().map(|arm| label(experiment.reference_of(arm)));
        let unit = reference.as_deref().filter(|_| relative);
        let truth = (truth != 0.0).then(|| share(truth, unit));
        Some(format!("{}: {}", rule.says(), power_in_words(power, truth.as_deref())))
    };
    let lines: Vec<String> = rules().filter_map(line).collect();
    if lines.is_empty() && rules().next().is_some() {
        return match games {
            0 => vec![
                "nothing: no human score of the games is published, so scores cannot be normalised"
                    .to_owned(),
            ],
            _ => vec!["nothing: a single run has no interval (`--seeds 3`)".to_owned()],
        };
    }
    lines
}
