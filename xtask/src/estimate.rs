//! Estimate of the remaining time, from the rates of earlier runs.

use softmoe_config::{Device, Done, RANDOM_ARM, file};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Agent steps and the seconds they took, evaluation included, by arm.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    by_arm: BTreeMap<String, (f64, f64)>,
}

impl Rates {
    /// The rates of finished runs on `device` below `runs`, the directory of all runs, over all profiles.
    pub(crate) fn measured(runs: &Path, device: Device) -> Rates {
        // All cards of a kind count as the same device.
        let kind = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let wanted = kind(&device.to_string());
        let mut rates = Rates::default();
        for profile in directories(runs) {
            for arm in directories(&profile) {
                let Some(name) = arm.file_name().and_then(|name| name.to_str()) else { continue };
                for seed in directories(&arm).iter().flat_map(|game| directories(game)) {
                    if let Ok(done) = file::read::<Done>(&seed.join("done.ron"))
                        && kind(&done.device) == wanted
                    {
                        rates.observe(name, done.agent_steps.0 as f64, done.wall_seconds);
                    }
                }
            }
        }
        rates
    }

    /// Adds an observation.
    pub(crate) fn observe(&mut self, arm: &str, steps: f64, seconds: f64) {
        if steps > 0.0 && seconds > 0.0 {
            let rate = self.by_arm.entry(arm.to_owned()).or_default();
            rate.0 += steps;
            rate.1 += seconds;
        }
    }

    /// Adds the observations of `other`.
    pub(crate) fn add(&mut self, other: &Rates) {
        for (arm, &(steps, seconds)) in &other.by_arm {
            self.observe(arm, steps, seconds);
        }
    }

    /// Seconds until `jobs` workers have done the agent steps that are left of each arm; `None` if no rate is known. An arm
    /// without a rate is assumed to have the mean of the others.
    pub(crate) fn seconds(&self, left: &[(&str, f64)], jobs: usize) -> Option<f64> {
        let learners = self.by_arm.iter().filter(|(arm, _)| *arm != RANDOM_ARM);
        let (steps, seconds) = learners.fold((0.0, 0.0), |sum, (_, rate)| (sum.0 + rate.0, sum.1 + rate.1));
        let mut total = 0.0;
        let mut longest: f64 = 0.0;
        for &(arm, left) in left {
            let seconds_a_step = match self.by_arm.get(arm) {
                Some((steps, seconds)) => seconds / steps,
                // The random policy takes almost no time.
                None if arm == RANDOM_ARM => 0.0,
                None if steps > 0.0 => seconds / steps,
                None => return None,
            };
            total += left * seconds_a_step;
            longest = longest.max(left * seconds_a_step);
        }
        Some((total / jobs.clamp(1, left.len().max(1)) as f64).max(longest))
    }
}

fn directories(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_the_work_divided_among_the_jobs() {
        let mut rates = Rates::default();
        assert_eq!(rates.seconds(&[("flat", 1000.0)], 2), None);
        assert_eq!(rates.seconds(&[("random", 1000.0)], 2), Some(0.0));
        rates.observe("flat", 1000.0, 1.0);
        rates.observe("softmoe-4", 1000.0, 3.0);
        // 2 s and 6 s on one worker; on two, the longer one decides.
        let left = [("flat", 2000.0), ("softmoe-4", 2000.0)];
        assert_eq!(rates.seconds(&left, 1), Some(8.0));
        assert_eq!(rates.seconds(&left, 2), Some(6.0));
        assert_eq!(rates.seconds(&left, 16), Some(6.0));
        // An arm without a rate has the mean of the others, 500 steps a second.
        assert_eq!(rates.seconds(&[("flat-x4", 1000.0)], 1), Some(2.0));
        assert_eq!(rates.seconds(&[], 4), Some(0.0));
    }
}
