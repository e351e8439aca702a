//! Interventions in files and settings.

mod example;

use softmoe_config::setting::{fields, settable};
use softmoe_config::{
    AgentConfig, ConfigError, Experiment, InterventionSpec, PartSpec, RunConfig, Setting, file,
};
use std::path::Path;

fn set(config: &RunConfig, text: &str) -> Result<RunConfig, ConfigError> {
    let mut config = config.clone();
    text.parse::<Setting>()?.apply(&mut config)?;
    config.validate()?;
    Ok(config)
}

fn of(config: &RunConfig) -> InterventionSpec {
    config.agent.learning().unwrap().intervention
}

#[test]
fn the_defaults_are_the_experiments() {
    let run = example::run("softmoe-4");
    assert_eq!(of(&run), InterventionSpec::None);
    for (text, want) in [
        ("redo()", InterventionSpec::Redo { period: 1_000, tau: 0.025, on: PartSpec::Network }),
        ("random_reset()", InterventionSpec::RandomReset { period: 1_000 }),
        (
            "shrink_and_perturb()",
            InterventionSpec::ShrinkAndPerturb {
                period: 20_000,
                shrink: 0.8,
                perturb: 0.2,
                on: PartSpec::Experts,
            },
        ),
        ("none", InterventionSpec::None),
    ] {
        let run = set(&run, &format!("agent.intervention={text}")).unwrap();
        assert_eq!(of(&run), want);
        // Written, it reads back the same.
        assert_eq!(want.to_string().parse::<InterventionSpec>().unwrap(), want);
    }
}

#[test]
fn its_numbers_are_keys_of_their_own() {
    let run = set(&example::run("softmoe-4"), "agent.intervention=redo(tau: 0.1)").unwrap();
    assert_eq!(fields(&run)["agent.intervention"], "\"redo\"");
    assert_eq!(fields(&run)["agent.intervention.tau"], "0.1");
    let run = set(&run, "agent.intervention.on=experts").unwrap();
    let run = set(&run, "agent.intervention.period=500").unwrap();
    assert_eq!(of(&run), InterventionSpec::Redo { period: 500, tau: 0.1, on: PartSpec::Experts });
    assert!(settable(&example::run("softmoe-4")).contains(&"agent.intervention".to_owned()));
    assert!(!settable(&example::run("random")).contains(&"agent.intervention".to_owned()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let run = example::run("softmoe-4");
    for (text, says) in [
        ("redo(period: 0)", "`agent.intervention.period` is 0 but must be at least 1"),
        ("redo(tau: -0.1)", "must be a finite number from 0"),
        ("random_reset(period: 0)", "at least 1"),
        ("shrink_and_perturb(shrink: 1.5)", "between 0 and 1"),
        ("shrink_and_perturb(perturb: -1)", "from 0"),
        ("redoo()", "did you mean `redo`?"),
        ("redo(tua: 1)", "did you mean `tau`?"),
        ("redo(on: expert)", "did you mean `experts`?"),
    ] {
        let message = set(&run, &format!("agent.intervention={text}")).unwrap_err().to_string();
        assert!(message.contains(says), "{text}: {message}");
    }
    let message = set(&run, "agent.intervention.tau=1").unwrap_err().to_string();
    assert!(message.contains("there is no key"), "{message}");

    let flat = example::run("flat");
    for (text, instead) in [
        ("redo(on: experts)", "--set agent.intervention.on=network"),
        ("shrink_and_perturb()", "--set agent.intervention.on=network"),
        ("random_reset()", "--set agent.intervention=none"),
    ] {
        let message = set(&flat, &format!("agent.intervention={text}")).unwrap_err().to_string();
        assert!(message.contains("the body `flat` has none") && message.contains(instead), "{message}");
    }
    assert!(set(&flat, "agent.intervention=redo()").is_ok());
}

#[test]
fn an_arm_has_its_own() {
    let arm = "body: soft_moe(experts: 4, scale: 0.25)";
    let text = example::TEXT.replacen(arm, &format!("{arm}, intervention: redo(on: experts)"), 1);
    let experiment: Experiment = file::parse(Path::new("fig.ron"), &text).unwrap();
    experiment.validate().unwrap();
    let runs =
        experiment.resolve("quick", experiment.profile("quick").unwrap(), &["random", "flat", "softmoe-4"]);
    let runs = runs.unwrap();
    assert_eq!(runs[0].agent, AgentConfig::Random);
    assert_eq!(of(&runs[1]), InterventionSpec::None);
    assert_eq!(of(&runs[2]), InterventionSpec::Redo { period: 1_000, tau: 0.025, on: PartSpec::Experts });
}
