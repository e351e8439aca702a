//! Diagnostics over the course of training, aggregated over seeds.

use super::Report;
use super::data::{DiagnosticData, DiagnosticLine};
use super::numbers::{rounded, thin};
use crate::collect::FinishedRun;
use softmoe_config::{AgentSteps, DiagnosticRow};
use std::collections::BTreeMap;

/// Most points of all diagnostics of a figure together, and the fewest and most of a line.
const MOST_POINTS: usize = 60_000;
const POINTS: (usize, usize) = (12, 101);

/// The values of one name at each step, and the number of runs that have the name.
#[derive(Default)]
struct Sums {
    runs: usize,
    /// Sum and number of values at each step.
    steps: BTreeMap<AgentSteps, (f64, usize)>,
}

/// The diagnostics of the learners, game by game: the mean over runs at the steps at which all of them have a value. Files that
/// cannot be read, and values that are not finite, are left out.
pub(super) fn diagnostics(report: &Report) -> Vec<DiagnosticData> {
    let mut found: Vec<DiagnosticData> = Vec::new();
    for game in &report.games {
        let mut of_game: BTreeMap<String, Vec<DiagnosticLine>> = BTreeMap::new();
        for arm in report.arms.iter().filter(|arm| arm.mark.is_some()) {
            let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
            report.collection.of(&arm.name, *game).for_each(|run| add(run, &mut sums));
            for (name, Sums { runs, steps }) in sums {
                let whole = steps.into_iter().filter(|(_, (_, values))| *values == runs);
                let (x, y): (Vec<f64>, Vec<f64>) =
                    whole.map(|(steps, (sum, values))| (steps.0 as f64, sum / values as f64)).unzip();
                if !x.is_empty() {
                    let line = DiagnosticLine { arm: arm.name.clone(), runs, x, y };
                    of_game.entry(name).or_default().push(line);
                }
            }
        }
        let of_name = |(name, lines)| DiagnosticData { name, game: game.name().to_owned(), lines };
        found.extend(of_game.into_iter().map(of_name));
    }
    let lines = found.iter().map(|diagnostic| diagnostic.lines.len()).sum::<usize>();
    let most = (MOST_POINTS / lines.max(1)).clamp(POINTS.0, POINTS.1);
    for line in found.iter_mut().flat_map(|diagnostic| &mut diagnostic.lines) {
        let kept = thin(line.x.len(), most);
        line.x = kept.iter().map(|&at| line.x[at]).collect();
        line.y = kept.iter().map(|&at| rounded(line.y[at])).collect();
    }
    found
}

fn add(run: &FinishedRun, sums: &mut BTreeMap<String, Sums>) {
    let Ok(mut reader) = csv::Reader::from_path(run.directory.diagnostics_csv()) else { return };
    let mut of_run: BTreeMap<String, BTreeMap<AgentSteps, f64>> = BTreeMap::new();
    for row in reader.deserialize::<DiagnosticRow>().flatten().filter(|row| row.value.is_finite()) {
        of_run.entry(row.name).or_default().insert(row.agent_steps, row.value);
    }
    for (name, values) in of_run {
        let sums = sums.entry(name).or_default();
        sums.runs += 1;
        for (steps, value) in values {
            let (sum, number) = sums.steps.entry(steps).or_default();
            (*sum, *number) = (*sum + value, *number + 1);
        }
    }
}
