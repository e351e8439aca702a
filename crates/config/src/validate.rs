//! Values of the right type that make no sense, found before a run starts.

use crate::error::none_of;
use crate::{
    AgentConfig, BodySpec, ConfigError, DqnConfig, EncoderSpec, EnvironmentConfig, ExpertSpec,
    InterventionSpec, LearningConfig, MixingSpec, NetworkSpec, PartSpec, RainbowConfig, RunConfig,
    SimplicialSpec, SlotsSpec, TokensSpec,
};
use std::fmt::Display;

/// Widest hidden layer: 16 times Atari's.
const WIDEST: u64 = 8_192;
/// Most hidden layers beyond the first.
const DEEPEST: u64 = 16;
/// Most experts of a mixture, and groups of a simplicial embedding: 32 times the paper's.
const MOST_EXPERTS: u64 = 256;
/// Most slots of an expert: eight times the tokens of the Impala encoder.
const MOST_SLOTS: u64 = 1_024;
/// Most weights of a mixture in a sample, tokens x experts x slots: half a gigabyte in a batch of 32.
const MOST_WEIGHTS: usize = 1 << 22;
/// Most room of an expert for tokens that choose it, as a factor on its share of them.
const LARGEST_CAPACITY: f64 = 64.0;
/// Largest number of a body that has only a device forward: its own rules are known to the device engine alone.
const LARGEST_NUMBER: f64 = 1_024.0;
/// Largest factor on the Impala encoder's channels.
const WIDEST_ENCODER: u64 = 16;
/// Largest batch: 128 times the usual one.
const LARGEST_BATCH: u64 = 4_096;
/// Most atoms of a return distribution: 20 times the usual number.
const MOST_ATOMS: usize = 1_001;
/// Most rewards summed before bootstrapping.
const LONGEST_RETURN: u64 = 1_000;
/// Most frames in a replay, 10 times Atari's: some 10 GB of MinAtar's frames.
const LARGEST_REPLAY: u64 = 10_000_000;
/// Most episodes of an evaluation.
const MOST_EPISODES: u64 = 1_000_000;

/// The problems found so far.
#[derive(Default)]
pub(crate) struct Check {
    pub(crate) problems: Vec<String>,
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
    pub(crate) fn count(&mut self, key: &str, value: u64, most: u64, instead: u64) {
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
    /// [`ConfigError::Invalid`] with every value that does not: itself, the rule, what to type.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::default();
        environment(&mut check, &self.environment);
        match &self.agent {
            AgentConfig::Random => {}
            AgentConfig::Dqn(agent) => {
                learning(&mut check, agent.learning(), DqnConfig::minatar().learning())
            }
            AgentConfig::Rainbow(agent) => {
                learning(&mut check, agent.learning(), RainbowConfig::minatar().learning());
                distribution(&mut check, agent);
            }
        }
        if let Some(agent) = self.agent.learning() {
            intervention(&mut check, agent.intervention, &self.network.body);
        }
        check.network(&self.network);
        // MinAtar's observations.
        check.encoder(self.network.encoder, [10, 10]);
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

fn intervention(check: &mut Check, intervention: InterventionSpec, body: &BodySpec) {
    let key = |field: &str| format!("agent.intervention.{field}");
    match intervention {
        InterventionSpec::None => {}
        InterventionSpec::Redo { period, tau, .. } => {
            check.at_least_one(&key("period"), period, 1_000);
            check.not_negative(&key("tau"), tau, 0.025);
        }
        InterventionSpec::RandomReset { period } => check.at_least_one(&key("period"), period, 1_000),
        InterventionSpec::ShrinkAndPerturb { period, shrink, perturb, .. } => {
            check.at_least_one(&key("period"), period, 20_000);
            check.probability(&key("shrink"), shrink, 0.8);
            check.not_negative(&key("perturb"), perturb, 0.2);
        }
    }
    if intervention.part() == Some(PartSpec::Experts) && !body.has_experts() {
        let instead = match intervention {
            InterventionSpec::RandomReset { .. } => "agent.intervention=none",
            _ => "agent.intervention.on=network",
        };
        check.problems.push(format!(
            "`agent.intervention` is {intervention}, which changes experts, but the body `{}` has none (e.g. \
             `--set {instead}`)",
            body.name()
        ));
    }
}

/// What every agent that learns has; `usual` are values that would do.
fn learning(check: &mut Check, agent: LearningConfig, usual: LearningConfig) {
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
    check.not_negative("agent.priority_exponent", agent.priority_exponent, usual.priority_exponent);
    check.not_negative("agent.importance_exponent", agent.importance_exponent, usual.importance_exponent);
    check.probability("agent.epsilon_train", agent.epsilon_train, usual.epsilon_train);
    check.that(
        agent.head.noisy() || agent.epsilon_train != 0.0,
        "agent.epsilon_train",
        agent.epsilon_train,
        "above 0 where `agent.noisy` is false, or nothing is explored",
        0.01,
    );
    check.at_least_one(
        "agent.epsilon_decay_period",
        agent.epsilon_decay_period.0,
        usual.epsilon_decay_period.0,
    );
    check.probability("agent.epsilon_evaluation", agent.epsilon_evaluation, usual.epsilon_evaluation);
}

/// Rainbow's distribution of returns.
fn distribution(check: &mut Check, agent: &RainbowConfig) {
    let usual = RainbowConfig::minatar();
    check.positive("agent.v_max", agent.v_max, usual.v_max);
    check.that(
        (2..=MOST_ATOMS).contains(&agent.atoms),
        "agent.atoms",
        agent.atoms,
        &format!("between 2 and {MOST_ATOMS}"),
        usual.atoms,
    );
}

impl Check {
    /// An encoder that takes observations of these pixels.
    pub(crate) fn encoder(&mut self, encoder: EncoderSpec, [height, width]: [usize; 2]) {
        let takes = encoder.pixels();
        let rule = format!(
            "one that takes observations of {height}x{width} pixels, not of {}x{}",
            takes[0], takes[1]
        );
        let instead = if height < 84 { EncoderSpec::MinAtar } else { EncoderSpec::Nature };
        self.that(takes == [height, width], "network.encoder", encoder, &rule, instead);
    }

    pub(crate) fn network(&mut self, network: &NetworkSpec) {
        let NetworkSpec { encoder, body, hidden } = network;
        self.count("network.hidden", *hidden as u64, WIDEST, encoder.usual_hidden() as u64);
        if let EncoderSpec::Impala { width } = *encoder {
            self.count("network.encoder.width", width as u64, WIDEST_ENCODER, 1);
        }
        let scale = body.scale();
        let width = scale * *hidden as f64;
        self.that(
            width >= 1.0 && width.fract() == 0.0 && width <= WIDEST as f64,
            "network.body.scale",
            scale,
            &format!("a factor that makes hidden = {hidden} a whole width between 1 and {WIDEST}"),
            1,
        );
        let tokens = body.tokens().unwrap_or_default().sizes(encoder.feature_map()).0;
        match body {
            BodySpec::SoftMoe { expert_type: ExpertSpec::Big, .. } => self.big(*encoder, body),
            _ => self.body(body, tokens),
        }
    }

    /// A mixture whose experts begin with an encoder: what else it can be, and images that the encoder can read.
    fn big(&mut self, encoder: EncoderSpec, body: &BodySpec) {
        let BodySpec::SoftMoe {
            experts,
            slots,
            tokens,
            extra_layers,
            normalised,
            random_phi,
            dispatch,
            combine,
            ..
        } = *body
        else {
            return;
        };
        let [height, width] = encoder.pixels();
        let smallest = if encoder == EncoderSpec::MinAtar { 9 } else { 1 };
        self.experts(experts);
        self.slots(slots, height * width, experts, MOST_SLOTS);
        self.layers(extra_layers);
        self.that(
            slots.count(height * width, experts) >= smallest,
            "network.body.slots",
            slots,
            "9 or more, for experts' images of at least the 3x3 pixels that MinAtar's encoder reads",
            "'count(25)'",
        );
        let plain = !normalised
            && !random_phi
            && (dispatch, combine) == (MixingSpec::Learned, MixingSpec::Learned)
            && tokens == TokensSpec::PerConv;
        let rule = "small in a mixture that is normalised, a control, or over other tokens than `per_conv`";
        self.that(plain, "network.body.expert_type", "big", rule, "small");
    }

    fn layers(&mut self, layers: usize) {
        let key = "network.body.extra_layers";
        self.that(layers as u64 <= DEEPEST, key, layers, &format!("at most {DEEPEST}"), 1);
    }

    /// What is said of each body alone, over `tokens` tokens.
    fn body(&mut self, body: &BodySpec, tokens: usize) {
        match *body {
            BodySpec::Flat { extra_layers: layers, .. } => self.layers(layers),
            BodySpec::SoftMoe { experts, slots, extra_layers: layers, .. } => {
                self.experts(experts);
                self.slots(slots, tokens, experts, MOST_SLOTS);
                self.layers(layers);
            }
            BodySpec::ExpertChoice { experts, slots, extra_layers: layers, .. } => {
                self.experts(experts);
                self.slots(slots, tokens, experts, tokens as u64);
                self.layers(layers);
            }
            BodySpec::TopK {
                experts,
                k,
                capacity_factor,
                importance_loss,
                load_loss,
                extra_layers: layers,
                ..
            } => {
                self.experts(experts);
                self.count("network.body.k", k as u64, experts.max(1) as u64, 1);
                self.that(
                    capacity_factor > 0.0 && capacity_factor <= LARGEST_CAPACITY,
                    "network.body.capacity_factor",
                    capacity_factor,
                    &format!("above 0 and at most {LARGEST_CAPACITY}"),
                    1,
                );
                self.not_negative("network.body.importance_loss", importance_loss, 0.0);
                self.not_negative("network.body.load_loss", load_loss, 0.0);
                self.layers(layers);
            }
            BodySpec::Tokenized { .. } | BodySpec::GlobalAveragePooling { .. } => {}
            BodySpec::DeviceOnly { body, .. } => {
                for (name, number) in body.numbers() {
                    let holds = number.is_finite() && number.abs() <= LARGEST_NUMBER;
                    let rule = format!("at most {LARGEST_NUMBER}");
                    self.that(holds, &format!("network.body.body.{name}"), number, &rule, 1);
                }
            }
            BodySpec::Simplicial { version, groups, temperature, .. } => {
                self.count("network.body.groups", groups as u64, MOST_EXPERTS, 4);
                let key = "network.body.groups";
                let has = version == SimplicialSpec::V2 || groups == 1;
                self.that(has, key, groups, "1 in version v1, whose softmax has no groups", 1);
                self.positive("network.body.temperature", temperature, 0.1);
            }
        }
    }

    fn experts(&mut self, experts: usize) {
        self.count("network.body.experts", experts as u64, MOST_EXPERTS, 4);
    }

    /// At least one slot an expert and at most `most`, and not more than a batch has memory for.
    fn slots(&mut self, slots: SlotsSpec, tokens: usize, experts: usize, most: u64) {
        let key = "network.body.slots";
        match slots {
            SlotsSpec::Fraction(fraction) => {
                let holds = fraction > 0.0 && fraction <= 1.0;
                self.that(holds, key, slots, "a fraction above 0 and at most 1", "'fraction(0.1)'");
            }
            SlotsSpec::Count(count) => {
                let holds = (1..=most).contains(&(count as u64));
                self.that(holds, key, slots, &format!("a count between 1 and {most}"), "tokens_over_experts");
            }
            SlotsSpec::TokensOverExperts | SlotsSpec::Tokens => {}
        }
        let weights = slots.count(tokens, experts).saturating_mul(experts).saturating_mul(tokens);
        self.that(
            weights <= MOST_WEIGHTS || experts as u64 > MOST_EXPERTS,
            key,
            slots,
            &format!(
                "fewer: {tokens} tokens in {} slots of {experts} experts are {weights} weights a sample, of at most \
                 {MOST_WEIGHTS}",
                slots.count(tokens, experts)
            ),
            "'count(9)'",
        );
    }
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
