//! Values of the right type that make no sense, found before a run starts.

use crate::error::none_of;
use crate::{AgentConfig, BodySpec, EnvironmentConfig, RainbowConfig, RunConfig, SpecError};
use std::fmt::Display;

/// Widest hidden layer: 16 times Atari's.
const WIDEST: u64 = 8_192;
/// Most hidden layers of an expert beyond the first.
const DEEPEST: u64 = 16;
/// Largest batch: 128 times the usual one.
const LARGEST_BATCH: u64 = 4_096;
/// Most rewards summed before bootstrapping.
const LONGEST_RETURN: u64 = 1_000;
/// Most frames in a replay, 10 times Atari's: some 10 GB of MinAtar's frames.
const LARGEST_REPLAY: u64 = 10_000_000;
/// Most episodes of an evaluation.
const MOST_EPISODES: u64 = 1_000_000;

/// The problems found so far.
#[derive(Default)]
struct Check {
    problems: Vec<String>,
}

impl Check {
    /// Notes a problem unless `holds`; `instead` is a value that would do.
    fn that(&mut self, holds: bool, key: &str, value: impl Display, rule: &str, instead: impl Display) {
        if !holds {
            self.problems
                .push(format!("`{key}` is {value} but must be {rule} (e.g. `--set {key}={instead}`)"));
        }
    }

    fn at_least_one(&mut self, key: &str, value: u64, instead: u64) {
        self.that(value >= 1, key, value, "at least 1", instead);
    }

    /// At least 1 and at most `most`, which keeps a typo from asking for more memory than there is.
    fn count(&mut self, key: &str, value: u64, most: u64, instead: u64) {
        self.that((1..=most).contains(&value), key, value, &format!("between 1 and {most}"), instead);
    }

    fn probability(&mut self, key: &str, value: f64, instead: f64) {
        self.that((0.0..=1.0).contains(&value), key, value, "between 0 and 1", instead);
    }

    fn positive(&mut self, key: &str, value: f64, instead: f64) {
        self.that(value > 0.0 && value.is_finite(), key, value, "a finite number above 0", instead);
    }

    fn not_negative(&mut self, key: &str, value: f64, instead: f64) {
        self.that(value >= 0.0 && value.is_finite(), key, value, "a finite number from 0", instead);
    }
}

impl RunConfig {
    /// Whether the values make sense together.
    ///
    /// # Errors
    ///
    /// [`SpecError::Invalid`] with every value that does not: itself, the rule, what to type.
    pub fn validate(&self) -> Result<(), SpecError> {
        let mut check = Check::default();
        environment(&mut check, &self.environment);
        if let AgentConfig::Rainbow(agent) = &self.agent {
            rainbow(&mut check, agent);
        }
        check.count("network.hidden", self.network.hidden as u64, WIDEST, 128);
        body(&mut check, &self.network.body, self.network.hidden);
        training(&mut check, self);
        none_of(format!("run {}", self.name()), check.problems)
    }

    /// The run's name: `<figure>/<profile>/<arm>/<game>/seed-<k>`.
    pub fn name(&self) -> String {
        let RunConfig { figure, profile, arm, environment, seed, .. } = self;
        format!("{figure}/{profile}/{arm}/{}/seed-{seed}", environment.game.name())
    }
}

fn environment(check: &mut Check, environment: &EnvironmentConfig) {
    let sticky = environment.sticky_action_probability;
    check.probability("environment.sticky_action_probability", sticky, 0.1);
    check.at_least_one("environment.max_episode_steps", environment.max_episode_steps, 27_000);
}

fn rainbow(check: &mut Check, agent: &RainbowConfig) {
    let usual = RainbowConfig::minatar();
    check.probability("agent.discount", agent.discount, usual.discount);
    check.count("agent.n_step", agent.n_step as u64, LONGEST_RETURN, usual.n_step as u64);
    check.at_least_one("agent.update_period", agent.update_period.0, usual.update_period.0);
    check.at_least_one("agent.target_period", agent.target_period.0, usual.target_period.0);
    check.count("agent.batch_size", agent.batch_size as u64, LARGEST_BATCH, usual.batch_size as u64);
    let needed = agent.batch_size.saturating_add(agent.n_step);
    check.that(
        agent.replay_capacity > needed && agent.replay_capacity as u64 <= LARGEST_REPLAY,
        "agent.replay_capacity",
        agent.replay_capacity,
        &format!("above batch_size + n_step = {needed} and at most {LARGEST_REPLAY}"),
        usual.replay_capacity,
    );
    check.that(
        agent.min_replay <= agent.replay_capacity as u64,
        "agent.min_replay",
        agent.min_replay,
        &format!(
            "at most replay_capacity = {}: what is stored in more agent steps is lost before the first update",
            agent.replay_capacity
        ),
        usual.min_replay.min(agent.replay_capacity as u64),
    );
    check.positive("agent.learning_rate", agent.learning_rate, usual.learning_rate);
    check.positive("agent.adam_epsilon", agent.adam_epsilon, usual.adam_epsilon);
    check.positive("agent.v_max", agent.v_max, usual.v_max);
    check.that(agent.atoms == 51, "agent.atoms", agent.atoms, "51, the size the networks are built with", 51);
    check.not_negative("agent.priority_exponent", agent.priority_exponent, usual.priority_exponent);
    check.not_negative("agent.importance_exponent", agent.importance_exponent, usual.importance_exponent);
    check.probability("agent.epsilon_train", agent.epsilon_train, usual.epsilon_train);
    check.that(
        agent.noisy || agent.epsilon_train != 0.0,
        "agent.epsilon_train",
        agent.epsilon_train,
        "above 0 where `agent.noisy` is false, or nothing is explored",
        0.01,
    );
    check.probability("agent.epsilon_evaluation", agent.epsilon_evaluation, usual.epsilon_evaluation);
}

fn body(check: &mut Check, body: &BodySpec, hidden: usize) {
    let not_compiled = |given: &BodySpec| {
        format!("part of a network that is compiled in: {}; not {given}", BodySpec::COMPILED)
    };
    let scale = match *body {
        BodySpec::Flat { scale, extra_layers } => {
            let key = "network.body.extra_layers";
            check.that(body.is_compiled(), key, extra_layers, &not_compiled(body), 1);
            scale
        }
        BodySpec::SoftMoe { experts, scale, .. } | BodySpec::ExpertChoice { experts, scale, .. } => {
            check.that(body.is_compiled(), "network.body.experts", experts, &not_compiled(body), 4);
            scale
        }
    };
    if let BodySpec::SoftMoe { extra_layers, .. } = *body {
        let key = "network.body.extra_layers";
        check.that(extra_layers as u64 <= DEEPEST, key, extra_layers, &format!("at most {DEEPEST}"), 1);
    }
    let width = scale * hidden as f64;
    check.that(
        width >= 1.0 && width.fract() == 0.0 && width <= WIDEST as f64,
        "network.body.scale",
        scale,
        &format!("a factor that makes hidden = {hidden} a whole width between 1 and {WIDEST}"),
        1,
    );
}

fn training(check: &mut Check, config: &RunConfig) {
    let training = &config.training;
    if training.agent_steps.0 == 0 {
        check
            .problems
            .push("the run has 0 agent steps but must have at least 1 (e.g. `--steps 40000`)".into());
    }
    check.at_least_one("training.evaluation_period", training.evaluation_period.0, 10_000);
    check.count("training.evaluation_episodes", training.evaluation_episodes as u64, MOST_EPISODES, 10);
    let last = training.final_evaluation_episodes as u64;
    check.count("training.final_evaluation_episodes", last, MOST_EPISODES, 30);
    check.at_least_one("training.checkpoint_period", training.checkpoint_period.0, 10_000);
}
