//! Updates that are not finite.

use super::{architecture, batch, rainbow};
use burn_tensor::backend::Backend;
use softmoe_agents::networks::{build, build_on};
use softmoe_agents::rainbow::{DeviceRainbowLearner, RainbowLearner};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{AgentError, Learner};
use softmoe_config::{Architecture, LearningConfig};

fn on_device<B: Backend>(architecture: &Architecture, device: &B::Device) -> DeviceRainbowLearner<B> {
    let network = build_on::<B>(architecture).unwrap();
    DeviceRainbowLearner::new(network, rainbow(architecture, true), Seeds::new(3), device.clone())
}

/// A loss that is not finite is refused, and leaves the weights as they were.
pub(crate) fn check_a_loss<B: Backend>(device: &B::Device) {
    for body in ["flat", "soft_moe(experts: 2)"] {
        let architecture = architecture("minatar", body, LearningConfig::rainbow_minatar().head());
        let mut learner = on_device::<B>(&architecture, device);
        learner.update(&batch(&architecture, 1)).unwrap();
        let weights = vec![1e30; learner.parameters()];
        learner.set_weights(&weights, &weights);
        let noise = vec![0.0; learner.network().noise().len()];
        let before = learner.state();
        let error = learner.update_with(&batch(&architecture, 2), &noise, &noise).unwrap_err().to_string();
        let expected = "update 2, of loss NaN, is not finite; all weights are finite, the largest, 1e30, ";
        assert!(error.contains(expected), "{error}");
        assert_eq!(learner.state(), before);
    }
}

/// A weight of each layer in turn is no number: the layer is named, on both engines.
pub(crate) fn check_poisoned_weights<B: Backend>(device: &B::Device) {
    for body in ["flat", "soft_moe(experts: 2)"] {
        let architecture = architecture("minatar", body, LearningConfig::rainbow_minatar().head());
        let mut device = on_device::<B>(&architecture, device);
        let mut cpu =
            RainbowLearner::new(build(&architecture).unwrap(), rainbow(&architecture, true), Seeds::new(3));
        let before = cpu.state();
        let list = cpu.network().parameters().clone();
        let healthy: Vec<f32> =
            cpu.weights().into_iter().flat_map(|(_, _, values)| values.into_owned()).collect();
        let batch = batch(&architecture, 1);
        for parameter in list.iter() {
            let mut weights = healthy.clone();
            weights[parameter.range.start] = f32::NAN;
            let expected = format!("the weights of `{}` are not finite", parameter.name);
            cpu.restore(&before).unwrap();
            cpu.set_weights(&weights, &healthy);
            let error = cpu.update(&batch).unwrap_err();
            assert!(matches!(error, AgentError::Diverged { update: 1, .. }), "{error}");
            assert!(error.to_string().contains(&expected), "{error}; {expected}");
            device.restore(&before).unwrap();
            device.set_weights(&weights, &healthy);
            let error = device.update(&batch).unwrap_err();
            assert!(matches!(error, AgentError::Diverged { update: 1, .. }), "{error}");
            assert!(error.to_string().contains(&expected), "{error}; {expected}");
        }
    }
}
