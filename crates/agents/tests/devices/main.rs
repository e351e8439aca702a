//! Updates on devices against the CPU engine's, and learners that change from one to the other.
#![cfg(any(feature = "flex", feature = "wgpu"))]

mod divergence;
mod interventions;
mod states;
mod updates;

use burn_tensor::backend::Backend;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::dqn::{DeviceDqnLearner, DqnLearner, DqnSettings, TdLoss};
use softmoe_agents::networks::{build, build_on};
use softmoe_agents::rainbow::{DeviceRainbowLearner, RainbowLearner, RainbowSettings};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Learner, UpdateSettings};
use softmoe_config::{Architecture, HeadSpec, NetworkSpec};
use softmoe_env::Element;
use softmoe_nets::AdamSettings;
use softmoe_nets::device::Missing;
use softmoe_replay::{Batch, Layout};

const BATCH: usize = 2;

/// A small network on observations of 4 channels, for 3 actions.
fn architecture(encoder: &str, body: &str, head: HeadSpec) -> Architecture {
    let network = NetworkSpec { encoder: encoder.parse().unwrap(), body: body.parse().unwrap(), hidden: 8 };
    let [height, width] = network.encoder.pixels();
    Architecture { network, head, observation: [height, width, 4], actions: 3, permutation_seed: 5 }
}

fn update_settings(architecture: &Architecture, double: bool) -> UpdateSettings {
    UpdateSettings {
        batch_size: BATCH,
        double,
        priority_exponent: 0.5,
        importance_exponent: 0.5,
        optimizer: AdamSettings::new(2.5e-4, 1.5e-4),
        element: architecture.network.encoder.element(),
    }
}

fn rainbow(architecture: &Architecture, double: bool) -> RainbowSettings {
    RainbowSettings { v_max: 10.0, update: update_settings(architecture, double) }
}

/// With double targets Huber's loss, else the square.
fn dqn(architecture: &Architecture, double: bool) -> DqnSettings {
    let loss = if double { TdLoss::Huber } else { TdLoss::Mse };
    DqnSettings { loss, update: update_settings(architecture, double) }
}

/// The learner of the architecture's head: Rainbow's for logits, DQN's for values.
fn on_cpu(architecture: &Architecture, double: bool) -> Box<dyn Learner> {
    let network = build(architecture).unwrap();
    match architecture.head {
        HeadSpec::Categorical { .. } => {
            Box::new(RainbowLearner::new(network, rainbow(architecture, double), Seeds::new(3)))
        }
        HeadSpec::Q { .. } => Box::new(DqnLearner::new(network, dqn(architecture, double), Seeds::new(3))),
    }
}

fn on_device<B: Backend>(architecture: &Architecture, double: bool, device: &B::Device) -> Box<dyn Learner> {
    let (network, device) = (build_on::<B>(architecture).unwrap(), device.clone());
    match architecture.head {
        HeadSpec::Categorical { .. } => {
            let settings = rainbow(architecture, double);
            Box::new(DeviceRainbowLearner::<B>::new(network, settings, Seeds::new(3), device))
        }
        HeadSpec::Q { .. } => {
            let settings = dqn(architecture, double);
            Box::new(DeviceDqnLearner::<B>::new(network, settings, Seeds::new(3), device))
        }
    }
}

/// A batch of random transitions: MinAtar's few ones, or grey levels.
fn batch(architecture: &Architecture, seed: u64) -> Batch {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let frame_len = architecture.observation.iter().product();
    let layout = Layout { capacity: 100, frame_len, channels: 4, stack: 1, n_step: 3, discount: 0.99 };
    let mut batch = Batch::new(BATCH, &layout);
    let pixels = |rng: &mut Xoshiro256PlusPlus, largest: u8| match largest {
        1 => u8::from(rng.random_bool(0.2)),
        largest => rng.random_range(0..=largest),
    };
    let largest = match architecture.network.encoder.element() {
        Element::Byte { scale } => scale,
        Element::Float => u8::MAX,
    };
    batch.states.fill_with(|| pixels(&mut rng, largest));
    batch.next_states.fill_with(|| pixels(&mut rng, largest));
    batch.actions.fill_with(|| rng.random_range(0..architecture.actions as u8));
    // Some beyond the support, some on an atom.
    batch.rewards.fill_with(|| rng.random_range(-25..26) as f32 * 0.5);
    batch.discounts.fill_with(|| if rng.random_bool(0.2) { 0.0 } else { 0.97 });
    batch.probabilities.fill_with(|| rng.random_range(0.001..0.1));
    batch
}

/// The largest difference, or the first that is beyond the tolerance.
fn difference(got: &[f32], want: &[f32], tolerance: f32) -> Result<f32, String> {
    assert_eq!(got.len(), want.len(), "number of values");
    let mut worst = 0.0_f32;
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let off = (got - want).abs();
        if off.is_nan() || off > tolerance {
            return Err(format!("value {i} is {got:e}, not {want:e}"));
        }
        worst = worst.max(off);
    }
    Ok(worst)
}

fn flat_weights(learner: &dyn Learner) -> Vec<f32> {
    learner.weights().into_iter().flat_map(|(_, _, values)| values.into_owned()).collect()
}

/// The device to test, or nothing where this machine has none of its kind.
///
/// # Panics
/// If there is none though the environment variable `SOFTMOE_REQUIRE_WGPU` is 1: only Vulkan's devices can be missing.
fn found<D>(device: Result<D, Missing>) -> Option<D> {
    let required = std::env::var("SOFTMOE_REQUIRE_WGPU").is_ok_and(|value| value == "1");
    match device {
        Ok(device) => Some(device),
        Err(missing) if required => panic!("SOFTMOE_REQUIRE_WGPU is 1, but {missing}"),
        Err(missing) => {
            eprintln!("passed over: {missing}");
            None
        }
    }
}

/// Runs a check on the device that `$find` may find.
macro_rules! on {
    ($backend:ident, $find:expr, $check:ident, $($argument:expr),*) => {
        if let Some(device) = super::found($find) {
            $check::<$backend>($($argument,)* &device);
        }
    };
}

/// The tests that every device has.
macro_rules! tests_on {
    ($backend:ident, $find:expr, $device:expr) => {
        use super::divergence::{check_a_loss, check_poisoned_weights};
        use super::interventions::{check_interventions, check_resume_with_interventions};
        use super::states::check_states;
        use super::updates::*;

        #[test]
        fn states_move_between_the_engines() {
            on!($backend, $find, check_states,);
        }

        #[test]
        fn a_loss_that_is_not_finite_changes_nothing() {
            on!($backend, $find, check_a_loss,);
        }

        #[test]
        fn weights_that_are_not_finite_are_named() {
            on!($backend, $find, check_poisoned_weights,);
        }

        #[test]
        fn interventions_are_those_of_the_cpu_engine() {
            if super::found($find).is_some() {
                check_interventions($device);
            }
        }

        #[test]
        fn an_agent_with_interventions_goes_on_bit_for_bit() {
            if super::found($find).is_some() {
                check_resume_with_interventions($device);
            }
        }
    };
}

#[cfg(feature = "flex")]
mod flex {
    use softmoe_config::Device;
    use softmoe_nets::device::{Flex, FlexDevice, Missing};

    tests_on!(Flex, Ok::<_, Missing>(FlexDevice), Device::Flex);

    #[test]
    fn ten_updates_of_every_body_and_head_on_minatar() {
        on!(Flex, Ok::<_, Missing>(FlexDevice), check_minatar, 8);
    }

    #[test]
    fn ten_updates_behind_nature() {
        on!(Flex, Ok::<_, Missing>(FlexDevice), check_atari, "nature");
    }

    #[test]
    fn ten_updates_behind_impala() {
        on!(Flex, Ok::<_, Missing>(FlexDevice), check_some_on_atari, "impala");
    }

    #[test]
    #[ignore = "takes minutes"]
    fn ten_updates_of_every_body_behind_impala() {
        on!(Flex, Ok::<_, Missing>(FlexDevice), check_atari, "impala");
    }

    #[test]
    #[ignore = "takes minutes"]
    fn ten_updates_of_every_body_behind_a_wide_impala() {
        on!(Flex, Ok::<_, Missing>(FlexDevice), check_atari, "impala(width: 2)");
    }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use softmoe_config::Device;
    use softmoe_nets::device::{Wgpu, wgpu};

    tests_on!(Wgpu, wgpu(), Device::Wgpu);

    #[test]
    fn ten_updates_of_each_body_on_minatar() {
        on!(Wgpu, wgpu(), check_each_body_on_minatar,);
    }

    #[test]
    #[ignore = "takes minutes"]
    fn ten_updates_of_every_body_on_minatar() {
        on!(Wgpu, wgpu(), check_minatar, 1);
    }

    #[test]
    fn ten_updates_behind_encoders_of_atari() {
        on!(Wgpu, wgpu(), check_one_behind, &["nature", "impala", "impala(width: 2)"]);
    }
}
