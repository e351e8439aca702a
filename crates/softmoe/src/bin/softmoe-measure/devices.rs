//! Updates on a device against the CPU engine's, network by network.

use anyhow::{Context, Result, bail};
use clap::Args;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{AgentError, Learner, UpdateSettings, check_device, learner_on};
use softmoe_config::{AgentConfig, Architecture, Device, EncoderSpec, LearningConfig, NetworkSpec};
use softmoe_nets::AdamSettings;
use softmoe_replay::{Batch, Layout};
use std::io::Write;
use std::time::Instant;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The device: flex, wgpu, cuda or cuda:N
    #[arg(long)]
    device: Device,
    /// Only the networks whose names contain this text, e.g. minatar or 'soft_moe(experts: 4)'
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Updates of each network
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    updates: u64,
    /// Transitions of an update
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,
    /// Largest difference allowed in losses, priorities and weights [default: 1e-4; on cuda 1e-2, as it rounds factors to TF32]
    #[arg(long, value_name = "X")]
    tolerance: Option<f32>,
}

const ENCODERS: [&str; 4] = ["minatar", "nature", "impala()", "impala(width: 2)"];
const TOKENS: [&str; 6] =
    ["per_conv", "per_patch", "per_patch_average", "per_feature", "shuffled", "per_sample"];
const WITHOUT_TOKENS: [&str; 4] =
    ["flat()", "global_average_pooling()", "simplicial(version: v1)", "simplicial(version: v2, groups: 4)"];
const WITH_TOKENS: [&str; 4] = [
    "soft_moe(experts: 4, tokens: ",
    "expert_choice(experts: 4, tokens: ",
    "top_k(experts: 4, k: 2, importance_loss: 0.1, load_loss: 0.1, tokens: ",
    "tokenized(pool: mean, tokens: ",
];
const OVER_PIXELS: &str = "soft_moe(experts: 4, expert_type: big, slots: count(25))";

/// Every type of network, as encoder and body.
fn all() -> Vec<(&'static str, String)> {
    let bodies = |encoder: &'static str| {
        let with_tokens = WITH_TOKENS
            .into_iter()
            .flat_map(|body| TOKENS.into_iter().map(move |tokens| format!("{body}{tokens})")));
        let over_pixels = (encoder != "impala(width: 2)").then(|| OVER_PIXELS.to_owned());
        let bodies = WITHOUT_TOKENS.into_iter().map(str::to_owned).chain(with_tokens).chain(over_pixels);
        bodies.map(move |body| (encoder, body))
    };
    ENCODERS.into_iter().flat_map(bodies).collect()
}

/// The network, with full Rainbow's head: 6 actions on MinAtar, 18 on Atari, four channels.
fn architecture(encoder: &str, body: &str) -> Result<Architecture> {
    let encoder: EncoderSpec = encoder.parse()?;
    let [height, width] = encoder.pixels();
    Ok(Architecture {
        network: NetworkSpec { encoder, body: body.parse()?, hidden: encoder.usual_hidden() },
        head: LearningConfig::rainbow_minatar().head(),
        observation: [height, width, 4],
        actions: if encoder.pixels() == [10, 10] { 6 } else { 18 },
        permutation_seed: 5,
    })
}

/// Compares every network, and fails if a difference exceeds the tolerance.
pub(crate) fn compare(options: &Options) -> Result<()> {
    if options.device == Device::Cpu {
        bail!("`--device cpu` is what the others are compared with: name flex, wgpu or cuda");
    }
    check_device(options.device)?;
    let usual = if matches!(options.device, Device::Cuda(_)) { 1e-2 } else { 1e-4 };
    let tolerance = options.tolerance.unwrap_or(usual);
    let named = |(encoder, body): &(&str, String)| format!("{encoder}, {body}");
    let wanted = |network: &(&str, String)| {
        options.only.as_ref().is_none_or(|only| named(network).contains(only.as_str()))
    };
    let networks: Vec<_> = all().into_iter().filter(wanted).collect();
    if networks.is_empty() {
        bail!(
            "no network has `{}` in its name; e.g. `minatar, flat()` is one",
            options.only.as_deref().unwrap_or("")
        );
    }
    say(&format!(
        "{} networks, {} updates each, {} against the CPU engine: the largest differences (losses and priorities as \
         shares of values above 1), and updates a second of {} transitions, the first one left out",
        networks.len(),
        options.updates,
        options.device,
        options.batch
    ));
    say(&format!("{:>8} {:>10} {:>8} {:>9}  network", "losses", "priorities", "weights", "updates/s"));
    let mut beyond = 0;
    for network in &networks {
        let name = named(network);
        let found = check(&architecture(network.0, &network.1)?, options).with_context(|| name.clone())?;
        let Found { losses, priorities, weights, updates_per_second } = found;
        let is_near = [losses, priorities, weights].into_iter().all(|difference| difference <= tolerance);
        beyond += usize::from(!is_near);
        let rate = updates_per_second.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
        let mark = if is_near { "" } else { "  <- too far" };
        say(&format!("{losses:>8.1e} {priorities:>10.1e} {weights:>8.1e} {rate:>9}  {name}{mark}"));
    }
    if beyond > 0 {
        bail!("{beyond} of {} networks are further than {tolerance:e} from the CPU engine", networks.len());
    }
    say(&format!("all {} within {tolerance:e}", networks.len()));
    Ok(())
}

fn say(line: &str) {
    // The reader may have closed the pipe; the exit code still reports the result.
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Differences of the updates of a network.
struct Found {
    losses: f32,
    priorities: f32,
    weights: f32,
    /// `None` after a single update.
    updates_per_second: Option<f64>,
}

/// The same updates on both engines, from the same weights, batches and noise.
fn check(architecture: &Architecture, options: &Options) -> Result<Found> {
    let learner = |device| learner_of(device, architecture, options.batch.into());
    let (mut cpu, mut other) = (learner(Device::Cpu)?, learner(options.device)?);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut found = Found { losses: 0.0, priorities: 0.0, weights: 0.0, updates_per_second: None };
    let mut seconds = 0.0;
    for update in 0..options.updates {
        if update == options.updates / 2 {
            cpu.sync_target();
            other.sync_target();
        }
        let batch = random_batch(architecture, options.batch.into(), &mut rng);
        let want = cpu.update(&batch)?;
        let start = Instant::now();
        let got = other.update(&batch)?;
        if update > 0 {
            seconds += start.elapsed().as_secs_f64();
        }
        found.losses = found.losses.max(difference(got.loss, want.loss));
        for (&got, &want) in got.priorities.iter().zip(want.priorities) {
            found.priorities = found.priorities.max(difference(got, want));
        }
    }
    found.updates_per_second = (options.updates > 1).then(|| (options.updates - 1) as f64 / seconds);
    for ((name, _, got), (_, _, want)) in other.weights().into_iter().zip(cpu.weights()) {
        if got.len() != want.len() {
            bail!("`{name}` has {} values on the device, {} on the CPU engine", got.len(), want.len());
        }
        for (got, want) in got.iter().zip(want.iter()) {
            // NaN counts as an infinite difference.
            let apart = (got - want).abs();
            found.weights = found.weights.max(if apart.is_nan() { f32::INFINITY } else { apart });
        }
    }
    Ok(found)
}

/// The difference of two values, relative for values above 1.
fn difference(got: f32, want: f32) -> f32 {
    let apart = (got - want).abs() / want.abs().max(1.0);
    if apart.is_nan() { f32::INFINITY } else { apart }
}

/// Full Rainbow's learner, with the settings of MinAtar.
fn learner_of(
    device: Device,
    architecture: &Architecture,
    batch_size: usize,
) -> Result<Box<dyn Learner>, AgentError> {
    let config = LearningConfig::rainbow_minatar();
    let update = UpdateSettings {
        batch_size,
        element: architecture.network.encoder.element(),
        double: true,
        priority_exponent: 0.5,
        importance_exponent: 0.5,
        optimizer: AdamSettings::new(config.learning_rate, config.adam_epsilon),
    };
    learner_on(device, &AgentConfig::Learning(config), architecture, update, Seeds::new(3))
}

/// Random transitions: sparse observations as MinAtar's, rewards within the support and beyond, some terminals.
fn random_batch(architecture: &Architecture, size: usize, rng: &mut impl Rng) -> Batch {
    let frame_len = architecture.observation.iter().product();
    let layout =
        Layout { capacity: 2 * size + 10, frame_len, channels: 1, stack: 1, n_step: 3, discount: 0.99 };
    let mut batch = Batch::new(size, &layout);
    batch.states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.next_states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.actions.fill_with(|| rng.random_range(0..architecture.actions as u8));
    batch.rewards.fill_with(|| rng.random_range(-25..26) as f32 * 0.5);
    let discount = 0.99_f32.powi(3);
    batch.discounts.fill_with(|| if rng.random_bool(0.2) { 0.0 } else { discount });
    batch.probabilities.fill_with(|| rng.random_range(0.001..0.1));
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_there_once_and_can_be_trained() {
        let networks = all();
        assert_eq!(networks.len(), 115);
        for (encoder, body) in networks {
            architecture(encoder, &body).and_then(|network| Ok(network.validate()?)).expect(&body);
        }
    }

    #[test]
    fn what_is_no_number_is_far_off() {
        assert_eq!(difference(f32::NAN, 1.0), f32::INFINITY);
        assert_eq!(difference(1.5, 1.0), 0.5);
        assert_eq!(difference(220.0, 200.0), 0.1);
    }
}
