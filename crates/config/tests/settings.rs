//! `key=value`: every key can be set, and only to what its type allows.

mod example;

use proptest::prelude::*;
use softmoe_config::setting::{Difference, between, differences, fields, settable};
use softmoe_config::{BodySpec, ConfigError, EncoderSpec, Setting};

fn set(arm: &str, text: &str) -> Result<softmoe_config::RunConfig, ConfigError> {
    let mut config = example::run(arm);
    text.parse::<Setting>()?.apply(&mut config)?;
    Ok(config)
}

#[test]
fn a_key_addresses_the_active_variant() {
    let fields_of = |text| fields(&set("softmoe-4", text).unwrap());
    for (text, key, value) in [
        ("agent.n_step=5", "agent.n_step", "5"),
        ("agent.discount = 0.5", "agent.discount", "0.5"),
        ("agent.learning_rate=1e-3", "agent.learning_rate", "0.001"),
        ("agent.replay_capacity=50_000", "agent.replay_capacity", "50000"),
        ("agent.noisy=false", "agent.noisy", "false"),
        ("network.body.scale=4", "network.body.scale", "4.0"),
        ("network.body.slots=tokens", "network.body.slots", "\"tokens\""),
        ("network.body.slots=fraction(0.1)", "network.body.slots", "\"fraction(0.1)\""),
        ("network.body.slots=count( 3 )", "network.body.slots", "\"count(3)\""),
        ("network.body.tokens=per_patch", "network.body.tokens", "\"per_patch\""),
        ("network.body.normalised=true", "network.body.normalised", "true"),
        ("network.body.dispatch=uniform", "network.body.dispatch", "\"uniform\""),
        ("network.encoder=nature", "network.encoder", "\"nature\""),
        ("network.hidden=256", "network.hidden", "256"),
        ("training.evaluation_episodes=1", "training.evaluation_episodes", "1"),
        ("environment.sticky_action_probability=0", "environment.sticky_action_probability", "0.0"),
        ("environment.difficulty_ramping=false", "environment.difficulty_ramping", "false"),
    ] {
        let (before, after) = (fields(&example::run("softmoe-4")), fields_of(text));
        let changed: Vec<_> = after.iter().filter(|(key, value)| before.get(*key) != Some(value)).collect();
        assert_eq!(changed, [(&key.to_owned(), &value.to_owned())], "{text}");
        assert_eq!(before.len(), after.len());
    }
    let body = set("softmoe-4", "network.body.slots=tokens").unwrap().network.body;
    assert_eq!(body, "soft_moe(experts: 4, slots: tokens, scale: 0.25)".parse().unwrap());
}

#[test]
fn a_variants_name_is_a_field_but_cannot_be_set() {
    let fields = fields(&example::run("softmoe-4"));
    assert_eq!(fields["agent"], "\"learning\"");
    assert_eq!(fields["network.body"], "\"soft_moe\"");
    assert!(matches!(set("random", "agent.n_step=5"), Err(ConfigError::UnknownName(_))));
    assert!(matches!(set("flat", "network.body.experts=5"), Err(ConfigError::UnknownName(_))));
}

#[test]
fn what_names_a_run_is_chosen_elsewhere() {
    for key in [
        "figure",
        "profile",
        "arm",
        "agent",
        "seed",
        "environment",
        "environment.game",
        "training.agent_steps",
    ] {
        let message = set("flat", &format!("{key}=1")).unwrap_err().to_string();
        assert!(message.contains("--") || message.contains("first argument"), "{message}");
        assert!(!settable(&example::run("flat")).contains(&key.to_owned()));
    }
}

#[test]
fn settings_apply_where_they_can_and_must_somewhere() {
    let experiment = example::experiment();
    let resolve = |text: &str| {
        let mut profile = experiment.profile("quick").unwrap().clone();
        profile.set.push(text.to_owned());
        experiment.resolve("quick", &profile, &["random", "flat", "softmoe-4"])
    };
    let runs = resolve("network.body.experts=2").unwrap();
    assert!(matches!(runs[2].network.body, BodySpec::SoftMoe { experts: 2, .. }));
    assert_eq!(runs[1].network.body, BodySpec::flat());
    let message = resolve("network.body.expert=2").unwrap_err().to_string();
    assert!(message.contains("did you mean `network.body.experts`?"), "{message}");
    // The last one wins, so that the command line can change what the profile sets.
    let runs = resolve("agent.min_replay=77").unwrap();
    assert_eq!(fields(&runs[1])["agent.min_replay"], "77");
}

proptest! {
    /// Whatever is typed, the answer is a changed configuration or an error, and an error changes nothing.
    #[test]
    fn nothing_typed_panics(text in "[a-z_.]{0,12}(=|)[-a-z0-9_.+]{0,8}") {
        let before = example::run("flat");
        let mut config = before.clone();
        if let Ok(setting) = text.parse::<Setting>() && setting.apply(&mut config).is_err() {
            prop_assert_eq!(config, before);
        }
    }

    /// Every key takes its own value back (the name of a body or a loss alone may lack a field), and a whole number or an error
    /// in its place.
    #[test]
    fn every_key_can_be_set(index in any::<prop::sample::Index>(), number in any::<u64>()) {
        let before = example::run("softmoe-4");
        let keys = settable(&before);
        let key = index.get(&keys);
        prop_assume!(!["network.body", "agent.loss"].contains(&key.as_str()));
        let current = fields(&before)[key].trim_matches('"').to_owned();
        let mut config = before.clone();
        format!("{key}={current}").parse::<Setting>().unwrap().apply(&mut config).unwrap();
        prop_assert_eq!(&config, &before);
        let number = number >> 12; // what a floating-point number holds exactly
        if format!("{key}={number}").parse::<Setting>().unwrap().apply(&mut config).is_ok() {
            let now: f64 = fields(&config)[key].parse().unwrap();
            prop_assert_eq!(now, number as f64);
        } else {
            prop_assert_eq!(config, before);
        }
    }
}

#[test]
fn a_mistyped_value_gets_the_nearest() {
    for (text, says) in [
        (
            "network.body.slots=token",
            "there is no value `token`; did you mean `tokens`? Allowed: `tokens_over_experts`",
        ),
        ("network.encoder=minitar", "did you mean `minatar`? Allowed: `minatar`, `nature`, `impala`"),
        ("network.encoder=resnet", "there is no value `resnet`. Allowed: `minatar`"),
        ("network.encoder=impala(with: 2)", "there is no field `with`; did you mean `width`?"),
        ("network.body=softmoe(experts: 4)", "there is no value `softmoe`; did you mean `soft_moe`?"),
        ("network.body=soft_moe(expert: 4)", "there is no field `expert`; did you mean `experts`?"),
        ("network.body=soft_moe", "the field `experts` of soft_moe is missing: add `experts: ..`"),
        ("network.body.slots=fraction(a)", "expected"),
    ] {
        let message = set("softmoe-4", text).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn configurations_differ_where_they_were_set() {
    let before = example::run("softmoe-4");
    let after = set("softmoe-4", "network.body.slots=tokens").unwrap();
    assert_eq!(differences(&before, &before), []);
    let difference = |key: &str, left: &str, right: &str| Difference {
        key: key.into(),
        left: left.into(),
        right: right.into(),
    };
    let slots = difference("network.body.slots", "tokens_over_experts", "tokens");
    assert_eq!(differences(&before, &after), [slots]);
    let others = differences(&before, &example::run("flat"));
    assert!(others.contains(&difference("network.body.experts", "4", "nothing")));
}

/// The settings between two configurations make the one of the other, whole variants among them.
#[test]
fn settings_turn_one_run_into_another() {
    let from = example::run("softmoe-4");
    for text in [
        "agent.loss=huber",
        "agent.loss.atoms=21",
        "agent.intervention=redo(on: experts)",
        "network.body=tokenized(pool: mean, relu: after)",
        "network.body.slots=fraction(0.1)",
        "network.encoder=impala",
        "environment.sticky_action_probability=0",
    ] {
        let to = set("softmoe-4", text).unwrap();
        for (from, to) in [(&from, &to), (&to, &from)] {
            let settings = between(from, to);
            assert_eq!(settings.len(), 1, "{settings:?}");
            let mut config = from.clone();
            for setting in settings {
                setting.to_string().parse::<Setting>().unwrap().apply(&mut config).unwrap();
            }
            assert_eq!(config, *to, "{text}");
        }
    }
    assert_eq!(between(&from, &from), []);
}

/// A whole body or encoder can be put in another's place, with the defaults of what it leaves out.
#[test]
fn a_variant_is_set_as_in_a_file() {
    let body = |text: &str| set("flat", text).unwrap().network.body;
    assert_eq!(body("network.body=soft_moe(experts: 2)"), BodySpec::soft_moe(2));
    assert_eq!(body("network.body=flat"), BodySpec::flat());
    let config = set("flat", "network.encoder=impala").unwrap();
    assert_eq!(config.network.encoder, EncoderSpec::Impala { width: 1 });
    assert_eq!(fields(&config)["network.encoder"], "\"impala\"");
    assert_eq!(fields(&config)["network.encoder.width"], "1");
    let mut config = config;
    "network.encoder.width=2".parse::<Setting>().unwrap().apply(&mut config).unwrap();
    assert_eq!(config.network.encoder, EncoderSpec::Impala { width: 2 });
}
