//! The figures of a report.

use super::sections::{grouped, sections};
use super::{ArmReport, Judgement, Outcome, Report};
use crate::normalise;
use crate::plot::{Curves, Heading, Level, Line, Panel, Point, Row, RowGroup, Rows, Section, Shape};
use crate::statistics::{self, Bootstrap, Estimate, Interval, Runs, Scores, Streams, Tasks, average};
use softmoe_config::{AgentSteps, Game, RANDOM_ARM};
use std::collections::BTreeMap;

fn heading(title: &str, runs: &str, drawn: &str) -> Heading {
    Heading { title: title.to_owned(), caption: format!("{runs} · {drawn}") }
}

/// Rows of the arms that `shape` draws, under the titles of their groups.
fn rows_of_arms(
    report: &Report,
    shape: impl Fn(&ArmReport) -> Option<(Shape, Option<Estimate>)>,
) -> Vec<RowGroup> {
    let row = |arm: &&ArmReport| {
        let (shape, estimate) = shape(arm)?;
        let (detail, outcome) = (String::new(), String::new());
        Some(Row { label: arm.label.clone(), detail, shape, estimate, region: None, outcome })
    };
    let groups = grouped(report).into_iter().map(|(title, arms)| RowGroup {
        title: title.to_owned(),
        rows: arms.iter().filter_map(row).collect(),
    });
    groups.filter(|group| !group.rows.is_empty()).collect()
}

/// Interquartile mean of every arm.
pub fn bars(report: &Report) -> Rows {
    let of = |arm: &ArmReport| arm.summary.map(|summary| summary.interquartile_mean);
    let reference = report.arms.iter().find(|arm| arm.label == report.reference).and_then(of);
    Rows {
        heading: heading(&report.title, &report.caption, "bars: IQM with 95% stratified bootstrap interval"),
        measure: normalise::axis(&report.games, report.reference_words()),
        reference: reference.map(|estimate| estimate.point),
        groups: rows_of_arms(report, |arm| Some((Shape::Bar(arm.mark?), of(arm)))),
    }
}

/// Probability of every arm to be better than its reference.
pub fn improvement(report: &Report) -> Rows {
    Rows {
        heading: heading(
            &report.title,
            &report.caption,
            "points: probability of improvement with 95% stratified bootstrap interval",
        ),
        measure: format!("probability that a run scores higher than one of {}", report.reference_words()),
        reference: Some(0.5),
        groups: rows_of_arms(report, |arm| {
            let compared = report.normalisation.reference_of(&arm.name) != arm.name;
            compared.then_some((Shape::Point(arm.mark?), arm.improvement))
        }),
    }
}

/// The judgement of every rule: difference, interval, and the differences under which the rule holds.
pub fn forest(report: &Report) -> Rows {
    let row = |judgement: &Judgement| Row {
        label: judgement.says.clone(),
        detail: judgement.difference.clone(),
        shape: match judgement.outcome {
            Outcome::Supported | Outcome::Contradicted => Shape::Filled,
            _ => Shape::Hollow,
        },
        estimate: judgement.estimate,
        region: Some(Interval { low: judgement.range.0, high: judgement.range.1 }),
        outcome: judgement.outcome.to_string(),
    };
    let group = |title: &str, rows: Vec<Row>| RowGroup { title: title.to_owned(), rows };
    let premise: Vec<Row> = report.verdict.premise.iter().map(row).collect();
    let rules: Vec<Row> = report.verdict.judgements.iter().map(row).collect();
    let groups = match premise.is_empty() {
        true => vec![group("", rules)],
        false => vec![group("Premise", premise), group("Rules", rules)],
    };
    // A title may be a question.
    let mark = if report.title.ends_with('?') { "" } else { ":" };
    let title = format!("{}{mark} {}", report.title, report.verdict.sentence());
    let drawn = "points: difference with its t interval (90% with a margin, else 95%), filled if decided; shaded: where the \
                 rule holds";
    Rows {
        heading: heading(&title, &report.caption, drawn),
        measure: match report.normalisation.is_interquartile() {
            true => "difference of interquartile means of normalised scores".to_owned(),
            false => "difference of mean normalised scores".to_owned(),
        },
        reference: Some(0.0),
        groups,
    }
}

/// Largest number of lines whose bands can be told apart in one panel of returns, which cross often.
const MOST_BANDS: usize = 4;

/// Evaluation return of every arm over the course of training: a section for each group of arms, a panel for each game.
pub fn curves(report: &Report, bootstrap: &Bootstrap, streams: Streams) -> Curves {
    let games = report.games.iter();
    let found: Vec<BTreeMap<&str, Vec<Point>>> = games
        .map(|&game| of_all(report, |arm| points(report, &arm.name, game, bootstrap, streams)))
        .collect();
    let mut crowded = false;
    let mut parts = Vec::new();
    for (title, arms) in sections(report) {
        let crowd = arms.iter().filter(|arm| arm.runs > 0).count() > MOST_BANDS;
        crowded |= crowd;
        let panel = |(&game, found): (&Game, &BTreeMap<&str, Vec<Point>>)| {
            let mut lines = lines(&arms, found);
            for line in lines.iter_mut().filter(|line| crowd && line.label != report.reference) {
                line.points.iter_mut().for_each(|point| point.band = None);
            }
            let random = report.collection.mean_score(RANDOM_ARM, game);
            let level = random.map(|value| Level { label: format!("{RANDOM_ARM} policy"), value });
            Panel { title: game.name().replace('_', " "), lines, level }
        };
        parts.push(Section { title, panels: report.games.iter().zip(&found).map(panel).collect() });
    }
    let whose = if crowded {
        format!("bands (in panels of more than {MOST_BANDS} lines only that of {})", report.reference)
    } else {
        "bands".to_owned()
    };
    let raw = report.arms.iter().filter(|arm| arm.mark.is_some()).flat_map(|arm| &arm.raw);
    let drawn = match raw.map(|raw| raw.runs).max().unwrap_or(0) {
        0 | 1 => "one seed a line".to_owned(),
        2 => format!("lines: mean over seeds; {whose}: lowest and highest seed"),
        _ => format!("lines: mean over seeds; {whose}: 95% bootstrap interval of the mean"),
    };
    Curves {
        heading: heading(&report.title, &report.caption_of_all_games, &drawn),
        across: "agent steps".to_owned(),
        up: "mean evaluation return".to_owned(),
        sections: parts,
    }
}

/// Interquartile mean of the normalised returns over the course of training: a panel for each group of arms.
pub fn efficiency(report: &Report, bootstrap: &Bootstrap, streams: Streams) -> Curves {
    let points = |arm: &ArmReport| {
        let (steps, scores): (Vec<AgentSteps>, Vec<Scores>) =
            report.normalisation.steps(&report.collection, &arm.name).into_iter().unzip();
        let mut generator = streams.generator(&[&arm.name, "efficiency"]);
        let estimates = bootstrap.sample_efficiency(&scores, &mut generator);
        steps.into_iter().zip(estimates).map(|(steps, estimate)| point(steps.0 as f64, estimate)).collect()
    };
    Curves {
        heading: heading(
            &report.title,
            &report.caption,
            "lines: IQM of the normalised evaluation returns; bands: 95% stratified bootstrap interval",
        ),
        across: "agent steps".to_owned(),
        up: "IQM of normalised return".to_owned(),
        sections: vec![one_panel_each(report, points)],
    }
}

/// Thresholds of a performance profile.
const THRESHOLDS: usize = 81;

/// Performance profiles: the share of runs above each normalised score; a panel for each group of arms.
pub fn profiles(report: &Report, bootstrap: &Bootstrap, streams: Streams) -> Curves {
    let learners = report.arms.iter().filter(|arm| arm.mark.is_some());
    let all =
        learners.filter_map(|arm| report.normalisation.scores(&arm.name)).flat_map(|scores| scores.pooled());
    let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), score| (low.min(score), high.max(score)));
    let step = (high - low) / (THRESHOLDS - 1) as f64;
    let thresholds: Vec<f64> = (0..THRESHOLDS).map(|k| low + step * k as f64).collect();
    let points = |arm: &ArmReport| {
        let Some(scores) = report.normalisation.scores(&arm.name) else { return Vec::new() };
        let mut generator = streams.generator(&[&arm.name, "profile"]);
        let shares = bootstrap.performance_profile(&scores, &thresholds, &mut generator);
        thresholds.iter().zip(shares).map(|(&threshold, share)| point(threshold, share)).collect()
    };
    Curves {
        heading: heading(
            &report.title,
            &report.caption,
            "lines: share of the runs of all games above a normalised score; bands: 95% stratified bootstrap interval",
        ),
        across: "normalised score".to_owned(),
        up: "share of runs above".to_owned(),
        sections: vec![one_panel_each(report, points)],
    }
}

/// The points of every learner, by the arm's name.
fn of_all(report: &Report, points: impl Fn(&ArmReport) -> Vec<Point>) -> BTreeMap<&str, Vec<Point>> {
    let learners = report.arms.iter().filter(|arm| arm.mark.is_some());
    learners.map(|arm| (arm.name.as_str(), points(arm))).collect()
}

/// A panel for each group of arms, with the lines that `points` makes.
fn one_panel_each(report: &Report, points: impl Fn(&ArmReport) -> Vec<Point>) -> Section {
    let found = of_all(report, points);
    let panel =
        |(title, arms): (String, Vec<&ArmReport>)| Panel { title, lines: lines(&arms, &found), level: None };
    Section { title: String::new(), panels: sections(report).into_iter().map(panel).collect() }
}

/// The lines of `arms` through the points that were `found`, without those that have no points.
fn lines(arms: &[&ArmReport], found: &BTreeMap<&str, Vec<Point>>) -> Vec<Line> {
    let line = |arm: &&ArmReport| {
        let points = found.get(arm.name.as_str()).filter(|points| !points.is_empty())?;
        Some(Line { label: arm.label.clone(), mark: arm.mark?, points: points.clone() })
    };
    arms.iter().filter_map(line).collect()
}

fn point(x: f64, Estimate { point, interval }: Estimate) -> Point {
    Point { x, y: point, band: interval }
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
        let estimate = mean_and_band(values, bootstrap, &mut generator);
        points.push(point(agent_steps.0 as f64, estimate));
    }
    points
}

/// The mean of `values` with its interval; with two values, their range.
fn mean_and_band(values: Vec<f64>, bootstrap: &Bootstrap, generator: &mut impl rand::Rng) -> Estimate {
    let point = average(&values);
    let interval = match values.as_slice() {
        [_] => None,
        [a, b] => Some(Interval { low: a.min(*b), high: a.max(*b) }),
        _ => Scores::by_task(Tasks(vec![Runs(values)])).ok().and_then(|scores| {
            let [mean] = bootstrap.estimates([&scores], |drawn| [statistics::mean(&drawn[0])], generator);
            mean.interval
        }),
    };
    Estimate { point, interval }
}
