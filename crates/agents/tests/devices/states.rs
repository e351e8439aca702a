//! Learners that change from one engine to the other.

use super::{architecture, batch, on_cpu, on_device};
use burn_tensor::backend::Backend;
use softmoe_agents::Mode;
use softmoe_config::LearningConfig;

/// A state that one engine saved, the other goes on from: to the same actions and updates.
pub(crate) fn check_states<B: Backend>(device: &B::Device) {
    let rainbow = LearningConfig::rainbow_minatar().head();
    for (body, head) in [
        ("flat", rainbow),
        ("soft_moe(experts: 4)", rainbow),
        ("expert_choice(experts: 4, bottleneck: true)", rainbow),
        ("flat", LearningConfig::dqn_minatar().head()),
    ] {
        let architecture = architecture("minatar", body, head);
        let batch = |seed| batch(&architecture, seed);
        let (mut cpu, mut other) = (on_cpu(&architecture, true), on_device::<B>(&architecture, true, device));
        cpu.update(&batch(1)).unwrap();
        cpu.sync_target();
        cpu.update(&batch(2)).unwrap();
        other.restore(&cpu.state()).unwrap();
        assert_eq!(other.state(), cpu.state(), "{body}: state");
        for observation in batch(3).states.chunks_exact(architecture.observation.iter().product()) {
            for mode in [Mode::Train, Mode::Evaluate] {
                assert_eq!(other.act(observation, mode), cpu.act(observation, mode), "{body}: action");
            }
        }
        other.update(&batch(4)).unwrap();
        cpu.restore(&other.state()).unwrap();
        assert_eq!(cpu.state(), other.state(), "{body}: state");
        assert!(other.restore(b"no state").is_err());
        assert_eq!(cpu.state(), other.state(), "{body}: state after a bad one");
    }
}
