//! Estimate of the remaining time, from the rates of earlier runs and from the cost of the networks.

use softmoe_config::{Device, Done, RANDOM_ARM, file};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Agent steps and the seconds they took, evaluation included, by arm; and the seconds that a step of an arm should take by
/// its multiply-adds.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    by_arm: BTreeMap<String, (f64, f64)>,
    planned: BTreeMap<String, f64>,
}

/// Where an estimate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Runs of every arm.
    Runs,
    /// The multiply-adds of at least one arm.
    MultiplyAdds,
}

impl Rates {
    /// The rates of finished runs on `device` below `runs`, the directory of all runs, in the profiles that are `alike`: a profile of
    /// another encoder or agent says nothing about an arm's time.
    pub(crate) fn measured(runs: &Path, device: Device, alike: impl Fn(&str) -> bool) -> Rates {
        // All cards of a kind count as the same device.
        let kind = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let wanted = kind(&device.to_string());
        let mut rates = Rates::default();
        let is_alike = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(&alike);
        for profile in directories(runs).into_iter().filter(is_alike) {
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

    /// Takes note that a step of `arm` should take so many seconds.
    pub(crate) fn plan(&mut self, arm: &str, seconds_a_step: f64) {
        self.planned.insert(arm.to_owned(), seconds_a_step);
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
        self.planned.extend(other.planned.iter().map(|(arm, seconds)| (arm.clone(), *seconds)));
    }

    /// Where the times of `arms` come from.
    pub(crate) fn source<'a>(&self, mut arms: impl Iterator<Item = &'a str>) -> Source {
        let all_ran = arms.all(|arm| arm == RANDOM_ARM || self.by_arm.contains_key(arm));
        if all_ran { Source::Runs } else { Source::MultiplyAdds }
    }

    /// How much longer the steps that were observed took than they were planned to take.
    fn correction(&self) -> f64 {
        let both = self.by_arm.iter().filter_map(|(arm, (steps, seconds))| {
            self.planned.get(arm).filter(|planned| **planned > 0.0).map(|planned| (steps * planned, *seconds))
        });
        let (planned, took) = both.fold((0.0, 0.0), |sum, (planned, took)| (sum.0 + planned, sum.1 + took));
        if planned > 0.0 { took / planned } else { 1.0 }
    }

    /// Seconds until `jobs` workers have done the agent steps that are left of each arm; `None` if neither a rate nor a plan is
    /// known. An arm without a rate takes what was planned, as much longer as the others took; without a plan, the mean of the
    /// others.
    pub(crate) fn seconds(&self, left: &[(&str, f64)], jobs: usize) -> Option<f64> {
        let learners = self.by_arm.iter().filter(|(arm, _)| *arm != RANDOM_ARM);
        let (steps, seconds) = learners.fold((0.0, 0.0), |sum, (_, rate)| (sum.0 + rate.0, sum.1 + rate.1));
        let correction = self.correction();
        let mut total = 0.0;
        let mut longest: f64 = 0.0;
        for &(arm, left) in left {
            let seconds_a_step = match self.by_arm.get(arm) {
                Some((steps, seconds)) => seconds / steps,
                // The random policy takes almost no time.
                None if arm == RANDOM_ARM => 0.0,
                None if self.planned.contains_key(arm) => self.planned[arm] * correction,
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

    /// The cheap arms come first, and what they show of the machine counts for the expensive ones.
    #[test]
    fn an_arm_without_a_rate_takes_what_its_multiply_adds_say() {
        let mut rates = Rates::default();
        rates.plan("flat", 0.001);
        rates.plan("softmoe-4", 0.004);
        let left = [("flat", 1000.0), ("softmoe-4", 1000.0)];
        assert_eq!(rates.seconds(&left, 1), Some(5.0));
        assert_eq!(rates.source(["random", "flat"].into_iter()), Source::MultiplyAdds);
        // This machine takes twice as long.
        rates.observe("flat", 1000.0, 2.0);
        assert_eq!(rates.seconds(&left, 1), Some(10.0));
        assert_eq!(rates.source(["random", "flat"].into_iter()), Source::Runs);
        let mut others = Rates::default();
        others.add(&rates);
        assert_eq!(others.seconds(&left, 1), Some(10.0));
        // A rate of its own counts for more.
        others.observe("softmoe-4", 1000.0, 3.0);
        assert_eq!(others.seconds(&left, 1), Some(5.0));
    }
}
