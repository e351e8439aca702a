//! Updates on devices against the CPU engine's, and runs that change from one to the other.
#![cfg(any(feature = "flex", feature = "wgpu"))]

use burn_tensor::backend::Backend;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::networks::{build, build_on};
use softmoe_agents::rainbow::{DeviceRainbowLearner, RainbowLearner, RainbowSettings};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Learner, UpdateSettings};
use softmoe_nets::AdamSettings;
use softmoe_replay::{Batch, Layout};
use softmoe_spec::{Architecture, EncoderSpec, NetworkSpec, RainbowConfig};

const SHAPE: [usize; 3] = [10, 10, 4];
const ACTIONS: usize = 6;
const BATCH: usize = 16;

/// Bodies, as in an experiment's file.
const BODIES: [&str; 4] =
    ["flat", "flat(extra_layers: 1)", "soft_moe(experts: 4)", "expert_choice(experts: 4, bottleneck: true)"];

fn architecture(body: &str) -> Architecture {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: body.parse().unwrap(), hidden: 32 };
    let head = RainbowConfig::minatar().head();
    Architecture { network, head, observation: SHAPE, actions: ACTIONS, permutation_seed: 5 }
}

fn settings(double: bool) -> RainbowSettings {
    let update = UpdateSettings {
        batch_size: BATCH,
        bootstrap_discount: 0.97,
        double,
        priority_exponent: 0.5,
        importance_exponent: 0.5,
        optimizer: AdamSettings::new(2.5e-4, 1.5e-4),
    };
    RainbowSettings { v_max: 10.0, update }
}

fn on_cpu(body: &str, double: bool) -> RainbowLearner {
    RainbowLearner::new(build(&architecture(body)).unwrap(), settings(double), Seeds::new(3))
}

fn on_device<B: Backend>(body: &str, double: bool, device: &B::Device) -> DeviceRainbowLearner<B> {
    let network = build_on::<B>(&architecture(body)).unwrap();
    DeviceRainbowLearner::new(network, settings(double), Seeds::new(3), device.clone())
}

/// A batch of random transitions.
fn batch(seed: u64) -> Batch {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let len = SHAPE.iter().product();
    let layout = Layout { capacity: 100, frame_len: len, stack: 1, n_step: 3, discount: 0.99 };
    let mut batch = Batch::new(BATCH, &layout);
    batch.states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.next_states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.actions.fill_with(|| rng.random_range(0..ACTIONS as u8));
    // Some beyond the support, some on an atom.
    batch.rewards.fill_with(|| rng.random_range(-25..26) as f32 * 0.5);
    batch.terminals.fill_with(|| rng.random_bool(0.2));
    batch.probabilities.fill_with(|| rng.random_range(0.001..0.1));
    batch
}

#[track_caller]
fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f32) -> f32 {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let mut worst = 0.0_f32;
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let near = (got - want).abs() <= tolerance;
        assert!(near, "{what}: value {i} is {got:e} on the device, {want:e} on the CPU engine");
        worst = worst.max((got - want).abs());
    }
    worst
}

fn flat_weights(learner: &impl Learner) -> Vec<f32> {
    learner.weights().into_iter().flat_map(|(_, _, values)| values.into_owned()).collect()
}

/// Ten updates from the same weights, batches and noise.
fn check_updates<B: Backend>(device: &B::Device) {
    for body in BODIES {
        for double in [true, false] {
            let what = format!("{}, double {double}", body);
            let (mut cpu, mut other) = (on_cpu(body, double), on_device::<B>(body, double, device));
            assert_eq!(flat_weights(&cpu), flat_weights(&other), "{what}: initial weights");
            let mut worst = [0.0_f32; 3];
            for update in 0..10 {
                if update == 5 {
                    cpu.sync_target();
                    other.sync_target();
                }
                let batch = batch(update);
                let want = cpu.update(&batch).unwrap();
                let (loss, priorities) = (want.loss, want.priorities.to_vec());
                let got = other.update(&batch).unwrap();
                worst[0] = worst[0].max(assert_close(&format!("{what}: loss"), &[got.loss], &[loss], 1e-4));
                let of_priorities =
                    assert_close(&format!("{what}: priorities"), got.priorities, &priorities, 1e-4);
                worst[1] = worst[1].max(of_priorities);
            }
            worst[2] =
                assert_close(&format!("{what}: weights"), &flat_weights(&other), &flat_weights(&cpu), 1e-4);
            let [loss, priorities, weights] = worst;
            println!(
                "{what}: off by {loss:.1e} in losses, {priorities:.1e} in priorities, {weights:.1e} in weights"
            );
        }
    }
}

/// A state that one engine saved, the other goes on from: to the same actions and updates.
fn check_states<B: Backend>(device: &B::Device) {
    use softmoe_agents::Mode;
    for body in BODIES {
        let (mut cpu, mut other) = (on_cpu(body, true), on_device::<B>(body, true, device));
        cpu.update(&batch(1)).unwrap();
        cpu.sync_target();
        cpu.update(&batch(2)).unwrap();
        other.restore(&cpu.state()).unwrap();
        assert_eq!(other.state(), cpu.state(), "{}: state", body);
        for observation in batch(3).states.chunks_exact(SHAPE.iter().product()) {
            for mode in [Mode::Train, Mode::Evaluate] {
                assert_eq!(other.act(observation, mode), cpu.act(observation, mode), "{}: action", body);
            }
        }
        other.update(&batch(4)).unwrap();
        cpu.restore(&other.state()).unwrap();
        assert_eq!(cpu.state(), other.state(), "{}: state", body);
        assert!(other.restore(b"no state").is_err());
        assert_eq!(cpu.state(), other.state(), "{}: state after a bad one", body);
    }
}

/// A loss that is not finite is refused, and leaves the weights as they were.
fn check_divergence<B: Backend>(device: &B::Device) {
    let mut learner = on_device::<B>(BODIES[0], true, device);
    learner.update(&batch(1)).unwrap();
    let weights = vec![1e30; learner.parameters()];
    learner.set_weights(&weights, &weights);
    let noise = vec![0.0; learner.network().noise().len()];
    let before = learner.state();
    let error = learner.update_with(&batch(2), &noise, &noise).unwrap_err().to_string();
    assert!(error.contains("the loss of update 2 is NaN"), "{error}");
    assert_eq!(learner.state(), before);
}

/// A test of each of the above, on the device that `$find` may find.
macro_rules! tests_on {
    ($backend:ident, $find:expr) => {
        #[test]
        fn ten_updates_equal_the_cpu_engines() {
            tests_on!(@on $backend, $find, check_updates);
        }

        #[test]
        fn states_move_between_the_engines() {
            tests_on!(@on $backend, $find, check_states);
        }

        #[test]
        fn divergence_is_refused() {
            tests_on!(@on $backend, $find, check_divergence);
        }
    };
    (@on $backend:ident, $find:expr, $check:ident) => {
        match $find {
            Ok(device) => super::$check::<$backend>(&device),
            Err(missing) => eprintln!("passed over: {missing}"),
        }
    };
}

#[cfg(feature = "flex")]
mod flex {
    use softmoe_nets::device::{Flex, FlexDevice, Missing};

    tests_on!(Flex, Ok::<_, Missing>(FlexDevice));
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use softmoe_nets::device::{Wgpu, wgpu};

    tests_on!(Wgpu, wgpu());
}
