//! Charts of rows as HTML: texts in a grid, and a track on which bars, points and intervals are placed by percentages.

use super::html::{badge, kebab};
use crate::plot::Mark;
use crate::report::data::{RowData, RowsData};
use maud::{Markup, html};

/// The chart.
pub(super) fn chart(picture: &RowsData) -> Markup {
    let [low, high] = picture.range;
    let place = move |value: f64| 100.0 * ((value - low) / (high - low)).clamp(0.0, 1.0);
    let reference = picture.reference.map(place);
    html! {
        figure.rows {
            @for group in &picture.groups {
                @if !group.title.is_empty() { p.group { (group.title) } }
                ul {
                    @for row in &group.rows {
                        li.row {
                            span.name { (row.label) @if !row.detail.is_empty() { small { (row.detail) } } }
                            span.track aria-hidden="true" { (track(picture, row, reference, &place)) }
                            span.value { (row.value) @if !row.outcome.is_empty() { (badge(&row.outcome)) } }
                        }
                    }
                }
            }
            div.row.axis aria-hidden="true" {
                span.name {}
                span.track {
                    @for (at, label) in &picture.ticks { span.tick style=(format!("left:{:.2}%", place(*at))) { (label) } }
                }
                span.value {}
            }
            figcaption { (picture.measure) }
        }
    }
}

fn track(picture: &RowsData, row: &RowData, reference: Option<f64>, place: &impl Fn(f64) -> f64) -> Markup {
    let from = |left: f64, right: f64| format!("left:{left:.2}%;width:{:.2}%", (right - left).max(0.0));
    let colours = row.mark.map(classes).unwrap_or_default();
    let region = row.region.map(|[low, high]| from(low.map_or(0.0, place), high.map_or(100.0, place)));
    html! {
        @for (at, _) in &picture.ticks { i.grid style=(format!("left:{:.2}%", place(*at))) {} }
        @if let Some(region) = region { i.region style=(region) {} }
        @if let Some(at) = reference { i.reference style=(format!("left:{at:.2}%")) {} }
        @if let Some(estimate) = row.estimate {
            @let at = place(estimate.value);
            @if row.shape == "bar" {
                @let zero = place(0.0);
                i class=(format!("bar {colours}")) style=(from(at.min(zero), at.max(zero))) {}
            }
            @if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
                i.interval style=(from(place(low), place(high))) {}
            }
            @if row.shape != "bar" {
                i class=(format!("point {} {colours}", row.shape)) style=(format!("left:{at:.2}%")) {}
            }
        }
    }
}

/// The classes of a mark: `m-soft-moe s-full p-solid`.
fn classes(mark: Mark) -> String {
    format!("m-{} s-{} p-{}", kebab(mark.family), kebab(mark.shade), kebab(mark.pattern))
}
