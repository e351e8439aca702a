//! Warnings of a plan: options, games, devices and lengths whose effect may be unintended.

use super::Plan;
use crate::store::State;
use softmoe_config::words::{count, thousands};
use softmoe_config::{Device, RANDOM_ARM};
use std::collections::{BTreeMap, BTreeSet};

impl Plan {
    /// Warnings about options whose effect may be unintended.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for setting in &self.settings {
            let mut without: Vec<&str> = self
                .runs
                .iter()
                .map(|run| (run, self.experiment.arm(&run.config.arm)))
                .filter_map(|(run, arm)| Some((run, arm.ok()?)))
                .filter(|(run, arm)| {
                    !setting.applies_to(&run.config) || arm.set.iter().any(|own| setting.has_the_key_of(own))
                })
                .map(|(run, _)| run.config.arm.as_str())
                .collect();
            without.sort_unstable();
            without.dedup();
            if !without.is_empty() {
                notes.push(format!(
                    "`{}` does not apply to {}: left as they are",
                    setting.key(),
                    without.join(", ")
                ));
            }
        }
        notes.extend(self.memory_note.clone());
        notes.extend(self.note_on_scales());
        let games = self.profile.games.list();
        notes.extend(games.iter().filter_map(|game| game.scale_remark()).map(str::to_owned));
        notes.extend(self.note_on_devices());
        notes.extend(self.notes_on_learning());
        if self.is_part {
            notes.push(format!(
                "the report covers these arms and games only, and replaces the one in {}",
                self.results().display()
            ));
        }
        let references: BTreeSet<&str> = self
            .arms
            .iter()
            .filter(|arm| *arm != RANDOM_ARM)
            .map(|arm| self.experiment.reference_of(arm))
            .filter(|reference| !self.arms.iter().any(|arm| arm == reference))
            .collect();
        for reference in references {
            notes.push(format!(
                "scores are compared with `{reference}`, which is not among `--arms`: its earlier runs are used, if any"
            ));
        }
        notes
    }

    /// The games that no human score is published of.
    fn note_on_scales(&self) -> Option<String> {
        let (scaled, without) = self.profile.games.with_a_scale();
        let names: Vec<&str> = without.iter().map(|game| game.name()).collect();
        let names = names.join(", ");
        match (scaled.len(), without.len()) {
            (_, 0) => None,
            (0, _) => Some(format!(
                "nothing can be normalised, drawn by score or judged: no human score of {names} is published. Add a game with one, e.g. \
                 `--games Pong`"
            )),
            (scaled, _) => Some(format!(
                "no human score of {names} is published: the runs are made, and left out of aggregates and verdict, which have {}",
                count(scaled, "game")
            )),
        }
    }

    /// The finished runs that another device has made.
    fn note_on_devices(&self) -> Option<String> {
        let devices: Vec<String> = self.devices.all().iter().map(Device::to_string).collect();
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &self.runs {
            if let (State::Finished { device: other }, true) = (&run.state, run.config.arm != RANDOM_ARM)
                && !devices.contains(other)
            {
                *others.entry(other).or_default() += 1;
            }
        }
        let runs: Vec<String> = others
            .into_iter()
            .map(|(other, runs)| format!("{} of `{other}`", count(runs, "finished run")))
            .collect();
        (!runs.is_empty())
            .then(|| format!("{} will be reused, so the figure mixes devices", runs.join(" and ")))
    }

    /// Warnings about runs that are too short.
    fn notes_on_learning(&self) -> Option<String> {
        // All learners have the same agent and length.
        let (agent, environment, steps) = self
            .runs
            .iter()
            .find_map(|run| Some((run.config.agent.learning()?, &run.config.environment, run.steps())))?;
        if agent.min_replay >= steps {
            return Some(format!(
                "the agents never learn: the runs are no longer than the {} agent steps of `agent.min_replay`, before which there is no update",
                thousands(agent.min_replay)
            ));
        }
        let max_episode_steps = environment.max_episode_steps();
        if max_episode_steps <= agent.n_step as u64 {
            return Some(format!(
                "the agents hardly ever learn: episodes are cut off after {} \
                 (`environment.max_episode_steps`), and an update needs {} of one episode (`agent.n_step`) unless the game ends before",
                count(max_episode_steps, "agent step"),
                count(agent.n_step, "reward"),
            ));
        }
        let decay = agent.epsilon_decay_period.0;
        (!agent.head().noisy() && agent.min_replay.saturating_add(decay) > steps).then(|| {
            format!(
                "exploration stays higher than usual: the runs end before the {} agent steps of \
                 `agent.epsilon_decay_period` are over",
                thousands(decay)
            )
        })
    }
}
