//! The overview: what was run, on what, and the verdicts.

use super::find::Figure;
use super::html::{badge, name, scroll};
use crate::report::data::{ProcessData, Results};
use maud::{Markup, html};
use softmoe_config::words::{count, gigabytes, thousands};
use std::collections::{BTreeMap, BTreeSet};

/// The overview.
pub(super) fn overview(figures: &[Figure], anchors: &[String]) -> Markup {
    html! {
        section #overview {
            h1 { "What was run, and what it shows" }
            p.lead { (summary(figures)) }
            h2 { "Verdicts" }
            (scroll("Verdicts", verdicts(figures, anchors)))
            @let machines = machines(figures);
            @if !machines.is_empty() {
                h2 { "Machines and builds" }
                (processes("Machines and builds", &machines))
            }
        }
    }
}

fn results(figures: &[Figure]) -> impl Iterator<Item = (&Figure, &Results)> + Clone {
    figures.iter().filter_map(|figure| Some((figure, figure.data.results.as_ref()?)))
}

/// How much was run, in a sentence. Figures share runs, which count once.
fn summary(figures: &[Figure]) -> String {
    let mut runs = BTreeMap::new();
    for (figure, results) in results(figures) {
        for run in &results.scores {
            runs.insert((&figure.data.profile, &run.arm, &run.game, run.seed), run.agent_steps);
        }
    }
    let times = results(figures).map(|(_, results)| &results.provenance);
    let (first, last) = (
        times.clone().filter_map(|of| of.first_started.as_deref()).min(),
        times.clone().filter_map(|of| of.last_ended.as_deref()).max(),
    );
    let mut text = format!(
        "{} from {}, {} agent steps together",
        count(figures.len(), "figure"),
        count(runs.len(), "run"),
        thousands(runs.values().sum::<u64>())
    );
    if let (Some(first), Some(last)) = (first, last) {
        text += &format!("; trained from {} to {}", moment(first), moment(last));
    }
    if let Some(bytes) = times.filter_map(|of| of.peak_memory).max() {
        text += &format!(". A run took at most {}", gigabytes(bytes));
    }
    text + "."
}

/// `2026-01-31 12:00 UTC` of a time as in RFC 3339.
pub(super) fn moment(time: &str) -> String {
    match (time.get(..10), time.get(11..16), time.ends_with('Z')) {
        (Some(day), Some(minute), true) => format!("{day} {minute} UTC"),
        _ => time.to_owned(),
    }
}

fn verdicts(figures: &[Figure], anchors: &[String]) -> Markup {
    html! {
        table.verdicts {
            thead {
                tr { @for title in ["figure", "verdict", "rules", "games", "runs", "agent steps"] { th scope="col" { (title) } } }
            }
            tbody {
                @for (figure, anchor) in figures.iter().zip(anchors) {
                    @let data = &figure.data;
                    tr {
                        th scope="row" { a href=(format!("#{anchor}")) { (name(&data.figure)) } " · " (data.profile) br; span.quiet { (data.title) } }
                        @match &data.results {
                            None => { td { "a drawing; no claim" } td {} td {} td {} td {} }
                            Some(results) => {
                                td { (badge(&results.verdict.outcome)) }
                                td { (tally(results)) }
                                td.number { (results.games.len()) }
                                td.number { (thousands(results.scores.len())) }
                                td.number { (thousands(results.agent_steps)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How many rules have each outcome: `2 supported, 5 inconclusive`.
fn tally(results: &Results) -> String {
    let outcomes = results.verdict.rules.iter().map(|rule| rule.outcome.as_str());
    let names: BTreeSet<&str> = outcomes.clone().collect();
    let number = |name: &str| outcomes.clone().filter(|outcome| *outcome == name).count();
    let mut numbers: Vec<(usize, &str)> = names.into_iter().map(|name| (number(name), name)).collect();
    numbers.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    numbers.iter().map(|(number, name)| format!("{number} {name}")).collect::<Vec<_>>().join(", ")
}

/// The processes of all figures. Figures share runs, so that their numbers are not added.
fn machines(figures: &[Figure]) -> Vec<ProcessData> {
    let mut machines: Vec<ProcessData> = Vec::new();
    for process in results(figures).flat_map(|(_, results)| &results.provenance.processes) {
        let without = |of: &ProcessData| ProcessData { runs: 0, ..of.clone() };
        if !machines.iter().any(|known| without(known) == without(process)) {
            machines.push(process.clone());
        }
    }
    machines.iter_mut().for_each(|machine| machine.runs = 0);
    machines
}

/// A table of processes; numbers of runs are shown where there are any.
pub(super) fn processes(title: &str, processes: &[ProcessData]) -> Markup {
    let counted = processes.iter().any(|process| process.runs > 0);
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    scroll(
        title,
        html! {
            table {
                thead {
                    tr {
                        @for title in ["commit", "machine", "processor or card", "device", "instruction set", "threads"] { th scope="col" { (title) } }
                        @if counted { th scope="col" { "runs" } }
                    }
                }
                tbody {
                    @for process in processes {
                        tr {
                            th scope="row" { code { (process.build) } }
                            td { (or(&process.host)) }
                            td { (or(&process.device_name)) }
                            td { (process.device) }
                            td { (or(&process.instruction_set)) }
                            td.number { (process.threads) }
                            @if counted { td.number { (thousands(process.runs)) } }
                        }
                    }
                }
            }
        },
    )
}
