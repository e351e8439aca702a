//! The networks that a configuration can name.

use softmoe_agents::networks::{ATOMS, categorical};
use softmoe_env::minatar::{Game, Settings, make};
use softmoe_spec::{BodySpec, EncoderSpec, Experiment, NetworkSpec, RainbowConfig, SlotsSpec};
use std::path::Path;

fn spec(body: BodySpec, hidden: usize) -> NetworkSpec {
    NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden }
}

fn flat(scale: f64, extra_layers: usize) -> BodySpec {
    BodySpec::Flat { scale, extra_layers }
}

fn soft_moe(experts: usize, slots: SlotsSpec) -> BodySpec {
    BodySpec::SoftMoe { experts, slots, scale: 1.0, extra_layers: 0 }
}

/// Parameters on MinAtar Breakout: 10x10 pixels of 4 channels, 6 actions.
fn parameters(body: BodySpec, hidden: usize) -> usize {
    let network = categorical(&spec(body, hidden), &RainbowConfig::minatar(), [10, 10, 4], 6).unwrap();
    assert_eq!(network.output_shape(), [6, ATOMS]);
    network.parameters().len()
}

#[test]
fn parameters_are_as_many_as_the_layers_have() {
    // Noisy layers have two of each weight: mu and sigma.
    let noisy = |inputs: usize, outputs: usize| 2 * (inputs + 1) * outputs;
    let dense = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
    let encoder = 3 * 3 * 4 * 16 + 16;
    let head = |features: usize| noisy(features, 6 * 51) + noisy(features, 51);

    assert_eq!(parameters(flat(1.0, 0), 128), encoder + noisy(1024, 128) + head(128));
    assert_eq!(parameters(flat(1.0, 0), 128), 355_098);
    let two = encoder + noisy(1024, 128) + noisy(128, 128) + head(128);
    assert_eq!(parameters(flat(1.0, 1), 128), two);
    assert_eq!(parameters(flat(4.0, 0), 32), parameters(flat(1.0, 0), 128));

    let expert = noisy(16, 128) + dense(128, 16);
    for (experts, slots, count) in [
        (1, SlotsSpec::TokensOverExperts, 64),
        (2, SlotsSpec::TokensOverExperts, 32),
        (4, SlotsSpec::TokensOverExperts, 16),
        (8, SlotsSpec::TokensOverExperts, 8),
        (4, SlotsSpec::Tokens, 64),
        (1, SlotsSpec::Tokens, 64),
    ] {
        let phi = 16 * experts * count;
        let total = encoder + phi + experts * expert + head(1024);
        assert_eq!(parameters(soft_moe(experts, slots), 128), total, "{experts} experts of {count} slots");
    }
    for (experts, slots) in
        [(1, SlotsSpec::Tokens), (4, SlotsSpec::TokensOverExperts), (4, SlotsSpec::Tokens)]
    {
        let body = BodySpec::ExpertChoice { experts, slots, scale: 1.0 };
        assert_eq!(parameters(body, 128), encoder + 16 * experts + experts * expert + head(1024));
    }
}

#[test]
fn every_arm_of_every_experiment_builds_for_every_game() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut built = 0;
    for entry in directory.read_dir().unwrap() {
        let experiment = Experiment::read(&entry.unwrap().path()).unwrap();
        for (name, profile) in &experiment.profiles {
            for arm in &experiment.arms {
                for &game in &profile.games {
                    let environment = make(game, &Settings::default(), 0);
                    let network = NetworkSpec {
                        encoder: profile.encoder,
                        body: arm.body.clone(),
                        hidden: profile.hidden,
                    };
                    let (shape, actions) = (environment.shape(), environment.actions());
                    categorical(&network, &RainbowConfig::minatar(), shape, actions)
                        .unwrap_or_else(|error| panic!("{name}, {}, {game}: {error}", arm.name));
                    built += 1;
                }
            }
        }
    }
    assert!(built > 0);
}

#[test]
fn heads_and_layers_follow_the_agent() {
    let agent = RainbowConfig { noisy: false, dueling: false, ..RainbowConfig::minatar() };
    let network = categorical(&spec(flat(1.0, 0), 8), &agent, [10, 10, 4], 6).unwrap();
    assert!(network.noise().is_empty());
    let encoder = 3 * 3 * 4 * 16 + 16;
    assert_eq!(network.parameters().len(), encoder + 1025 * 8 + 9 * 6 * 51);
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let refused = |body: BodySpec, agent: RainbowConfig, shape: [usize; 3]| {
        categorical(&spec(body, 8), &agent, shape, 6).err().expect("an error").to_string()
    };
    let minatar = RainbowConfig::minatar;
    let shape = make(Game::Breakout, &Settings::default(), 0).shape();
    for body in [
        flat(1.0, 2),
        soft_moe(3, SlotsSpec::TokensOverExperts),
        soft_moe(8, SlotsSpec::Tokens),
        BodySpec::ExpertChoice { experts: 2, slots: SlotsSpec::Tokens, scale: 1.0 },
    ] {
        let error = refused(body, minatar(), shape);
        assert!(
            error.contains("there are: flat with extra_layers 0 or 1; soft_moe with 1, 2, 4 or 8"),
            "{error}"
        );
    }
    let error = refused(soft_moe(3, SlotsSpec::Tokens), minatar(), shape);
    assert!(error.contains("`soft_moe with 3 experts (slots tokens)`"), "{error}");
    let error = refused(flat(1.0, 0), RainbowConfig { atoms: 21, ..minatar() }, shape);
    assert!(error.contains("`agent.atoms` is 21 but must be 51"), "{error}");
    let error = refused(flat(1.0, 0), minatar(), [84, 84, 1]);
    assert!(error.contains("84x84 pixels") && error.contains("10x10 pixels"), "{error}");
}
