//! What the networks cost, beside what they score.

use super::Report;
use softmoe_config::RANDOM_ARM;
use softmoe_config::words::thousands;

/// Cost of an arm's network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Parameters of the network.
    pub parameters: usize,
    /// Multiply-adds in the forward pass of one observation; `None` where they are not known.
    pub multiply_adds: Option<u64>,
    /// Seconds of an update, the mean over runs; `None` without times.
    pub update_seconds: Option<f64>,
}

impl Cost {
    /// The cost of `arm`, from its finished runs; `None` without one, and for the random policy.
    pub(super) fn of(report: &Report, arm: &str) -> Option<Self> {
        let runs =
            || report.collection.finished.iter().filter(|run| run.name.arm == arm && arm != RANDOM_ARM);
        let first = runs().next()?;
        let times: Vec<f64> = runs().filter_map(|run| run.update_seconds).collect();
        Some(Cost {
            parameters: first.parameters,
            multiply_adds: first.config.architecture(0).and_then(|architecture| architecture.multiply_adds()),
            update_seconds: (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64),
        })
    }
}

/// The table of costs: rows of cells, the header first. Empty without runs.
pub(super) fn rows(report: &Report) -> Vec<Vec<String>> {
    let dash = || "–".to_owned();
    let mut rows = Vec::new();
    for arm in &report.arms {
        let Some(cost) = Cost::of(report, &arm.name) else { continue };
        rows.push(vec![
            arm.label.clone(),
            arm.summary.map_or_else(dash, |summary| summary.interquartile_mean.to_string()),
            thousands(cost.parameters),
            cost.multiply_adds.map_or_else(dash, thousands),
            cost.update_seconds.map_or_else(dash, |seconds| format!("{:.2}", seconds * 1e3)),
        ]);
    }
    if !rows.is_empty() {
        let header = ["arm", "IQM", "parameters", "multiply-adds", "ms an update"].map(str::to_owned);
        rows.insert(0, header.into());
    }
    rows
}
