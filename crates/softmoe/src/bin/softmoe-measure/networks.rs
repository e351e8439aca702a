//! A training step and an action of the registered networks.
//!
//! The step is the same as in `peers/train_step.py`: a batch of 32 in memory; the cross-entropy of the logits of all actions
//! against a fixed target, so that no second network takes part; no noise; Adam.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::networks;
use softmoe_config::{Architecture, Device, EncoderSpec, HeadSpec, NetworkSpec};
use softmoe_nets::{ActionNetwork, Adam, AdamSettings, Pass, Weights, kernels};
use std::hint::black_box;
#[cfg(feature = "burn")]
use std::time::Instant;

const BATCH: usize = 32;
const ATOMS: usize = 51;
const OPTIMIZER: AdamSettings = AdamSettings::new(1e-4, 1.5e-4);

/// Steps and actions of a round. They equal those of `peers/train_step.py`, as the best of many is better than the best of
/// few.
fn samples(encoder: EncoderSpec) -> (usize, usize) {
    match encoder {
        EncoderSpec::MinAtar
        | EncoderSpec::MinAtarDeep
        | EncoderSpec::MinAtarResidual { .. }
        | EncoderSpec::Dense { .. } => (100, 100),
        EncoderSpec::Nature => (33, 33),
        EncoderSpec::Impala { .. } => (10, 50),
    }
}

/// The networks: name, encoder, body in RON.
const NETWORKS: [(&str, &str, &str); 9] = [
    ("minatar-flat", "minatar", "flat()"),
    ("minatar-softmoe4", "minatar", "soft_moe(experts: 4)"),
    ("minatar-softmoe1x4", "minatar", "soft_moe(experts: 1, scale: 4.0)"),
    ("nature-flat", "nature", "flat()"),
    ("nature-softmoe4", "nature", "soft_moe(experts: 4)"),
    ("nature-softmoe1x4", "nature", "soft_moe(experts: 1, scale: 4.0)"),
    ("impala-flat", "impala()", "flat()"),
    ("impala-softmoe4", "impala()", "soft_moe(experts: 4)"),
    ("impala-softmoe1x4", "impala()", "soft_moe(experts: 1, scale: 4.0)"),
];

/// Parses a network's name.
pub(crate) fn parser() -> PossibleValuesParser {
    PossibleValuesParser::new(NETWORKS.map(|(name, ..)| name))
}

/// The networks' names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NETWORKS.into_iter().map(|(name, ..)| name)
}

/// Updates a second on a device, the best of three rounds of `steps`: with a wait after each step, and queued without
/// waiting.
#[cfg(feature = "burn")]
pub(crate) fn on_device(name: &str, device: Device, steps: u32) -> Result<[f64; 2]> {
    let mut step = training_step(name, device)?;
    let mut best = [0.0_f64; 2];
    // The first round compiles the kernels.
    for round in 0..4 {
        let start = Instant::now();
        for _ in 0..steps {
            step.step();
            step.wait()?;
        }
        let waited = start.elapsed().as_secs_f64();
        let start = Instant::now();
        (0..steps).for_each(|_| step.step());
        step.wait()?;
        let queued = start.elapsed().as_secs_f64();
        if round > 0 {
            let rates = [waited, queued].map(|seconds| f64::from(steps) / seconds);
            best = [best[0].max(rates[0]), best[1].max(rates[1])];
        }
    }
    Ok(best)
}

/// The step on a device.
#[cfg(feature = "burn")]
pub(crate) fn training_step(name: &str, device: Device) -> Result<Box<dyn softmoe_agents::TrainingStep>> {
    let ours = Step::new(name)?;
    let batch = softmoe_agents::FixedBatch {
        observations: ours.x,
        target: ours.target,
        parameters: ours.parameters,
        optimizer: OPTIMIZER,
    };
    Ok(softmoe_agents::training_step(device, &architecture(name)?, &batch)?)
}

/// Without the device engine there is no step on a device.
#[cfg(not(feature = "burn"))]
pub(crate) fn on_device(_: &str, device: Device, _: u32) -> Result<[f64; 2]> {
    anyhow::bail!("this build computes on the CPU engine alone, not on `{device}`")
}

/// The network of that name: 6 actions on MinAtar, 18 on Atari, four channels.
pub(crate) fn architecture(name: &str) -> Result<Architecture> {
    let (_, encoder, body) =
        NETWORKS.into_iter().find(|(known, ..)| *known == name).context("no such network")?;
    let encoder: EncoderSpec = encoder.parse()?;
    let [height, width] = encoder.pixels();
    Ok(Architecture {
        network: NetworkSpec { encoder, body: body.parse()?, hidden: encoder.usual_hidden() },
        head: HeadSpec::Categorical { atoms: ATOMS, dueling: true, noisy: false },
        observation: [height, width, 4],
        actions: if encoder.pixels() == [10, 10] { 6 } else { 18 },
        permutation_seed: 0,
    })
}

/// A network with its buffers.
pub(crate) struct Step {
    samples: (usize, usize),
    parameters: Vec<f32>,
    adam: Adam,
    gradient: Vec<f32>,
    batch: Box<dyn Pass>,
    alone: Box<dyn Pass>,
    input_len: usize,
    /// (batch, height, width, channels)
    x: Vec<f32>,
    /// (batch, actions, atoms)
    target: Vec<f32>,
    dy: Vec<f32>,
}

impl Step {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let architecture = architecture(name)?;
        let network: Box<dyn ActionNetwork> = networks::build(&architecture)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
        let parameters = network.parameters().initial(&mut rng);
        let outputs = BATCH * architecture.actions * ATOMS;
        let mut uniform = |len: usize| (0..len).map(|_| rng.random::<f32>()).collect::<Vec<f32>>();
        let x = uniform(BATCH * network.input_len());
        let mut target = vec![0.0; outputs];
        kernels::softmax_rows(&mut target, &uniform(outputs), ATOMS);
        Ok(Step {
            samples: samples(architecture.network.encoder),
            adam: Adam::new(OPTIMIZER, parameters.len()),
            gradient: vec![0.0; parameters.len()],
            batch: network.pass(BATCH),
            alone: network.pass(1),
            input_len: network.input_len(),
            dy: vec![0.0; outputs],
            parameters,
            x,
            target,
        })
    }

    fn step(&mut self) {
        let weights = Weights { parameters: &self.parameters, noise: None };
        kernels::softmax_rows(&mut self.dy, self.batch.forward(weights, &self.x), ATOMS);
        for (dy, target) in self.dy.iter_mut().zip(&self.target) {
            *dy = (*dy - target) / BATCH as f32;
        }
        self.batch.backward(weights, &self.x, &self.dy, &mut self.gradient);
        self.adam.step(&mut self.parameters, &self.gradient);
    }

    fn act(&mut self) {
        let weights = Weights { parameters: &self.parameters, noise: None };
        black_box(self.alone.forward(weights, black_box(&self.x[..self.input_len])));
    }
}

impl Measurement for Step {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let milliseconds = |seconds: Vec<f64>| Figure::of(seconds.into_iter().map(|seconds| seconds * 1e3));
        let (steps, actions) = self.samples;
        let step = milliseconds(clock.times(steps, || self.step()));
        let act = milliseconds(clock.times(actions, || self.act()));
        Ok(Figures::from([("step", step), ("act", act)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one_that_can_be_trained() {
        for (name, ..) in NETWORKS {
            architecture(name).and_then(|network| Ok(network.validate()?)).expect(name);
        }
        let wide = architecture("minatar-softmoe1x4").expect("a network");
        assert_eq!(wide.network.scaled_hidden(), 512);
    }

    /// The timed step reduces its loss.
    #[test]
    fn a_step_is_a_step_of_training() {
        let mut step = Step::new("minatar-flat").expect("a network");
        let loss = |step: &mut Step| -> f64 {
            let weights = Weights { parameters: &step.parameters, noise: None };
            let mut probabilities = vec![0.0; step.dy.len()];
            kernels::softmax_rows(&mut probabilities, step.batch.forward(weights, &step.x), ATOMS);
            let terms = probabilities.iter().zip(&step.target);
            terms.map(|(p, target)| -f64::from(p.ln()) * f64::from(*target)).sum()
        };
        let before = loss(&mut step);
        for _ in 0..20 {
            step.step();
        }
        assert!(loss(&mut step) < before);
        step.act();
    }
}
