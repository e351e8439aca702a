//! The part of the page about one figure in one profile.

use super::find::Figure;
use super::front::{moment, processes};
use super::html::{badge, name, scroll, table};
use super::rows;
use crate::report::data::{FigureData, Results, RuleData, SettingsData, VerdictData};
use maud::{Markup, PreEscaped, html};
use softmoe_config::words::{count, gigabytes};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The article; `index` is the figure's place in the data of the page.
pub(super) fn article(index: usize, figure: &Figure, anchor: &str) -> Markup {
    let data = &figure.data;
    html! {
        article id=(anchor) {
            h2 { (name(&data.figure)) ": " (data.title) }
            p.caption { (data.caption) }
            @match &data.results {
                Some(results) => { p.quiet { (data.purpose) } (of_runs(index, results, figure, anchor)) }
                None => (drawing(figure)),
            }
            (files(figure))
        }
    }
}

fn of_runs(index: usize, results: &Results, figure: &Figure, anchor: &str) -> Markup {
    let heading = |part: &str, title: &str| html! { h3 id=(format!("{anchor}-{part}")) { (title) } };
    let curves = |picture: &str| html! { div.charts data-figure=(index) data-picture=(picture) {} };
    let pictures = &results.pictures;
    let parts = [
        ("verdict", "Verdict"),
        ("scores", "Scores"),
        ("curves", "Learning curves"),
        ("efficiency", "Sample efficiency"),
        ("profiles", "Performance profiles"),
        ("improvement", "Improvement"),
        ("diagnostics", "Diagnostics"),
        ("origin", "Origin"),
    ];
    html! {
        nav.parts aria-label=(format!("Parts of {}, {}", name(&figure.data.figure), figure.data.profile)) {
            @for (part, title) in parts { a href=(format!("#{anchor}-{part}")) { (title) } }
        }
        (heading("verdict", "Verdict"))
        (verdict(&results.verdict))
        @if let Some(caution) = &results.caution { p.notice { strong { "Caution. " } (caution) } }
        @if let Some(rules) = &pictures.rules {
            (rows::chart(rules))
            p.quiet.drawn { (drawn(&rules.caption)) }
        }
        (rules(&results.verdict))
        (deviations(results))

        (heading("scores", "Scores"))
        (rows::chart(&pictures.figure))
        p.quiet.drawn { (drawn(&pictures.figure.caption)) }
        (table("Scores of every arm", &results.tables.scores))
        p.quiet { (results.tables.scores.note) }
        @if !results.tables.cost.rows.is_empty() {
            h4 { "Cost" }
            (table("Cost of every arm", &results.tables.cost))
            p.quiet { (results.tables.cost.note) }
        }

        (heading("curves", "Learning curves"))
        (curves("curves"))
        (heading("efficiency", "Sample efficiency"))
        (curves("efficiency"))
        (heading("profiles", "Performance profiles"))
        (curves("profiles"))

        (heading("improvement", "Probability of improvement"))
        (rows::chart(&pictures.improvement))
        p.quiet.drawn { (drawn(&pictures.improvement.caption)) }

        (heading("diagnostics", "Diagnostics over the course of training"))
        @if results.diagnostics.is_empty() {
            p.quiet { "No run has diagnostics." }
        } @else {
            div.diagnostics data-figure=(index) {}
        }

        (heading("origin", "Where the numbers come from"))
        (provenance(results))
        (settings(&results.settings))
        h4 { "Notes" }
        ul.notes { @for note in &results.notes { li { (note) } } }
    }
}

/// The last part of a caption, which describes the drawing and not the runs, as a sentence.
fn drawn(caption: &str) -> String {
    let part = caption.rsplit(" · ").next().unwrap_or(caption);
    let mut letters = part.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn verdict(verdict: &VerdictData) -> Markup {
    // `not applicable at this size: there is no gain to explain`
    let why = verdict.sentence.split_once(": ").map(|(_, why)| format!(": {why}")).unwrap_or_default();
    html! {
        p { "At this size, the claim is " (badge(&verdict.outcome)) (why) "." }
        blockquote { p { (verdict.claim) } }
    }
}

fn rules(verdict: &VerdictData) -> Markup {
    let row = |kind: &str, rule: &RuleData| {
        html! {
            tr {
                th scope="row" { (kind) (rule.says) br; span.quiet { (rule.difference) } }
                td.number { (rule.value) }
                td { (rule.supported_if) }
                td { (badge(&rule.outcome)) @if let Some(why) = &rule.why { " " span.quiet { (why) } } }
                td { (rule.power.as_deref().unwrap_or("–")) }
            }
        }
    };
    html! {
        (scroll("Rules", html! {
            table.rules {
                thead { tr { @for title in ["rule", "value", "supported if", "verdict", "power"] { th scope="col" { (title) } } } }
                tbody {
                    @if let Some(premise) = &verdict.premise { (row("Premise: ", premise)) }
                    @for rule in &verdict.rules { (row("", rule)) }
                }
            }
        }))
        p.quiet { (verdict.method) }
    }
}

fn deviations(results: &Results) -> Markup {
    html! {
        @if !results.deviations.is_empty() {
            h4 { "Deviations from the paper's protocol" }
            ul { @for deviation in &results.deviations { li { (deviation) } } }
        }
    }
}

fn provenance(results: &Results) -> Markup {
    let provenance = &results.provenance;
    let mut text = count(results.scores.len(), "finished run");
    if let (Some(first), Some(last)) = (&provenance.first_started, &provenance.last_ended) {
        let _ = write!(text, ", trained from {} to {}", moment(first), moment(last));
    }
    if let Some(bytes) = provenance.peak_memory {
        let _ = write!(text, "; a run took at most {}", gigabytes(bytes));
    }
    html! {
        p { (text) "." }
        (processes("Processes that trained the runs", &provenance.processes))
    }
}

fn settings(settings: &SettingsData) -> Markup {
    let keys: BTreeSet<&String> = settings.arms.values().flat_map(|fields| fields.keys()).collect();
    let arms: Vec<&String> = settings.arms.keys().collect();
    html! {
        details.settings {
            summary { "Settings: " (count(settings.common.len(), "value")) " common to all runs, and the values of single arms" }
            @if !settings.changed.is_empty() { p { "Changed: " (settings.changed.join(", ")) "." } }
            @if !keys.is_empty() {
                h4 { "Settings that differ between arms" }
                (scroll("Settings that differ between arms", html! {
                    table {
                        thead { tr { th scope="col" { "arm" } @for key in &keys { th scope="col" { code { (key) } } } } }
                        tbody {
                            @for arm in arms {
                                tr {
                                    th scope="row" { (arm) }
                                    @for key in &keys { td { (settings.arms[arm].get(*key).map_or("–", String::as_str)) } }
                                }
                            }
                        }
                    }
                }))
            }
            h4 { "Common settings" }
            (scroll("Common settings", html! {
                table {
                    thead { tr { th scope="col" { "setting" } th scope="col" { "value" } } }
                    tbody { @for (key, value) in &settings.common { tr { th scope="row" { code { (key) } } td { (value) } } } }
                }
            }))
        }
    }
}

fn drawing(figure: &Figure) -> Markup {
    let FigureData { networks, title, .. } = &figure.data;
    html! {
        @if let Some(svg) = &figure.drawing {
            (scroll("The drawing", html! { img.drawing alt=(format!("{title}, as the tables below list them")) src=(address(svg)); }))
        }
        @for network in networks {
            h3 { (network.label) }
            (table(&format!("Layers of {}", network.label), &network.layers))
        }
    }
}

/// An SVG as the address of a picture. A browser runs nothing in it and fetches nothing for it.
fn address(svg: &str) -> PreEscaped<String> {
    let encoded = percent_encoding::utf8_percent_encode(svg, percent_encoding::NON_ALPHANUMERIC);
    PreEscaped(format!("data:image/svg+xml,{encoded}"))
}

fn files(figure: &Figure) -> Markup {
    html! {
        @if !figure.films.is_empty() {
            h4 { "Films" }
            ul.links {
                @for film in &figure.films {
                    li { a href=(film.link.address) { (film.arm) ", " (film.game) ", seed " (film.seed) ": " (film.link.name) } }
                }
            }
        }
        @if !figure.files.is_empty() {
            h4 { "Files" }
            p.links { @for link in &figure.files { a href=(link.address) { (link.name) } " " } }
        }
    }
}
