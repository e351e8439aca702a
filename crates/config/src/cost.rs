//! What a network and a run cost, in multiply-adds and in weights: known before anything is built.

use crate::network::DEEP_CHANNELS;
use crate::{AgentConfig, Architecture, BodySpec, EncoderSpec, ExpertSpec, ReluSpec, RunConfig, TokensSpec};

/// Steps of an evaluation's episode: their length is not known beforehand, and evaluation is a small part of a run.
const STEPS_OF_AN_EPISODE: f64 = 200.0;

impl Architecture {
    /// Multiply-adds of the products and convolutions in the forward pass of one observation; `None` for bodies whose layers
    /// only the engines know (`device_only`, big experts).
    ///
    /// ```
    /// use softmoe_config::Architecture;
    ///
    /// let flat = "(network: (encoder: minatar, body: flat(), hidden: 128), observation: (10, 10, 4), actions: 6, \
    ///              head: categorical(atoms: 51, dueling: true, noisy: true))";
    /// // A convolution of 36,864, two dense layers of 131,072 and 45,696.
    /// assert_eq!(flat.parse::<Architecture>()?.multiply_adds(), Some(213_632));
    /// # Ok::<(), softmoe_config::ConfigError>(())
    /// ```
    pub fn multiply_adds(&self) -> Option<u64> {
        let (body, outputs) = self.of_body()?;
        let Architecture { head, actions, .. } = self;
        let values = actions * head.values() + if head.dueling() { head.values() } else { 0 };
        Some((self.of_encoder() + body + outputs * values) as u64)
    }

    /// About the number of weights of the network, without biases; `None` for bodies whose layers only the engines know.
    ///
    /// ```
    /// use softmoe_config::Architecture;
    ///
    /// let flat = "(network: (encoder: minatar, body: flat(), hidden: 128), observation: (10, 10, 4), actions: 6, \
    ///              head: categorical(atoms: 51, dueling: true, noisy: true))";
    /// // A convolution of 576; two noisy dense layers, a mean and a deviation for each of 131,072 and 45,696 weights.
    /// assert_eq!(flat.parse::<Architecture>()?.weights(), Some(576 + 2 * (131_072 + 45_696)));
    /// # Ok::<(), softmoe_config::ConfigError>(())
    /// ```
    pub fn weights(&self) -> Option<u64> {
        let (_, outputs) = self.of_body()?;
        let Architecture { network, head, actions, .. } = self;
        let map = network.encoder.feature_map();
        let kind = network.body.tokens().unwrap_or_default();
        let (m, d) = kind.sizes(map);
        let tokens = if kind == TokensSpec::PerPatch { 9 * map[2] * map[2] } else { 0 };
        let (hidden, inputs) = (network.scaled_hidden(), map.iter().product::<usize>());
        let noisy = |weights: usize| if head.noisy() { 2 * weights } else { weights };
        // The output layer of an expert is plain.
        let experts = |experts: usize, extra: usize| {
            experts * (noisy(d * hidden + extra * hidden * hidden) + hidden * d)
        };
        let bottleneck = |has_one: bool| if has_one { noisy(m * d * network.hidden) } else { 0 };
        let body = match network.body {
            BodySpec::Flat { extra_layers, .. } => noisy(inputs * hidden + extra_layers * hidden * hidden),
            BodySpec::SoftMoe { experts: n, slots, extra_layers, bottleneck: narrow, .. } => {
                d * n * slots.count(m, n) + experts(n, extra_layers) + bottleneck(narrow)
            }
            BodySpec::ExpertChoice { experts: n, extra_layers, bottleneck: narrow, .. }
            | BodySpec::TopK { experts: n, extra_layers, bottleneck: narrow, .. } => {
                d * n + experts(n, extra_layers) + bottleneck(narrow)
            }
            BodySpec::Tokenized { .. } => noisy(d * hidden),
            BodySpec::GlobalAveragePooling { .. } => noisy(map[2] * hidden),
            BodySpec::Simplicial { groups, .. } => noisy(inputs * hidden * groups),
            BodySpec::DeviceOnly { .. } => return None,
        };
        let values = actions * head.values() + if head.dueling() { head.values() } else { 0 };
        Some((self.weights_of_encoder() + tokens + body + noisy(outputs * values)) as u64)
    }

    fn weights_of_encoder(&self) -> usize {
        let channels = self.observation[2];
        match self.network.encoder {
            EncoderSpec::MinAtar => 9 * channels * 16,
            EncoderSpec::MinAtarDeep => 9 * (channels + 2 * DEEP_CHANNELS) * DEEP_CHANNELS,
            EncoderSpec::MinAtarResidual { .. } => 9 * (channels + 4 * DEEP_CHANNELS) * DEEP_CHANNELS,
            EncoderSpec::Nature => 64 * channels * 32 + 16 * 32 * 64 + 9 * 64 * 64,
            EncoderSpec::Impala { width } => {
                let stages = [(channels, 16 * width), (16 * width, 32 * width), (32 * width, 32 * width)];
                stages.iter().map(|(from, to)| 9 * from * to + 4 * 9 * to * to).sum()
            }
            EncoderSpec::Dense { width } => self.observation.iter().product::<usize>() * width,
        }
    }

    fn of_encoder(&self) -> usize {
        let channels = self.observation[2];
        let convolution =
            |map: usize, kernel: usize, from: usize, to: usize| map * map * kernel * kernel * from * to;
        match self.network.encoder {
            EncoderSpec::MinAtar => convolution(8, 3, channels, 16),
            EncoderSpec::MinAtarDeep => {
                convolution(10, 3, channels, DEEP_CHANNELS)
                    + 2 * convolution(10, 3, DEEP_CHANNELS, DEEP_CHANNELS)
            }
            EncoderSpec::MinAtarResidual { pooling } => {
                // A convolution before the pooling, two blocks of two convolutions after it.
                let after = if pooling { 5 } else { 10 };
                convolution(10, 3, channels, DEEP_CHANNELS)
                    + 4 * convolution(after, 3, DEEP_CHANNELS, DEEP_CHANNELS)
            }
            EncoderSpec::Nature => {
                convolution(21, 8, channels, 32) + convolution(11, 4, 32, 64) + convolution(11, 3, 64, 64)
            }
            EncoderSpec::Impala { width } => {
                let mut from = channels;
                let mut all = 0;
                for (before, after, channels) in [(84, 42, 16), (42, 21, 32), (21, 11, 32)] {
                    let to = channels * width;
                    // A convolution, a pooling, two blocks of two convolutions.
                    all += convolution(before, 3, from, to) + 4 * convolution(after, 3, to, to);
                    from = to;
                }
                all
            }
            EncoderSpec::Dense { width } => self.observation.iter().product::<usize>() * width,
        }
    }

    /// Multiply-adds of the body, and the number of its outputs.
    fn of_body(&self) -> Option<(usize, usize)> {
        let network = &self.network;
        let map = network.encoder.feature_map();
        let [height, width, channels] = map;
        let inputs = height * width * channels;
        let hidden = network.scaled_hidden();
        let kind = network.body.tokens().unwrap_or_default();
        let (m, d) = kind.sizes(map);
        let tokens = if kind == TokensSpec::PerPatch { m * 9 * channels * channels } else { 0 };
        // Hidden layers and the layer back to the token's width, for each row of an expert.
        let expert = |extra_layers: usize| 2 * d * hidden + extra_layers * hidden * hidden;
        let after = |bottleneck: bool, products: usize| match bottleneck {
            true => (tokens + products + m * d * network.hidden, network.hidden),
            false => (tokens + products, m * d),
        };
        Some(match network.body {
            BodySpec::Flat { extra_layers, .. } => (inputs * hidden + extra_layers * hidden * hidden, hidden),
            BodySpec::SoftMoe { expert_type: ExpertSpec::Big, .. } | BodySpec::DeviceOnly { .. } => {
                return None;
            }
            BodySpec::SoftMoe { experts, slots, extra_layers, bottleneck, .. } => {
                // Logits, dispatch and combine.
                let slots = experts * slots.count(m, experts);
                after(bottleneck, 3 * m * slots * d + slots * expert(extra_layers))
            }
            BodySpec::ExpertChoice { experts, slots, extra_layers, bottleneck, .. } => {
                let chosen = experts * slots.count(m, experts).min(m);
                after(bottleneck, m * experts * d + chosen * expert(extra_layers))
            }
            BodySpec::TopK { experts, k, capacity_factor, extra_layers, bottleneck, .. } => {
                let room = (k as f64 * m as f64 * capacity_factor / experts as f64).ceil() as usize;
                after(bottleneck, m * experts * d + experts * room.min(m) * expert(extra_layers))
            }
            BodySpec::Tokenized { relu, .. } => {
                let rows = if relu == ReluSpec::Before { m } else { 1 };
                (tokens + rows * d * hidden, hidden)
            }
            BodySpec::GlobalAveragePooling { .. } => (channels * hidden, hidden),
            BodySpec::Simplicial { groups, .. } => (inputs * hidden * groups, hidden * groups),
        })
    }
}

impl RunConfig {
    /// Multiply-adds of an agent step: choosing an action, and the step's share of updates and evaluations. 0 for the random
    /// policy; `None` where [`Architecture::multiply_adds`] has none.
    pub fn multiply_adds_a_step(&self) -> Option<f64> {
        let AgentConfig::Learning(agent) = self.agent else { return Some(0.0) };
        let pass = self.architecture(0)?.multiply_adds()? as f64;
        // The online network forward, and twice as much backward; the target network; the online network on the next state, if
        // it chooses the action.
        let passes = if agent.double { 5.0 } else { 4.0 };
        let updates = passes * agent.batch_size as f64 / agent.update_period.0.max(1) as f64;
        let training = &self.training;
        let evaluations = training.evaluations();
        let episodes = evaluations as f64 * training.evaluation_episodes as f64
            + training.final_evaluation_episodes as f64;
        let evaluated = episodes * STEPS_OF_AN_EPISODE / training.agent_steps.0.max(1) as f64;
        Some(pass * (1.0 + updates + evaluated))
    }
}
