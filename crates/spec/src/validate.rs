//! Values of the right type that make no sense, found before a run starts.

use crate::error::none_of;
use crate::{AgentConfig, BodySpec, EnvironmentConfig, RainbowConfig, RunConfig, SpecError};
use std::fmt::Display;

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
        check.at_least_one("network.hidden", self.network.hidden as u64, 128);
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
    check.at_least_one("agent.n_step", agent.n_step as u64, usual.n_step as u64);
    check.at_least_one("agent.update_period", agent.update_period.0, usual.update_period.0);
    check.at_least_one("agent.target_period", agent.target_period.0, usual.target_period.0);
    check.at_least_one("agent.batch_size", agent.batch_size as u64, usual.batch_size as u64);
    let needed = agent.batch_size.saturating_add(agent.n_step);
    check.that(
        agent.replay_capacity > needed,
        "agent.replay_capacity",
        agent.replay_capacity,
        &format!("above batch_size + n_step = {needed}"),
        usual.replay_capacity.max(needed.saturating_add(1)),
    );
    check.that(
        agent.min_replay <= agent.replay_capacity as u64,
        "agent.min_replay",
        agent.min_replay,
        &format!("at most replay_capacity = {}, or no update is ever made", agent.replay_capacity),
        usual.min_replay.min(agent.replay_capacity as u64),
    );
    check.positive("agent.learning_rate", agent.learning_rate, usual.learning_rate);
    check.positive("agent.adam_epsilon", agent.adam_epsilon, usual.adam_epsilon);
    check.positive("agent.v_max", agent.v_max, usual.v_max);
    check.that(agent.atoms == 51, "agent.atoms", agent.atoms, "51, the size the networks are built with", 51);
    check.not_negative("agent.priority_exponent", agent.priority_exponent, usual.priority_exponent);
    check.not_negative("agent.importance_exponent", agent.importance_exponent, usual.importance_exponent);
    check.probability("agent.epsilon_train", agent.epsilon_train, usual.epsilon_train);
    check.probability("agent.epsilon_evaluation", agent.epsilon_evaluation, usual.epsilon_evaluation);
}

fn body(check: &mut Check, body: &BodySpec, hidden: usize) {
    let scale = match *body {
        BodySpec::Flat { scale, .. } => scale,
        BodySpec::SoftMoe { experts, scale, .. } | BodySpec::ExpertChoice { experts, scale, .. } => {
            check.at_least_one("network.body.experts", experts as u64, 4);
            scale
        }
    };
    let width = scale * hidden as f64;
    check.that(
        scale.is_finite() && width >= 1.0 && width.fract() == 0.0,
        "network.body.scale",
        scale,
        &format!("a factor that makes hidden = {hidden} a whole width of at least 1"),
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
    check.at_least_one("training.evaluation_episodes", training.evaluation_episodes as u64, 10);
    let last = training.final_evaluation_episodes as u64;
    check.at_least_one("training.final_evaluation_episodes", last, 30);
    check.at_least_one("training.checkpoint_period", training.checkpoint_period.0, 10_000);
}
