//! The committed experiments: they read, they validate, and they hold the arms of the paper.

use softmoe_config::setting::differences;
use softmoe_config::{
    BodySpec, EncoderSpec, Experiment, Game, GameSet, Games, MinAtarGame, Profile, ProfilePart, RANDOM_ARM,
    Rule, RunConfig, SharedProfiles,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// The search for a setting: it has profiles of its own, on MinAtar alone.
const SEARCH: &str = "atlas";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/experiments")
}

fn experiments() -> Vec<Experiment> {
    let files = Experiment::files(&directory()).unwrap();
    assert!(!files.is_empty());
    files.iter().map(|file| Experiment::read(file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn every_experiment_reads_and_validates() {
    for experiment in experiments() {
        if experiment.profiles.is_empty() {
            assert!(
                !experiment.drawings.is_empty(),
                "{}: nothing is run and nothing drawn",
                experiment.figure
            );
            continue;
        }
        if experiment.figure == SEARCH {
            assert!(experiment.profiles.contains_key("smoke") && !experiment.rules.is_empty());
            continue;
        }
        for name in ["smoke", "quick", "minatar", "atari-smoke", "atari100k"] {
            assert!(experiment.profiles.contains_key(name), "{}: profile {name}", experiment.figure);
        }
        // Curves illustrate other figures.
        let judges = experiment.figure != "app-curves";
        assert_eq!(!experiment.rules.is_empty(), judges, "{}: the rules of the verdict", experiment.figure);
        let paper = if experiment.figure == "app-cnn" { "paper-cnn" } else { "paper" };
        assert!(experiment.profiles.contains_key(paper), "{}: profile {paper}", experiment.figure);
        for (name, profile) in &experiment.profiles {
            let leaves_out = profile.leaves_out();
            assert!(!leaves_out.is_empty(), "{}/{name}", experiment.figure);
            let is_small = profile.games.list().len() < 20;
            assert_eq!(
                leaves_out[0].contains("instead of 20"),
                is_small,
                "{}/{name}: {leaves_out:?}",
                experiment.figure
            );
        }
    }
}

/// Figures share the runs of a profile: the same profile and arm are the same run, and an arm has one label.
#[test]
fn equal_names_are_equal_runs() {
    let experiments = experiments();
    let mut runs: BTreeMap<String, (String, RunConfig)> = BTreeMap::new();
    let mut labels: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut shared = 0;
    for experiment in &experiments {
        let figure = &experiment.figure;
        for arm in &experiment.arms {
            let (other, label) =
                labels.entry(arm.name.clone()).or_insert_with(|| (figure.clone(), arm.label.clone()));
            assert_eq!(*label, arm.label, "`{}` in {other} and {figure}", arm.name);
        }
        for (name, profile) in &experiment.profiles {
            let arms: Vec<&str> = experiment.arms_for(profile).collect();
            for run in experiment.resolve(name, profile, &arms).unwrap() {
                match runs.entry(run.name()) {
                    Entry::Vacant(entry) => drop(entry.insert((figure.clone(), run))),
                    Entry::Occupied(entry) => {
                        let (other, known) = entry.get();
                        assert_eq!(*known, run, "{} in {other} and {figure}", run.name());
                        shared += 1;
                    }
                }
            }
        }
    }
    assert!(experiments.len() <= 2 || shared > 0, "flat is in several figures");
}

/// A figure takes no more than a shared profile has.
#[test]
fn a_part_of_a_shared_profile_is_no_wider() {
    let shared = SharedProfiles::beside(&directory().join("fig3.ron")).unwrap();
    let part = |games: &[&str], seeds: Option<u64>| ProfilePart {
        games: games.iter().map(ToString::to_string).collect(),
        seeds,
        arms: vec!["flat".into()],
        without: Vec::new(),
        leaves_out: vec!["One game.".into()],
        purpose: None,
    };
    let quick = shared.part("quick", &part(&["space_invaders"], Some(1))).unwrap();
    assert_eq!((quick.games.names(), quick.seeds), (vec!["space_invaders"], 1));
    assert_eq!(quick.agent_steps, shared.0["quick"].agent_steps);
    assert!(quick.leaves_out.ends_with(&["One game.".to_owned()]));
    for (name, games, seeds, says) in [
        ("quick", vec!["seaquest"], None, "`games` has seaquest, which the profile does not have"),
        ("quick", vec!["seaqest"], None, "did you mean `seaquest`?"),
        ("quick", vec![], Some(4), "`seeds` is 4 but must be at most the profile's 3"),
        ("quik", vec![], None, "no shared profile `quik`; did you mean `quick`?"),
    ] {
        let message = shared.part(name, &part(&games, seeds)).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}

/// EXPERIMENTS: flat; SoftMoE-4; ExpertChoice-4; both with p = m; experts x0.25 and x4; flat x4; one more layer.
#[test]
fn fig3_has_the_ten_arms_of_the_paper() {
    let fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
    let expected = [
        ("flat", "flat()"),
        ("softmoe-4", "soft_moe(experts: 4)"),
        ("expert-choice-4", "expert_choice(experts: 4)"),
        ("softmoe-4-p-equals-m", "soft_moe(experts: 4, slots: tokens)"),
        ("expert-choice-4-p-equals-m", "expert_choice(experts: 4, slots: tokens)"),
        ("softmoe-4-x0.25", "soft_moe(experts: 4, scale: 0.25)"),
        ("softmoe-4-x4", "soft_moe(experts: 4, scale: 4)"),
        ("flat-x4", "flat(scale: 4)"),
        ("flat-extra-layer", "flat(extra_layers: 1)"),
        ("softmoe-4-extra-layer", "soft_moe(experts: 4, extra_layers: 1)"),
    ];
    let expected = expected.map(|(name, body)| (name, body.parse().unwrap()));
    let arms: Vec<_> = fig3.arms.iter().map(|arm| (arm.name.as_str(), arm.body.clone())).collect();
    assert_eq!(arms, expected);
    assert_eq!(fig3.reference, "flat");
    // Without a gain of SoftMoE-4 there is nothing to explain.
    assert!(matches!(&fig3.premise, Some(Rule::Higher { better, .. }) if better == "softmoe-4"));
    // The claim has four parts; p = m is judged for both routers, width for both networks.
    assert_eq!(fig3.rules.len(), 6);
    assert!(matches!(&fig3.rules[3], Rule::NotLower { arm, .. } if arm == "softmoe-4-x4"));
    assert!(matches!(&fig3.rules[4], Rule::Lower { arm, .. } if arm == "flat-x4"));
}

/// EXPERIMENTS: flat, tokenized, SoftMoE; the paper's size and MinAtar's.
#[test]
fn fig2_draws_the_three_architectures() {
    let fig2 = experiments().into_iter().find(|experiment| experiment.figure == "fig2").unwrap();
    let arms: Vec<(&str, String)> =
        fig2.arms.iter().map(|arm| (arm.name.as_str(), arm.body.to_string())).collect();
    let expected = [
        ("flat", BodySpec::flat()),
        ("tokenized-sum", "tokenized(pool: sum)".parse().unwrap()),
        ("softmoe-4", BodySpec::soft_moe(4)),
    ];
    assert_eq!(arms, expected.map(|(name, body)| (name, body.to_string())));
    let atari = fig2.drawn("atari", "softmoe-4").unwrap();
    assert_eq!((atari.network.encoder, atari.network.hidden), (EncoderSpec::Impala { width: 1 }, 512));
    assert_eq!((atari.observation, atari.actions), ([84, 84, 4], 18));
    let minatar = fig2.drawn("minatar", "flat").unwrap();
    assert_eq!((minatar.network.encoder, minatar.network.hidden), (EncoderSpec::MinAtar, 128));
    let fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
    let of_fig3 =
        fig3.architecture("quick", "flat", Some(Game::MinAtar(MinAtarGame::Breakout)), None, &[]).unwrap();
    assert_eq!(of_fig3, minatar, "what is drawn is what is run");
    // The other figures' arms, at the paper's size.
    let impala = fig3.architecture("quick", "softmoe-4", None, Some(EncoderSpec::Impala { width: 1 }), &[]);
    assert_eq!(impala.unwrap(), atari);
    assert!(fig2.drawn("atari", "softmoe").is_err() && fig2.drawn("ataari", "flat").is_err());
}

/// The profile `minatar`: 5 games, 5 seeds, 2M agent steps.
#[test]
fn fig3_minatar_is_the_whole_suite() {
    let fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
    let profile = fig3.profile("minatar").unwrap();
    assert_eq!(profile.games, Games::MinAtar(MinAtarGame::ALL.into()));
    assert_eq!((profile.seeds, profile.agent_steps.0, profile.hidden), (5, 2_000_000, 128));
    let arms: Vec<&str> = fig3.arm_names().collect();
    assert_eq!(arms[0], RANDOM_ARM);
    let runs = fig3.resolve("minatar", profile, &arms).unwrap();
    assert_eq!(runs.len(), 11 * 5 * 5);
    assert!(runs[..55].iter().all(|run| run.seed == 0), "whole seeds come first");
}

/// What is left out is said of the profile as it was changed, not as it was read.
#[test]
fn what_is_left_out_follows_the_numbers() {
    let fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
    let mut profile = fig3.profile("minatar").unwrap().clone();
    let says = |profile: &Profile, part: &str| profile.leaves_out().iter().any(|line| line.contains(part));
    assert!(says(&profile, "5 small games instead of 20"));
    assert!(says(&profile, "2,000,000 agent steps instead of 50 million"));
    assert!(says(&profile, "Hidden width 128 instead of 512"));
    assert!(!says(&profile, "seed"));
    profile.games = profile.games.select(["asterix"]).unwrap();
    (profile.seeds, profile.agent_steps.0) = (1, 50_000_000);
    profile.set = ["network.hidden=5_12", "agent.n_step=1", "agent.n_step=5"].map(str::to_owned).to_vec();
    assert!(says(&profile, "1 small game instead of 20"));
    assert!(says(&profile, "1 seed instead of 5"));
    assert!(says(&profile, "Other values than the usual ones: agent.n_step=5."));
    assert!(!says(&profile, "agent step"));
    assert!(!says(&profile, "Hidden width"));
}

/// Rounded up, the period gives exactly the profile's evaluations; the last is the final one.
#[test]
fn there_are_as_many_evaluations_as_the_profile_has() {
    let fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
    let mut profile = fig3.profile("quick").unwrap().clone();
    for steps in [20_000, 12_347, 12_349, 300] {
        profile.agent_steps.0 = steps;
        let run = fig3.resolve("quick", &profile, &["flat"]).unwrap().remove(0);
        assert_eq!(steps.div_ceil(run.training.evaluation_period.0), profile.evaluations, "{steps}");
    }
}

/// EXPERIMENTS: every row, and the arms of each by their bodies.
#[test]
fn every_figure_is_there_with_its_arms() {
    let experiments = experiments();
    let names: Vec<&str> = experiments.iter().map(|experiment| experiment.figure.as_str()).collect();
    let rows = [
        ("app-cnn", 13),
        ("app-curves", 10),
        ("app-der", 10),
        (SEARCH, 9),
        ("controls", 14),
        ("fig1", 6),
        ("fig10", 8),
        ("fig11", 18),
        ("fig2", 3),
        ("fig3", 10),
        ("fig4", 5),
        ("fig5", 12),
        ("fig6", 8),
        ("fig7", 9),
        ("fig8", 4),
        ("fig9", 6),
        ("gap", 8),
    ];
    assert_eq!(names, rows.map(|(name, _)| name));
    for (experiment, (name, arms)) in experiments.iter().zip(rows) {
        assert_eq!(experiment.arms.len(), arms, "{name}");
        let Some(profile) = experiment.profiles.get("smoke") else { continue };
        let atari = experiment.profiles.get("atari-smoke");
        assert!(name == SEARCH || atari.is_some_and(|atari| atari.arms == profile.arms), "{name}");
        let runs = experiment.arms_of(profile).count();
        assert!((3..=4).contains(&runs), "{name}: the random policy and two or three arms, not {runs}");
        // An arm of another agent is compared with the flat arm of its own.
        for run in
            experiment.resolve("smoke", profile, &experiment.arms_of(profile).collect::<Vec<_>>()).unwrap()
        {
            let Some(agent) = run.agent.learning() else { continue };
            let reference = experiment.reference_of(&run.arm);
            let game = run.environment.game();
            let flat = experiment.resolve_run("smoke", profile, reference, game, 0).unwrap();
            assert_eq!(flat.network.body, BodySpec::flat(), "{name}: {reference}");
            assert_eq!(
                flat.agent.learning().unwrap().n_step,
                agent.n_step,
                "{name}: {} and {reference}",
                run.arm
            );
        }
    }
}

/// The runs of each figure at the paper's sizes: arms with the random policy, games, seeds.
#[test]
fn every_figure_has_its_runs_on_atari() {
    let rows = [
        ("app-cnn", 14, 14),
        ("app-curves", 11, 11),
        ("app-der", 11, 11),
        ("controls", 15, 15),
        ("fig1", 7, 7),
        // Without DQN.
        ("fig10", 5, 9),
        // Without Rainbow.
        ("fig11", 10, 19),
        ("fig3", 11, 11),
        ("fig4", 6, 6),
        // Twice, on Impala and on the Nature CNN.
        ("fig5", 7, 13),
        ("fig6", 9, 9),
        ("fig7", 10, 10),
        ("fig8", 5, 5),
        ("fig9", 7, 7),
        ("gap", 9, 9),
    ];
    let experiments = experiments();
    for (figure, at_100k, at_paper) in rows {
        let experiment = experiments.iter().find(|experiment| experiment.figure == figure).unwrap();
        let games = if figure == "fig9" { 60 } else { 20 };
        let paper = if figure == "app-cnn" { "paper-cnn" } else { "paper" };
        let nature = EncoderSpec::Nature;
        let encoder = if figure == "app-cnn" { nature } else { EncoderSpec::Impala { width: 1 } };
        for (name, arms, games, encoder, steps) in
            [("atari100k", at_100k, 26, nature, 100_000), (paper, at_paper, games, encoder, 50_000_000)]
        {
            let profile = experiment.profile(name).unwrap();
            let runs =
                experiment.resolve(name, profile, &experiment.arms_of(profile).collect::<Vec<_>>()).unwrap();
            assert_eq!(runs.len(), arms * games * 5, "{figure}/{name}");
            for run in &runs {
                assert_eq!((run.network.hidden, run.training.agent_steps.0), (512, steps), "{}", run.name());
                let expected = if run.arm.starts_with("cnn-") { nature } else { encoder };
                assert_eq!(run.network.encoder, expected, "{}", run.name());
                // The benchmark's agent is DER, the paper's Rainbow, unless an arm names another.
                let n_step = match (run.arm.split('-').next(), name) {
                    (Some("dqn"), _) => 1,
                    (Some("der"), _) | (_, "atari100k") => 10,
                    _ => 3,
                };
                assert!(run.agent.learning().is_none_or(|agent| agent.n_step == n_step), "{}", run.name());
            }
            // Rules are about arms that are run.
            let rules = experiment.premise.iter().chain(experiment.rules_for(profile));
            for arm in rules.flat_map(Rule::arms) {
                assert!(runs.iter().any(|run| run.arm == arm), "{figure}/{name}: {arm}");
            }
        }
    }
}

/// Figure 1's runs on 20 games are among figure 9's on 60.
#[test]
fn the_twenty_games_are_a_part_of_the_sixty() {
    let experiments = experiments();
    let games = |figure: &str| {
        let experiment = experiments.iter().find(|experiment| experiment.figure == figure).unwrap();
        experiment.profile("paper").unwrap().games.clone()
    };
    assert_eq!(games("fig1").set(), Some(GameSet::Twenty));
    assert_eq!(games("fig9").set(), Some(GameSet::Sixty));
    let names = |games: &[Game]| games.iter().map(|game| game.name()).collect::<Vec<_>>();
    assert_eq!(names(&games("fig1").with_a_scale().1), ["AirRaid"]);
    let without = games("fig9").with_a_scale().1;
    assert_eq!(names(&without), ["AirRaid", "Carnival", "ElevatorAction", "JourneyEscape", "Pooyan"]);
}

/// An arm that a profile is without is neither run nor judged there, and nothing may depend on it.
#[test]
fn a_profile_can_be_without_arms() {
    let fig5 = experiments().into_iter().find(|experiment| experiment.figure == "fig5").unwrap();
    let [quick, paper] = ["quick", "paper"].map(|name| fig5.profile(name).unwrap());
    assert_eq!((fig5.arms_of(quick).count(), fig5.rules_for(quick).count()), (7, 4));
    assert_eq!((fig5.arms_of(paper).count(), fig5.rules_for(paper).count()), (13, 8));
    for (without, arms, says) in [
        (vec!["flat"], vec![], "is `without` the arm `flat`, with which `softmoe-4` is compared"),
        (vec!["softmoe-4"], vec![], "is `without` the arm `softmoe-4`, which the premise is about"),
        (vec!["flat-x4"], vec!["flat", "flat-x4"], "cannot be `without` the arm `flat-x4`, which it runs"),
        (vec!["flat-x5"], vec![], "did you mean `flat-x4`?"),
    ] {
        let mut fig3 = experiments().into_iter().find(|experiment| experiment.figure == "fig3").unwrap();
        let profile = fig3.profiles.get_mut("quick").unwrap();
        profile.without = without.into_iter().map(str::to_owned).collect();
        profile.arms = arms.into_iter().map(str::to_owned).collect();
        let message = fig3.validate().unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}

/// One thing at a time, on games and seeds that no figure reports.
#[test]
fn the_search_changes_one_setting_in_each_profile() {
    let experiments = experiments();
    let atlas = experiments.iter().find(|experiment| experiment.figure == SEARCH).unwrap();
    let run = |profile: &Profile| {
        let runs = atlas.resolve("a", profile, &["flat"]).unwrap();
        assert!(runs.iter().all(|run| (100..106).contains(&run.seed)));
        runs.into_iter().next().unwrap()
    };
    let searched = || atlas.profiles.iter().filter(|(name, _)| *name != "smoke");
    let base = run(&atlas.profiles["atlas-base"]);
    let mut changed = BTreeMap::new();
    for (name, profile) in searched() {
        assert_eq!(profile.games.names(), ["asterix", "freeway"], "{name}");
        let mut keys: Vec<String> =
            differences(&base, &run(profile)).into_iter().map(|difference| difference.key).collect();
        // What follows from another: an encoder's own settings, the times of evaluations and checkpoints, exploration without noise.
        keys.retain(|key| {
            key != "agent.epsilon_train"
                && !key.starts_with("network.encoder.")
                && !key.ends_with("_period") | (key == "agent.update_period")
        });
        changed.insert(name.as_str(), keys);
    }
    assert_eq!(changed.remove("atlas-base"), Some(vec![]));
    assert!(changed.len() >= 11 && changed.values().all(|keys| keys.len() == 1), "{changed:?}");
    for other in experiments.iter().filter(|other| other.figure != SEARCH) {
        let highest = other.profiles.values().map(|profile| profile.first_seed + profile.seeds).max();
        assert!(highest.is_none_or(|highest| highest <= 100), "{}: seeds of the search", other.figure);
    }
}

/// A control with what it controls, as the controls' definitions have it.
#[test]
fn controls_are_the_parts_of_the_definition() {
    let experiments = experiments();
    let body = |figure: &str, arm: &str| {
        let experiment = experiments.iter().find(|experiment| experiment.figure == figure).unwrap();
        experiment.arm(arm).unwrap().body.to_string()
    };
    for (figure, arm, expected) in [
        ("controls", "softmoe-4-random-phi", "soft_moe(experts: 4, random_phi: true)"),
        ("controls", "tokenized-mean-x4-relu-after", "tokenized(pool: mean, relu: after, scale: 4.0)"),
        ("controls", "softmoe-4-bottleneck", "soft_moe(bottleneck: true, experts: 4)"),
        ("controls", "top-1-4", "top_k(experts: 4)"),
        ("fig7", "softmoe-1-x4-shuffled", "soft_moe(experts: 1, scale: 4.0, tokens: shuffled)"),
        ("fig8", "softmoe-1-x4-p-1", "soft_moe(experts: 1, scale: 4.0, slots: count(1))"),
        ("gap", "gap-x4", "global_average_pooling(scale: 4.0)"),
    ] {
        let expected: BodySpec = expected.parse().unwrap();
        assert_eq!(body(figure, arm), expected.to_string(), "{figure}: {arm}");
    }
}
