//! The figures of a report.

use super::Report;
use crate::normalise;
use crate::plot::{Bar, Bars, Curves, Line, Mark, Panel, Point};
use crate::statistics::{Bootstrap, Interval, Runs, Scores, Streams, Tasks, average};
use softmoe_config::{AgentSteps, Game, RANDOM_ARM};
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
        measure: normalise::axis(&report.games, report.reference_words()),
        bars: bars.collect(),
    }
}

/// Largest number of arms whose bands can be told apart in one panel.
const MOST_BANDS: usize = 4;

/// Evaluation return of every arm over the course of training.
pub fn curves(report: &Report, bootstrap: &Bootstrap, streams: Streams) -> Curves {
    let mut panels = Vec::new();
    for &game in &report.games {
        let mut lines = Vec::new();
        for arm in &report.arms {
            let Some(mark) = arm.mark else { continue };
            let points = points(report, &arm.name, game, bootstrap, streams);
            if !points.is_empty() {
                lines.push(Line { label: arm.label.clone(), mark, points });
            }
        }
        panels.push(Panel {
            title: game.name().replace('_', " "),
            lines,
            random: report.collection.mean_score(RANDOM_ARM, game),
        });
    }
    let learners = || report.arms.iter().filter(|arm| arm.mark.is_some());
    // Many overlapping bands hide the lines.
    let crowded = learners().filter(|arm| arm.runs > 0).count() > MOST_BANDS;
    let whose = if crowded { format!("band of {}", report.reference) } else { "bands".to_owned() };
    for line in panels.iter_mut().flat_map(|panel| &mut panel.lines) {
        if crowded && line.mark != Mark::Reference {
            line.points.iter_mut().for_each(|point| point.band = None);
        }
    }
    let most = learners().flat_map(|arm| &arm.raw).map(|raw| raw.runs).max();
    let band = match most.unwrap_or(0) {
        0 | 1 => "one seed a line".to_owned(),
        2 => format!("lines: mean over seeds; {whose}: lowest and highest seed"),
        _ => format!("lines: mean over seeds; {whose}: 95% bootstrap interval of the mean"),
    };
    let caption = format!("{} · {band}", report.caption_of_all_games);
    Curves { title: report.title.clone(), caption, panels }
}

/// Mean and band at the agent steps at which every run of `arm` on `game` was evaluated.
fn points(report: &Report, arm: &str, game: Game, bootstrap: &Bootstrap, streams: Streams) -> Vec<Point> {
    let mut generator = streams.generator(&[arm, game.name(), "curve"]);
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
        let (mean, band) = mean_and_band(values, bootstrap, &mut generator);
        points.push(Point { agent_steps: agent_steps.0 as f64, mean, band });
    }
    points
}

/// The mean of `values` with its interval; with two values, their range.
fn mean_and_band(
    values: Vec<f64>,
    bootstrap: &Bootstrap,
    generator: &mut impl rand::Rng,
) -> (f64, Option<Interval>) {
    let mean = average(&values);
    let band = match values.as_slice() {
        [_] => None,
        [a, b] => Some(Interval { low: a.min(*b), high: a.max(*b) }),
        _ => Scores::by_task(Tasks(vec![Runs(values)]))
            .ok()
            .and_then(|scores| bootstrap.summary(&scores, generator).mean.interval),
    };
    (mean, band)
}
