//! The figures of a report.

use super::Report;
use crate::plot::{Bar, Bars, Curves, Line, Mark, Panel, Point};
use crate::statistics::{Bootstrap, Interval, Runs, Scores, Tasks};
use rand::Rng;
use softmoe_spec::{AgentSteps, Game, RANDOM_ARM};
use std::collections::BTreeMap;

/// Interquartile mean of every arm.
pub fn bars(report: &Report) -> Bars {
    let bars = report.arms.iter().filter_map(|arm| {
        let estimate = arm.summary.map(|summary| summary.interquartile_mean);
        Some(Bar { label: arm.label.clone(), mark: arm.mark?, estimate })
    });
    Bars {
        title: report.title.clone(),
        caption: format!("{} · bars: IQM with 95% stratified bootstrap interval", report.caption),
        measure: format!(
            "IQM of normalised score (0: random policy, 1: mean of {} in each game)",
            report.reference
        ),
        bars: bars.collect(),
    }
}

/// Evaluation return of every arm over the course of training.
pub fn curves(report: &Report, bootstrap: &Bootstrap, generator: &mut impl Rng) -> Curves {
    let mut panels = Vec::new();
    for &game in &report.games {
        let mut lines = Vec::new();
        for arm in &report.arms {
            let Some(mark) = arm.mark else { continue };
            let points = points(report, &arm.name, game, bootstrap, generator);
            if !points.is_empty() {
                lines.push(Line { label: arm.label.clone(), mark, points });
            }
        }
        panels.push(Panel { title: game.name().replace('_', " "), lines, random: random(report, game) });
    }
    let most = report.games.iter().flat_map(|&game| report.arms.iter().map(move |arm| (arm, game)));
    let most = most.map(|(arm, game)| match arm.mark {
        Some(Mark::Reference | Mark::Arm(_)) => report.collection.of(&arm.name, game).count(),
        None => 0,
    });
    let band = match most.max().unwrap_or(0) {
        0 | 1 => "one seed a line",
        2 => "lines: mean over seeds; bands: lowest and highest seed",
        _ => "lines: mean over seeds; bands: 95% bootstrap interval of the mean",
    };
    Curves { title: report.title.clone(), caption: format!("{} · {band}", report.caption), panels }
}

/// The random policy's mean score on `game`.
fn random(report: &Report, game: Game) -> Option<f64> {
    let scores = report.collection.scores(RANDOM_ARM, game);
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// Mean and band at the agent steps at which every run of `arm` on `game` was evaluated.
fn points(
    report: &Report,
    arm: &str,
    game: Game,
    bootstrap: &Bootstrap,
    generator: &mut impl Rng,
) -> Vec<Point> {
    let mut evaluations: BTreeMap<AgentSteps, Vec<f64>> = BTreeMap::new();
    let mut runs = 0;
    for run in report.collection.of(arm, game).filter(|run| !run.curve.is_empty()) {
        runs += 1;
        for &(agent_steps, value) in &run.curve {
            evaluations.entry(agent_steps).or_default().push(value);
        }
    }
    evaluations.retain(|_, values| values.len() == runs);
    let mut points = Vec::new();
    for (agent_steps, values) in evaluations {
        let (mean, band) = mean_and_band(values, bootstrap, generator);
        points.push(Point { agent_steps: agent_steps.0 as f64, mean, band });
    }
    points
}

/// The mean of `values`, and its interval or, of two values, their range.
fn mean_and_band(
    values: Vec<f64>,
    bootstrap: &Bootstrap,
    generator: &mut impl Rng,
) -> (f64, Option<Interval>) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let band = match values.as_slice() {
        [_] => None,
        [a, b] => Some(Interval { low: a.min(*b), high: a.max(*b) }),
        _ => Scores::by_task(Tasks(vec![Runs(values)]))
            .ok()
            .and_then(|scores| bootstrap.summary(&scores, generator).mean.interval),
    };
    (mean, band)
}
