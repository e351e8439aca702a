//! The frame of the page, and the elements that its parts share.

use super::find::Figure;
use super::{embedded, figure, front};
use crate::report::data::TextTable;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Runs before the page is drawn, so that it does not flash.
const THEME: &str = "try{const t=localStorage.getItem('theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";
/// The page loads nothing: the browser refuses every request.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The whole page.
pub(super) fn page(figures: &[Figure]) -> String {
    let anchors = anchors(figures);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { "softmoe-rl report" }
                script { (PreEscaped(THEME)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                header.top {
                    a.brand href="#overview" { "softmoe-rl" span { " report" } }
                    button #theme type="button" hidden { "Dark" }
                }
                div.layout {
                    nav.figures aria-label="Figures" {
                        ul {
                            li { a href="#overview" { "Overview" } }
                            @for (figure, anchor) in figures.iter().zip(&anchors) {
                                li { a href=(format!("#{anchor}")) { (name(&figure.data.figure)) small { (figure.data.profile) } } }
                            }
                        }
                    }
                    main #main {
                        noscript { p.notice { "Curves and diagnostics need JavaScript, which is off in this browser. The results directories contain them as files." } }
                        (front::overview(figures, &anchors))
                        @for (index, (of, anchor)) in figures.iter().zip(&anchors).enumerate() {
                            (figure::article(index, of, anchor))
                        }
                    }
                }
                footer { p { "softmoe-rl " (env!("CARGO_PKG_VERSION")) ". This page contains its numbers as JSON, in the element " code { "report-data" } "." } }
                script #report-data type="application/json" { (PreEscaped(embedded::data(figures))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// An anchor for each figure, all different.
fn anchors(figures: &[Figure]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for figure in figures {
        let plain = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let wanted = format!("{}-{}", plain(&figure.data.figure), plain(&figure.data.profile));
        let candidates = std::iter::once(wanted.clone()).chain((2..).map(|k| format!("{wanted}-{k}")));
        anchors.extend(candidates.into_iter().find(|anchor| !anchors.contains(anchor)));
    }
    anchors
}

/// `Figure 3` for `fig3`; other names as they are.
pub(super) fn name(figure: &str) -> String {
    match figure.strip_prefix("fig") {
        Some(number) if number.parse::<u32>().is_ok() => format!("Figure {number}"),
        _ => figure.to_owned(),
    }
}

/// An outcome in its colour.
pub(super) fn badge(outcome: &str) -> Markup {
    let class = outcome.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    html! { span class=(format!("badge o-{class}")) { (outcome) } }
}

/// The name of a variant, as in the JSON.
pub(super) fn kebab(variant: impl Serialize) -> String {
    serde_json::to_value(variant).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A table that scrolls in itself where it is too wide.
pub(super) fn table(title: &str, table: &TextTable) -> Markup {
    scroll(
        title,
        html! {
            table {
                thead { tr { @for cell in &table.header { th scope="col" { (cell) } } } }
                tbody { @for row in &table.rows { (cells(row)) } }
            }
        },
    )
}

fn cells(row: &[String]) -> Markup {
    html! {
        tr {
            @for (column, cell) in row.iter().enumerate() {
                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
            }
        }
    }
}

/// Content that scrolls sideways by itself, so that the page does not.
pub(super) fn scroll(title: &str, content: Markup) -> Markup {
    html! { div.scroll role="group" tabindex="0" aria-label=(title) { (content) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_paper_are_called_by_their_numbers() {
        assert_eq!(["fig3", "fig", "figure", "gap"].map(name), ["Figure 3", "fig", "figure", "gap"]);
    }
}
