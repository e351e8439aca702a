//! A result from the rest of a finished run, where its `done.ron` is damaged.

use crate::directory::read_metrics;
use crate::{AgentConfig, Done, MetricsRow, RunConfig, RunDirectory};
use std::fs;

/// The result of the run in `directory`, whose `done.ron` cannot be read: from the last row of its metrics. The run is finished if that row
/// is of its last step and its weights are there. None for another run, and for the random policy, which is soon played again.
///
/// The single returns of the last evaluation are lost, their mean is not. Device and parameters are those of the damaged text if it still
/// has them.
pub fn mended(directory: &RunDirectory, config: &RunConfig) -> Option<Done> {
    let AgentConfig::Learning(_) = config.agent else { return None };
    if !directory.weights().is_file() {
        return None;
    }
    let is_whole = fs::read(directory.metrics_csv()).is_ok_and(|text| text.ends_with(b"\n"));
    let row: MetricsRow = read_metrics(&directory.metrics_csv()).ok()?.pop()?;
    let is_last = row.agent_steps == config.training.agent_steps && row.evaluation_return.is_finite();
    if !(is_whole && is_last) {
        return None;
    }
    let damaged = fs::read(directory.done_ron()).unwrap_or_default();
    let damaged = String::from_utf8_lossy(&damaged);
    let text = |field: &str| value(&damaged, field).unwrap_or("unknown");
    Some(Done {
        parameters: value(&damaged, "parameters").and_then(|number| number.parse().ok()).unwrap_or(0),
        version: text("version").to_owned(),
        ..Done::new(&row, Vec::new(), text("device"))
    })
}

/// The number, or the text between quotes, of a field in a text whose form may be damaged elsewhere.
fn value<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{field}: "))?;
    let (value, _) = rest.split_once([',', ')', '\n'])?;
    let inside = value.trim_matches('"');
    let is_sound =
        !inside.is_empty() && inside.chars().all(|c| c.is_ascii_alphanumeric() || ".:-+".contains(c));
    let is_quoted = value.len() == inside.len() + 2;
    (is_sound && (is_quoted || value == inside && inside.parse::<u64>().is_ok())).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn only_whole_values_are_taken_from_a_damaged_text() {
        let text = "(\n score: 1.5,\n parameters: 77,\n version: \"0.1.0\",\n device: \"cu";
        assert_eq!(value(text, "parameters"), Some("77"));
        assert_eq!(value(text, "version"), Some("0.1.0"));
        assert_eq!(value(text, "device"), None);
        assert_eq!(value("parameters: 7\u{fffd}7,", "parameters"), None);
        assert_eq!(value("device: \"cpu,", "device"), None);
    }
}
