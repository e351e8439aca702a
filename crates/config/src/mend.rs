//! A result from the rest of a finished run, where its `done.ron` is damaged.

use crate::{AgentConfig, Done, RunConfig, RunDirectory, file};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

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
    let metrics = fs::read_to_string(directory.metrics_csv()).ok()?;
    let (mut lines, last) = (metrics.lines(), metrics.lines().last()?);
    let row: HashMap<&str, &str> = lines.next()?.split(',').zip(last.split(',')).collect();
    let number = |column: &str| row.get(column)?.parse::<f64>().ok().filter(|value| value.is_finite());
    let agent_steps = config.training.agent_steps;
    if !metrics.ends_with('\n') || row.get("agent_steps")?.parse().ok() != Some(agent_steps.0) {
        return None;
    }
    let damaged = fs::read(directory.done_ron()).unwrap_or_default();
    let damaged = String::from_utf8_lossy(&damaged);
    let rest = |field: &str, otherwise: &str| value(&damaged, field).unwrap_or(otherwise).to_owned();
    let text = format!(
        "(score: {:?}, returns: [], agent_steps: {agent_steps}, parameters: {}, wall_seconds: {:?}, version: {}, device: {})",
        number("evaluation_return")?,
        rest("parameters", "0"),
        number("wall_seconds")?,
        rest("version", "\"unknown\""),
        rest("device", "\"unknown\""),
    );
    file::parse(Path::new("done.ron"), &text).ok()
}

/// The value of a field in a text whose form may be damaged elsewhere.
fn value<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{field}: "))?;
    let (value, _) = rest.split_once([',', ')', '\n'])?;
    let inside = value.trim_matches('"');
    let is_sound =
        !inside.is_empty() && inside.chars().all(|c| c.is_ascii_alphanumeric() || ".:-+".contains(c));
    let is_quoted = value.len() == inside.len() + 2;
    (is_sound && (is_quoted || value == inside && inside.parse::<u64>().is_ok())).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn only_whole_values_are_taken_from_a_damaged_text() {
        let text = "(\n score: 1.5,\n parameters: 77,\n version: \"0.1.0\",\n device: \"cu";
        assert_eq!(value(text, "parameters"), Some("77"));
        assert_eq!(value(text, "version"), Some("\"0.1.0\""));
        assert_eq!(value(text, "device"), None);
        assert_eq!(value("parameters: 7\u{fffd}7,", "parameters"), None);
        assert_eq!(value("device: \"cpu,", "device"), None);
    }
}
