//! What makes no sense is refused before a run starts, with the value, the rule and what to type.

mod example;

use softmoe_config::{AgentPreset, Architecture, ConfigError, Experiment, LossSpec, Setting, file};
use std::path::Path;

#[test]
fn a_run_with_a_senseless_value_is_refused() {
    for (text, rule) in [
        (
            "agent.n_step=0",
            "`agent.n_step` is 0 but must be between 1 and 1000 (e.g. `--set agent.n_step=3`)",
        ),
        ("agent.batch_size=0", "between 1"),
        ("agent.update_period=0", "at least 1"),
        ("agent.target_period=0", "at least 1"),
        ("agent.replay_capacity=35", "above batch_size + n_step = 35"),
        ("agent.replay_capacity=10_000_001", "at most 10000000"),
        ("agent.n_step=1001", "between 1 and 1000"),
        ("agent.batch_size=99999999999", "between 1 and 4096"),
        ("agent.min_replay=100_001", "at most replay_capacity = 100000"),
        ("agent.noisy=false", "`agent.epsilon_train` is 0 but must be above 0 where `agent.noisy` is false"),
        ("agent.discount=1.1", "between 0 and 1"),
        ("agent.epsilon_train=-0.1", "between 0 and 1"),
        ("agent.epsilon_decay_period=0", "at least 1"),
        ("agent.epsilon_evaluation=2", "between 0 and 1"),
        ("agent.learning_rate=0", "above 0"),
        ("agent.adam_epsilon=-1", "above 0"),
        ("agent.loss.v_max=0", "above 0"),
        ("agent.loss.atoms=1", "between 2 and 1001"),
        ("agent.priority_exponent=-1", "between 0 and 10"),
        ("agent.importance_exponent=-1", "between 0 and 10"),
        ("environment.sticky_action_probability=1.01", "between 0 and 1"),
        ("environment.max_episode_steps=0", "at least 1"),
        ("network.hidden=0", "between 1 and 8192"),
        ("network.hidden=99999999999", "between 1 and 8192"),
        ("network.body.experts=0", "between 1 and 256"),
        ("network.body.experts=257", "between 1 and 256"),
        (
            "network.body.slots=count(0)",
            "`network.body.slots` is count(0) but must be a count between 1 and 1024",
        ),
        ("network.body.slots=count(1025)", "between 1 and 1024"),
        ("network.body.slots=fraction(0)", "above 0 and at most 1"),
        ("network.body.slots=fraction(1.5)", "above 0 and at most 1"),
        ("network.body=expert_choice(experts: 4, slots: count(65))", "between 1 and 64"),
        ("network.body=top_k(experts: 4, k: 5)", "`network.body.k` is 5 but must be between 1 and 4"),
        ("network.body=top_k(experts: 4, k: 0)", "between 1 and 4"),
        ("network.body=top_k(experts: 4, capacity_factor: 0)", "above 0 and at most 64"),
        ("network.body=top_k(experts: 4, importance_loss: -1)", "from 0"),
        ("network.body=top_k(experts: 4, load_loss: -1)", "from 0"),
        ("network.body=tokenized(pool: mean, scale: 0.3)", "whole width"),
        ("network.body=global_average_pooling(scale: 1e9)", "whole width"),
        ("network.body=simplicial(version: v2, groups: 0)", "between 1 and 256"),
        ("network.body=simplicial(version: v1, groups: 2)", "1 in version v1"),
        ("network.body=simplicial(version: v1, temperature: 0)", "above 0"),
        ("network.body=flat(extra_layers: 17)", "at most 16"),
        (
            "network.body=soft_moe(experts: 4, expert_type: big, normalised: true)",
            "small in a mixture that is normalised",
        ),
        ("network.body=soft_moe(experts: 4, expert_type: big, residual: true)", "residual, a control"),
        (
            "network.body.initial_scale=8",
            "`network.body.initial_scale` is 8 but must be 1 in a mixture that is not normalised",
        ),
        ("network.body=soft_moe(experts: 4, normalised: true, initial_scale: 0)", "above 0 and at most 100"),
        (
            "network.body=soft_moe(experts: 4, normalised: true, initial_scale: 101)",
            "above 0 and at most 100",
        ),
        ("network.body=soft_moe(experts: 4, expert_type: big, slots: count(8))", "9 or more"),
        (
            "network.body=soft_moe(experts: 256, slots: count(1024))",
            "64 tokens in 1024 slots of 256 experts are 16777216",
        ),
        (
            "network.encoder=nature",
            "`network.encoder` is nature but must be one that takes observations of 10x10",
        ),
        ("network.encoder=impala(width: 17)", "between 1 and 16"),
        ("network.body.extra_layers=17", "at most 16"),
        ("network.body.scale=1e9", "between 1 and 8192"),
        ("network.body.scale=0", "whole width"),
        ("network.body.scale=-1", "whole width"),
        ("network.body.scale=0.3", "whole width"),
        ("training.evaluation_period=0", "at least 1"),
        ("training.evaluation_episodes=0", "between 1"),
        ("training.evaluation_episodes=1_000_001", "between 1 and 1000000"),
        ("training.final_evaluation_episodes=0", "between 1"),
        ("training.checkpoint_period=0", "at least 1"),
    ] {
        let mut config = example::run("softmoe-4");
        config.validate().unwrap();
        let setting: Setting = text.parse().unwrap();
        setting.apply(&mut config).unwrap();
        let error = config.validate().unwrap_err();
        let message = error.to_string();
        assert!(message.contains("run quick/softmoe-4/breakout/seed-0"), "{message}");
        assert!(message.contains(rule), "{text}: {message}");
        // What the message says to type helps.
        let ConfigError::Invalid { problems, .. } = &error else { panic!("{error:?}") };
        for problem in problems {
            let typed = problem.split("`--set ").nth(1).unwrap().trim_end_matches("`)");
            // The quotes are the shell's.
            let typed = typed.replace('\'', "");
            typed.parse::<Setting>().unwrap().apply(&mut config).unwrap();
        }
        config.validate().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// DQN's values have the same rules, and those of a return distribution are none of its.
#[test]
fn a_run_of_dqn_with_a_senseless_value_is_refused() {
    let dqn = || {
        let mut config = example::run("softmoe-4");
        config.agent = AgentPreset::DqnMinatar.config();
        config
    };
    dqn().validate().unwrap();
    for (text, rule) in [
        (
            "agent.n_step=0",
            "`agent.n_step` is 0 but must be between 1 and 1000 (e.g. `--set agent.n_step=1`)",
        ),
        ("agent.batch_size=0", "between 1"),
        ("agent.replay_capacity=33", "above batch_size + n_step = 33"),
        ("agent.min_replay=100_001", "at most replay_capacity = 100000"),
        ("agent.epsilon_train=0", "above 0 where `agent.noisy` is false"),
        ("agent.epsilon_decay_period=0", "(e.g. `--set agent.epsilon_decay_period=100000`)"),
        ("agent.learning_rate=0", "(e.g. `--set agent.learning_rate=0.00025`)"),
        ("agent.priority_exponent=-1", "between 0 and 10"),
    ] {
        let mut config = dqn();
        text.parse::<Setting>().unwrap().apply(&mut config).unwrap();
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains(rule), "{text}: {message}");
    }
    for (text, says) in [
        ("agent.loss=hubert", "did you mean `huber`?"),
        ("agent.loss=absolute", "Allowed: `mse`, `huber`, `c51`"),
        ("agent.atoms=51", "there is no key `agent.atoms`"),
        ("agent.dueling=yes", "`true` or `false`"),
    ] {
        let message = text.parse::<Setting>().unwrap().apply(&mut dqn()).unwrap_err().to_string();
        assert!(message.contains(says), "{text}: {message}");
    }
    let message = "agent=dqn_minatar".parse::<Setting>().unwrap_err().to_string();
    assert!(message.contains("choose it with `--agent`"), "{message}");
    let mut config = dqn();
    "agent.loss=huber".parse::<Setting>().unwrap().apply(&mut config).unwrap();
    assert_eq!(config.agent.learning().unwrap().loss, LossSpec::Huber);
    // A categorical head, and the key of its own fields.
    "agent.loss=c51(v_max: 5, atoms: 11)".parse::<Setting>().unwrap().apply(&mut config).unwrap();
    "agent.loss.atoms=21".parse::<Setting>().unwrap().apply(&mut config).unwrap();
    assert_eq!(config.agent.learning().unwrap().loss, LossSpec::C51 { v_max: 5.0, atoms: 21 });
    // Where the field has moved to is said.
    let message = "agent.atoms=51".parse::<Setting>().unwrap().apply(&mut config).unwrap_err().to_string();
    assert!(message.contains("did you mean `agent.loss.atoms`?"), "{message}");
}

#[test]
fn an_experiment_that_does_not_fit_together_is_refused() {
    for (from, to, says) in [
        ("name: \"softmoe-4\"", "name: \"flat\"", "two arms `flat`"),
        ("name: \"softmoe-4\"", "name: \"SoftMoE_4\"", "kebab case"),
        ("name: \"softmoe-4\"", "name: \"softmoe--4\"", "kebab case"),
        ("name: \"softmoe-4\"", "name: \"\"", "kebab case"),
        ("name: \"softmoe-4\"", "name: \"..\"", "kebab case"),
        ("\"quick\": (", "\"../../quick\": (", "the profile `../../quick` must be in kebab case"),
        ("\"quick\": (", "\"..\": (", "the profile `..` must be in kebab case"),
        ("name: \"softmoe-4\"", "name: \"random\"", "added to every experiment"),
        ("reference: \"flat\"", "reference: \"flatt\"", "did you mean `flat`?"),
        ("left: \"flat\"", "left: \"softmoe-5\"", "did you mean `softmoe-4`?"),
        ("margin: 0.1", "margin: -0.1", "`margin` is -0.1"),
        ("seeds: 2", "arms: [\"softmoe-4\"], seeds: 2", "but not `flat`, with which it is compared"),
        (
            "seeds: 2",
            "arms: [\"flatt\"], seeds: 2",
            "names an arm that is none: there is no arm `flatt`; did you mean",
        ),
        (
            "seeds: 2",
            "set_of: {rainbow: [\"agent.min_replay=9\"]}, seeds: 2",
            "`agent.min_replay` in `set` and in `set_of`",
        ),
        (
            "body: flat()",
            "body: flat(), reference: \"flatt\"",
            "`reference` of the arm `flat`: there is no arm `flatt`",
        ),
        ("profiles: {", "shared_profiles: {\"quick\": ()}, profiles: {", "looked up in profiles.ron beside"),
        ("margin: 0.1", "margin: NaN", "`margin` is NaN"),
        ("right: \"softmoe-4\"", "right: \"flat\"", "rule 1 compares flat with itself"),
        (
            "rules: [",
            "rules: [not_higher_on_average(says: \"m\", pairs: [], margin: 0.1),",
            "rule 1: `pairs` is empty but must have a pair",
        ),
        ("rules: [", "premise: lower(says: \"p\", arm: \"soft\", than: \"flat\"), rules: [", "`premise`: "),
        ("rules: [", "effect: 0, rules: [", "`effect` is 0 but must be a finite number above 0"),
        ("minatar([breakout, space_invaders])", "minatar([])", "at least one game"),
        ("minatar([breakout, space_invaders])", "minatar([breakout, breakout])", "each once"),
        ("profiles: {", "groups: [(\" \", [\"flat\"])], profiles: {", "must have a title"),
        ("profiles: {", "groups: [(\"g\", [])], profiles: {", "at least one arm"),
        ("profiles: {", "groups: [(\"g\", [\"flatt\"])], profiles: {", "did you mean `flat`?"),
        ("profiles: {", "groups: [(\"g\", [\"flat\", \"flat\"])], profiles: {", "`flat` is in two groups"),
        ("seeds: 2", "seeds: 0", "0 seeds"),
        ("seeds: 2", "seeds: 1_001", "1001 seeds but must have at most 1000"),
        ("evaluations: 8", "evaluations: 0", "0 evaluations"),
        ("evaluations: 8", "evaluations: 40_001", "40001 evaluations"),
        ("agent.min_replay=1_000", "agent.min_reply=1_000", "did you mean `agent.min_replay`?"),
        ("agent.min_replay=1_000", "agent.n_step=0", "between 1"),
        ("hidden: 128", "hidden: 3", "whole width"),
    ] {
        let text = example::TEXT.replacen(from, to, 1);
        assert_ne!(text, example::TEXT);
        let experiment: Experiment = file::parse(Path::new("fig.ron"), &text).unwrap();
        let message = experiment.validate().unwrap_err().to_string();
        assert!(message.starts_with("experiment fig: "), "{message}");
        assert!(message.contains(says), "{to}: {message}");
    }
    let mut experiment = example::experiment();
    experiment.profiles.clear();
    assert!(experiment.validate().unwrap_err().to_string().contains("no profile"));
}

#[test]
fn a_figure_is_named_like_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fig9.ron");
    std::fs::write(&path, example::TEXT).unwrap();
    let message = Experiment::read(&path).unwrap_err().to_string();
    assert!(message.contains("`figure` is \"fig\""), "{message}");
}

/// Planning has to stay possible: nothing of an enormous number is built before it is refused.
#[test]
fn more_seeds_than_can_be_planned_are_refused() {
    let experiment = example::experiment();
    let mut profile = experiment.profile("quick").unwrap().clone();
    profile.seeds = u64::MAX;
    let message = experiment.resolve("quick", &profile, &["flat"]).unwrap_err().to_string();
    assert!(message.contains("but must have at most 1000 (e.g. `--seeds 5`)"), "{message}");
}

/// Numbers of experts, slots and layers are sizes of a run, not of a type.
#[test]
fn any_sizes_within_bounds_are_allowed() {
    for text in [
        "network.body.experts=3",
        "network.body.slots=count(1)",
        "network.body.slots=fraction(0.1)",
        "network.body=flat(extra_layers: 16)",
        "network.body=expert_choice(experts: 7, slots: tokens)",
    ] {
        let mut config = example::run("softmoe-4");
        text.parse::<Setting>().unwrap().apply(&mut config).unwrap();
        config.validate().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn an_architecture_is_refused_if_its_parts_do_not_fit() {
    let text = "(network: (encoder: impala(), body: soft_moe(experts: 4), hidden: 512), \
                 head: q(dueling: false, noisy: false), observation: (84, 84, 4), actions: 18)";
    text.parse::<Architecture>().unwrap().validate().unwrap();
    for (from, to, says) in [
        ("(84, 84, 4)", "(10, 10, 4)", "observations of 10x10 pixels, not of 84x84"),
        ("(84, 84, 4)", "(84, 84, 0)", "channels` is 0"),
        ("actions: 18", "actions: 0", "`actions` is 0"),
        ("experts: 4", "experts: 0", "`network.body.experts` is 0"),
        ("impala()", "minatar", "observations of 84x84 pixels, not of 10x10"),
    ] {
        let architecture: Architecture = text.replacen(from, to, 1).parse().unwrap();
        let message = architecture.validate().unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}
