//! The networks that can be made are the ones that a configuration may name.

use softmoe_agents::networks::categorical;
use softmoe_spec::{BodySpec, EncoderSpec, NetworkSpec, RainbowConfig, SlotsSpec};

#[test]
fn what_is_said_to_be_compiled_is() {
    let mut bodies: Vec<BodySpec> =
        (0..4).map(|extra_layers| BodySpec::Flat { scale: 1.0, extra_layers }).collect();
    for experts in 0..10 {
        for slots in [SlotsSpec::TokensOverExperts, SlotsSpec::Tokens] {
            bodies.push(BodySpec::SoftMoe { experts, slots, scale: 1.0, extra_layers: 0 });
            bodies.push(BodySpec::ExpertChoice { experts, slots, scale: 1.0 });
        }
    }
    for body in bodies {
        let (is_compiled, name) = (body.is_compiled(), body.to_string());
        let spec = NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 4 };
        let network = categorical(&spec, &RainbowConfig::minatar(), [10, 10, 4], 6);
        assert_eq!(network.is_ok(), is_compiled, "{name}");
    }
}
