//! What a plan costs beside its time: processor hours, hours of a graphics card, disk.

use crate::estimate::Rates;
use crate::memory::sum_of_largest;
use softmoe_config::words::{gigabytes, thousands};
use softmoe_config::{Device, RunConfig};

/// Updates a second that one H100 is assumed to make with a network of Atari: 800 agent steps a second of Rainbow, which updates on
/// every fourth (docs/scale.md).
const UPDATES_A_SECOND: f64 = 200.0;

/// Bytes of a replay's row on disk (docs/replay.md).
const BYTES_A_ROW: u64 = 330;
/// Bytes of a weight: a 32-bit float.
const BYTES_A_WEIGHT: u64 = 4;
/// Weights in a checkpoint for each of a network's: the network, the target, and two moments of Adam.
const WEIGHTS_IN_A_CHECKPOINT: u64 = 4;
/// Checkpoints that there can be at once, and the share of a replay that is in both.
const CHECKPOINTS: u64 = 2;

const HOUR: f64 = 3_600.0;

/// Hours of processor cores for the agent steps that are `left` of each arm, and for games of Atari the hours of a graphics card at
/// an assumed rate, in words; `None` for less than an hour of cores, or without a rate.
pub(crate) fn hours<'a>(
    rates: &Rates,
    left: &[(&str, f64)],
    runs: impl Iterator<Item = (&'a RunConfig, u64)>,
    device: Device,
) -> Option<String> {
    let hours = rates.seconds(left, 1)? / HOUR;
    if hours < 1.0 || !matches!(device, Device::Cpu) {
        return None;
    }
    let cores = format!("about {} core hours on this machine", thousands(hours.round() as u64));
    // A network of MinAtar is too small for the assumed rate.
    let mut updates = 0.0;
    for (run, steps) in runs {
        let learning = run.agent.learning().filter(|_| run.network.encoder.pixels() == [84, 84]);
        updates += learning.map_or(0.0, |agent| steps as f64 / agent.update_period.0.max(1) as f64);
    }
    if updates == 0.0 {
        return Some(cores);
    }
    let card = thousands((updates / UPDATES_A_SECOND / HOUR).ceil() as u64);
    Some(format!(
        "{cores}, or {card} GPU hours if an H100 makes {UPDATES_A_SECOND} updates a second (800 agent steps/s of Rainbow: an assumption, \
         docs/scale.md)"
    ))
}

/// Disk for the weights of finished `runs` and the checkpoints of as many as there are `jobs`, in words; `None` below a gigabyte.
pub(crate) fn disk<'a>(runs: impl Iterator<Item = &'a RunConfig>, jobs: usize) -> Option<String> {
    let (mut finished, mut going) = (0, Vec::new());
    for run in runs {
        let weights = run.architecture(0).and_then(|network| network.weights()).unwrap_or(0);
        finished += BYTES_A_WEIGHT * weights;
        let rows = run.replay_frames().unwrap_or(0) as u64;
        // The newer checkpoint has a quarter of the rows more.
        let of_rows = BYTES_A_ROW * (rows + rows / 4);
        going.push(of_rows + CHECKPOINTS * WEIGHTS_IN_A_CHECKPOINT * BYTES_A_WEIGHT * weights);
    }
    let running = jobs.min(going.len());
    let checkpoints = sum_of_largest(going, running);
    (finished + checkpoints >= 1_000_000_000).then(|| {
        format!(
            "about {} of weights when all runs are finished, and at most {} of checkpoints while {} run",
            gigabytes(finished),
            gigabytes(checkpoints),
            thousands(running as u64)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn runs() -> Vec<RunConfig> {
        let experiment = catalog::experiment("fig3").unwrap();
        let profile = experiment.profile("paper").unwrap();
        experiment.resolve("paper", profile, &["flat"]).unwrap()
    }

    /// docs/scale.md: 100 runs at 17.4 hours each.
    #[test]
    fn hours_of_a_card_follow_from_the_assumed_rate() {
        let runs = runs();
        let mut rates = Rates::default();
        rates.plan("flat", 0.1);
        let steps = |run: &RunConfig| run.training.agent_steps.0;
        let left: Vec<(&str, f64)> = runs.iter().map(|run| ("flat", steps(run) as f64)).collect();
        let with_steps = || runs.iter().map(|run| (run, steps(run)));
        let words = hours(&rates, &left, with_steps(), Device::Cpu).unwrap();
        assert!(words.starts_with("about 138,889 core hours on this machine, or 1,737 GPU hours"), "{words}");
        assert_eq!(hours(&Rates::default(), &left, with_steps(), Device::Cpu), None);
    }

    /// A flat layer of 11 x 11 x 32 inputs and 512 outputs, mean and deviation: 16 MB of weights a run, and 3 MB in encoder and head.
    #[test]
    fn disk_is_that_of_weights_and_of_the_checkpoints_of_running_runs() {
        let words = disk(runs().iter(), 2).unwrap();
        assert!(words.starts_with("about 1.88 GB of weights"), "{words}");
        assert!(words.ends_with("of checkpoints while 2 run"), "{words}");
        assert_eq!(disk(std::iter::empty(), 2), None);
    }
}
