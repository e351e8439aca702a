//! The report as data, from the same values as its other files.

use super::cost::Cost;
use super::data::*;
use super::diagnostics::diagnostics;
use super::numbers::{rounded, thin};
use super::origin::{provenance, settings};
use super::{ArmReport, Judgement, Report, table};
use crate::normalise::Measure;
use crate::plot::{Curves, Line, Panel, Row, Rows, Shape};
use crate::statistics::Estimate;

/// The pictures of a report, as they are drawn.
pub(super) struct Drawn {
    pub(super) figure: Rows,
    pub(super) rules: Option<Rows>,
    pub(super) improvement: Rows,
    pub(super) curves: Curves,
    pub(super) efficiency: Curves,
    pub(super) profiles: Curves,
}

/// The data of `report`, whose pictures are `drawn`.
pub(super) fn data(report: &Report, drawn: &Drawn) -> FigureData {
    let verdict = &report.verdict;
    let results = Results {
        games: report.games.iter().map(|game| game.name().to_owned()).collect(),
        reference: report.reference.clone(),
        agent_steps: report.agent_steps.0,
        scale: report.scale(),
        caution: report.caution.clone(),
        notes: table::with_constant_note(report.notes.iter().cloned()),
        deviations: report.leaves_out.clone(),
        verdict: VerdictData {
            claim: verdict.claim.clone(),
            outcome: verdict.outcome.to_string(),
            sentence: verdict.sentence(),
            method: table::method(report),
            premise: verdict.premise.as_ref().map(rule),
            rules: verdict.judgements.iter().map(rule).collect(),
        },
        arms: report.arms.iter().map(|of| arm(report, of)).collect(),
        scores: scores(report),
        tables: Tables { scores: table::scores_text(report), cost: table::cost_text(report) },
        pictures: Pictures {
            figure: rows(&drawn.figure),
            rules: drawn.rules.as_ref().map(rows),
            improvement: rows(&drawn.improvement),
            curves: curves(&drawn.curves),
            efficiency: curves(&drawn.efficiency),
            profiles: curves(&drawn.profiles),
        },
        diagnostics: diagnostics(report),
        settings: settings(report),
        provenance: provenance(report),
    };
    FigureData {
        format: FORMAT,
        figure: report.figure.clone(),
        profile: report.profile.clone(),
        title: report.title.clone(),
        purpose: report.purpose.clone(),
        caption: report.caption.clone(),
        results: Some(results),
        networks: Vec::new(),
    }
}

fn rule(of: &Judgement) -> RuleData {
    RuleData {
        says: of.says.clone(),
        difference: of.difference.clone(),
        supported_if: of.asks.clone(),
        estimate: of.estimate.map(estimate),
        value: table::value(of),
        confidence: of.confidence,
        p_value: of.p_value,
        outcome: of.outcome.to_string(),
        why: of.why.clone(),
        power: of.power.clone(),
    }
}

fn estimate(Estimate { point, interval }: Estimate) -> EstimateData {
    let (low, high) = interval.map_or((None, None), |interval| (Some(interval.low), Some(interval.high)));
    EstimateData { value: point, low, high }
}

fn arm(report: &Report, of: &ArmReport) -> ArmData {
    let raw = |raw: &super::Raw| ReturnData {
        runs: raw.runs,
        mean: (raw.runs > 0).then_some(raw.mean),
        deviation: raw.deviation,
    };
    let cost = |Cost { parameters, multiply_adds, update_seconds }| CostData {
        parameters,
        multiply_adds,
        update_seconds,
    };
    ArmData {
        name: of.name.clone(),
        label: of.label.clone(),
        group: of.group.clone(),
        mark: of.mark,
        runs: of.runs,
        iqm: of.summary.map(|summary| estimate(summary.interquartile_mean)),
        second_half: of.second_half.map(estimate),
        mean: of.summary.map(|summary| estimate(summary.mean)),
        median: of.summary.map(|summary| estimate(summary.median)),
        optimality_gap: of.summary.map(|summary| estimate(summary.optimality_gap)),
        improvement: of.improvement.map(estimate),
        returns: of.raw.iter().map(raw).collect(),
        cost: Cost::of(report, &of.name).map(cost),
    }
}

fn scores(report: &Report) -> Vec<ScoreData> {
    let score = |run: &crate::collect::FinishedRun| ScoreData {
        arm: run.name.arm.clone(),
        game: run.name.game.name().to_owned(),
        seed: run.name.seed,
        agent_steps: run.agent_steps.0,
        score: run.score,
        second_half: Measure::SecondHalf.of(run),
    };
    report.collection.finished.iter().map(score).collect()
}

fn rows(picture: &Rows) -> RowsData {
    let (range, ticks, precision) = picture.scale();
    let end = |value: f64| value.is_finite().then(|| rounded(value));
    let row = |row: &Row| {
        let (shape, mark) = match row.shape {
            Shape::Bar(mark) => ("bar", Some(mark)),
            Shape::Point(mark) => ("point", Some(mark)),
            Shape::Filled => ("filled", None),
            Shape::Hollow => ("hollow", None),
        };
        RowData {
            label: row.label.clone(),
            detail: row.detail.clone(),
            shape: shape.to_owned(),
            mark,
            estimate: row.estimate.map(estimate),
            value: row.value(precision),
            region: row.region.map(|region| [end(region.low), end(region.high)]),
            outcome: row.outcome.clone(),
        }
    };
    let group = |group: &crate::plot::RowGroup| RowGroupData {
        title: group.title.clone(),
        rows: group.rows.iter().map(row).collect(),
    };
    RowsData {
        caption: picture.heading.caption.clone(),
        measure: picture.measure.clone(),
        range: [range.start, range.end],
        ticks: ticks.into_iter().map(|(at, label)| (rounded(at), label)).collect(),
        reference: picture.reference,
        groups: picture.groups.iter().map(group).collect(),
    }
}

/// Most points of all lines of a picture together, and the fewest and most of a line.
const MOST_POINTS: usize = 40_000;
const POINTS: (usize, usize) = (15, 201);

fn curves(picture: &Curves) -> CurvesData {
    let panels = || picture.sections.iter().flat_map(|section| &section.panels);
    let lengths = || panels().flat_map(|panel| &panel.lines).map(|line| line.points.len());
    let most = (MOST_POINTS / lengths().count().max(1)).clamp(POINTS.0, POINTS.1);
    let panel = |panel: &Panel| PanelData {
        title: panel.title.clone(),
        level: panel.level.as_ref().map(|level| (level.label.clone(), rounded(level.value))),
        lines: panel.lines.iter().map(|of| line(of, most)).collect(),
    };
    let section = |section: &crate::plot::Section| CurveSectionData {
        title: section.title.clone(),
        panels: section.panels.iter().map(panel).collect(),
    };
    CurvesData {
        caption: picture.heading.caption.clone(),
        across: picture.across.clone(),
        up: picture.up.clone(),
        thinned: lengths().max().unwrap_or(0).saturating_sub(most),
        sections: picture.sections.iter().map(section).collect(),
    }
}

fn line(of: &Line, most: usize) -> LineData {
    let points: Vec<_> = thin(of.points.len(), most).into_iter().map(|at| of.points[at]).collect();
    let has_band = points.iter().any(|point| point.band.is_some());
    let end = |end: fn(crate::statistics::Interval) -> f64| match has_band {
        true => points.iter().map(|point| point.band.map(|band| rounded(end(band)))).collect(),
        false => Vec::new(),
    };
    LineData {
        label: of.label.clone(),
        mark: of.mark,
        x: points.iter().map(|point| rounded(point.x)).collect(),
        y: points.iter().map(|point| rounded(point.y)).collect(),
        low: end(|band| band.low),
        high: end(|band| band.high),
    }
}
