//! The plan of `cargo xtask reproduce`, and the options that change it.
#![cfg(unix)]

mod workshop;

use std::fs;
use workshop::{Workshop, assert_says, hints};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let workshop = Workshop::new();
    let (code, plan, _) = workshop.reproduce(&format!("{SIX} --jobs 3 --dry-run"));
    assert_eq!(code, Some(0));
    assert_says(
        &plan,
        &[
            "6: 3 arms x 1 game x 2 seeds",
            "random, flat, softmoe-4",
            "0 finished, 0 to resume, 6 new",
            "with 3 jobs (from multiply-adds at the speed of a slow machine)",
            // 15,000 steps fill as many frames of 10x10x4 bytes, 16 more each and a tree of 2^15 f64.
            "0.007 GB a replay when it is full, 0.020 GB with 3 jobs",
            "from the paper's protocol",
            "instead of Atari",
        ],
    );
    assert!(!workshop.out().exists());
    assert_eq!(workshop.started(), 0);
}

/// 10,000 steps of 41 passes and a few of evaluation: SoftMoE-4 has 861,184 multiply-adds.
#[test]
fn the_plan_knows_its_time_from_multiply_adds() {
    let workshop = Workshop::new();
    workshop.tell("speed", "1e9");
    let one = "fig3 --arms softmoe-4 --games breakout --seeds 1 --steps 10_000 --jobs 1 --dry-run";
    let (_, plan, _) = workshop.reproduce(&format!(
        "{one} --set training.final_evaluation_episodes=1 --set training.evaluation_episodes=1"
    ));
    // (1 + 5 x 32 / 4 + 6 x 200 / 10,000) x 861,184 x 10,000 = 3.54e11.
    assert_says(&plan, &["about 5 min 54 s with 1 job (from multiply-adds and the speed of this machine)"]);
}

#[test]
fn without_options_the_whole_profile_is_planned() {
    let (code, plan, _) = Workshop::new().reproduce("fig3 --dry-run --profile minatar");
    assert_eq!(code, Some(0));
    assert_says(&plan, &["275: 11 arms x 5 games x 5 seeds, 2,000,000 agent steps each"]);
}

#[test]
fn another_agent_takes_the_place_of_the_profiles() {
    let workshop = Workshop::new();
    let (code, stdout, stderr) =
        workshop.reproduce(&format!("{SIX} --steps 3500 --agent dqn_minatar --set agent.loss=huber"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["agent dqn_minatar, agent.loss=huber", "note: exploration stays higher than usual"],
    );
    let config = softmoe_config::RunConfig::read(&workshop.run("flat/breakout/seed-0/run.ron")).unwrap();
    let softmoe_config::AgentConfig::Learning(dqn) = config.agent else { panic!("{:?}", config.agent) };
    // The profile's own settings stay.
    assert_eq!((dqn.loss, dqn.n_step, dqn.min_replay), (softmoe_config::LossSpec::Huber, 1, 1_000));
    // The runs are none of Rainbow's, and what the message says to type reuses them.
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["agent.loss: huber there, c51 asked for", "agent.n_step: 1 there, 3 asked for"]);
    let out = workshop.out().display().to_string();
    let instead = "--steps 3500 --agent dqn_minatar --set agent.loss=huber";
    assert_eq!(hints(&stderr), [format!("cargo xtask reproduce {SIX} --out {out} {instead}")]);
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} {instead}"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["6 finished"]);
}

/// A body and a field that only this body has.
#[test]
fn settings_are_made_in_turn_and_told_in_turn() {
    let workshop = Workshop::new();
    let one = "fig3 --arms softmoe-4 --games breakout --seeds 1";
    let settings = "--set network.body=tokenized --set network.body.pool=mean";
    let (code, _, stderr) = workshop.reproduce(&format!("{one} {settings}"));
    assert_eq!(code, Some(0), "{stderr}");
    let (code, _, stderr) = workshop.reproduce(one);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["network.body: tokenized there"]);
    assert_eq!(hints(&stderr).len(), 1, "{stderr}");
    // An arm's body is no setting of the other arms: there the advice would be none.
    let (code, _, stderr) = workshop.reproduce("fig3 --arms flat,softmoe-4 --games breakout --seeds 1");
    assert_eq!(code, Some(1));
    for hint in hints(&stderr) {
        assert!(!hint.contains("network.body=tokenized"), "{hint}");
    }
}

#[test]
fn settings_of_the_network_leave_the_random_policy_alone() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    fs::remove_dir_all(workshop.run("flat")).unwrap();
    let (code, stdout, stderr) = workshop.reproduce(&format!("{one} --steps 40k --set network.hidden=64"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["40,000 agent steps each", "1 finished, 0 to resume, 1 new"]);
}

#[test]
fn a_setting_reaches_the_arms_that_have_it() {
    let workshop = Workshop::new();
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} --set network.body.experts=2"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["note: `network.body.experts` does not apply to flat: left as they are"]);
    let config = softmoe_config::RunConfig::read(&workshop.run("softmoe-4/breakout/seed-0/run.ron")).unwrap();
    assert!(matches!(config.network.body, softmoe_config::BodySpec::SoftMoe { experts: 2, .. }));
}

#[test]
fn the_plan_tells_what_was_changed() {
    let arguments = "fig3 --games breakout --steps 300 --seeds 1 --set agent.n_step=5 --dry-run";
    let (_, plan, _) = Workshop::new().reproduce(arguments);
    assert_says(
        &plan,
        &[
            "changed  steps 300, seeds 1, games breakout, agent.n_step=5\n",
            "1 small game instead of 20",
            "300 agent steps instead of 50 million",
            "1 seed instead of 5",
            "agent.n_step=5",
            "note: the report covers these arms and games only, and replaces the one in",
            "the runs are no longer than the 1,000 agent steps of `agent.min_replay`",
        ],
    );
    let short = "fig3 --dry-run --set environment.max_episode_steps=3";
    assert_says(
        &Workshop::new().reproduce(short).1,
        &["note: the agents hardly ever learn: episodes are cut off after 3"],
    );
    let (_, plan, _) = Workshop::new().reproduce("fig3 --dry-run");
    assert!(!plan.contains("changed") && !plan.contains("note:"), "{plan}");
}

/// An experiment from anywhere, with a profile and arms of its own.
#[test]
fn an_experiment_is_taken_from_a_file() {
    let workshop = Workshop::new();
    let path = workshop.path("mine.ron");
    let text = r#"(
        figure: "mine", title: "Mine", claim: "c", reference: "flat",
        arms: [
            (name: "flat", label: "flat", body: flat()),
            (name: "der-n-step-5", label: "DER, n = 5", body: flat(), agent: der, set: ["agent.n_step=5"]),
        ],
        profiles: {"quick": (
            purpose: "p", leaves_out: [], games: minatar([breakout]), seeds: 1, encoder: minatar, hidden: 128,
            agent: rainbow_minatar, set_of: {der: ["agent.min_replay=77"]}, agent_steps: 10_000, evaluations: 1,
            evaluation_episodes: 1, final_evaluation_episodes: 1,
        )},
        rules: [higher(says: "s", better: "der-n-step-5", worse: "flat")],
    )"#;
    fs::write(&path, text).unwrap();
    let arguments = format!("--experiment {} --set agent.n_step=4", path.display());
    let (code, stdout, stderr) = workshop.reproduce(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["mine: Mine", "note: `agent.n_step` does not apply to der-n-step-5: left as they are"],
    );
    assert_says(&stdout, &[&format!("report: --experiment {}", path.display()), "results/mine/quick"]);
    let learning = |arm: &str| {
        let run = workshop.run(&format!("{arm}/breakout/seed-0")).join("run.ron");
        softmoe_config::RunConfig::read(&run).unwrap().agent.learning().unwrap()
    };
    let (flat, der) = (learning("flat"), learning("der-n-step-5"));
    assert_eq!((flat.n_step, flat.min_replay, flat.update_period.0), (4, 5_000, 4));
    assert_eq!((der.n_step, der.min_replay, der.update_period.0), (5, 77, 1));
    // Its runs are in the place of the profile's of the same name, and are not taken for them.
    let (code, _, stderr) = workshop.reproduce("fig3 --arms flat --games breakout --seeds 1");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["has a different configuration", "--out DIR"]);
    // A profile of the figures is looked up beside the file.
    let shared = text.replace("profiles: {", "shared_profiles: {\"minatar\": ()}, profiles: {");
    fs::write(&path, shared).unwrap();
    let (code, _, stderr) = workshop.reproduce(&arguments);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["profiles.ron"]);
    let (code, _, stderr) = workshop.reproduce("fig3 --experiment mine.ron");
    assert_eq!(code, Some(2));
    assert_says(&stderr, &["cannot be used with"]);
}

#[test]
fn the_time_of_an_interrupted_run_is_what_is_left_of_it() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1 --jobs 1 --steps 20_000";
    workshop.reproduce(one);
    let directory = workshop.run("flat/breakout/seed-0");
    fs::remove_file(directory.join("done.ron")).unwrap();
    workshop.reproduce(&one.replace("--seeds 1", "--seeds 2"));
    // 40,000 steps took 4 s; 5,000 of 20,000 are left.
    fs::remove_file(directory.join("done.ron")).unwrap();
    fs::create_dir(directory.join("checkpoint")).unwrap();
    for step in [10_000, 15_000] {
        fs::write(directory.join(format!("checkpoint/step-{step:012}.ckpt")), "").unwrap();
    }
    let (_, plan, _) = workshop.reproduce(&format!("{one} --dry-run"));
    assert_says(&plan, &["1 finished, 1 to resume, 0 new", "about 1 s with 1 job"]);
}

#[test]
fn a_device_is_planned_handed_to_the_worker_and_remembered() {
    let workshop = Workshop::new();
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --dry-run"));
    assert_says(&plan, &["device   cpu\n"]);
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --device cuda:1 --jobs 3 --dry-run"));
    assert_says(&plan, &["device   cuda:1, shared by 3 runs at a time (`--jobs` sets how many"]);
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --device wgpu --jobs 1 --dry-run"));
    assert_says(&plan, &["device   wgpu, one run at a time"]);
    for (jobs, says) in [
        ("", "device   cuda:0,cuda:1, one run at a time on each"),
        ("--jobs 3", "cuda:1, each shared by 2 runs at a time"),
    ] {
        let (_, plan, _) = workshop.reproduce(&format!("{SIX} --device cuda:0,cuda:1 {jobs} --dry-run"));
        assert_says(&plan, &[says]);
    }
    assert!(!workshop.out().exists());

    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --steps 40_000 --device cuda"));
    assert_eq!(code, Some(0), "{stderr}");
    let done: softmoe_config::Done =
        softmoe_config::file::read(&workshop.run("flat/breakout/seed-1/done.ron")).unwrap();
    assert_eq!(done.device, "cuda:0");
    // One card is like another, and the CPU is none of them.
    let more = format!("{SIX} --steps 40_000 --dry-run --jobs 1").replace("--seeds 2", "--seeds 3");
    let (_, plan, _) = workshop.reproduce(&format!("{more} --device cuda:2"));
    assert_says(&plan, &["about 8 s with 1 job", "4 finished runs of `cuda:0` will be reused"]);
    // On the CPU, the multiply-adds tell.
    let (_, plan, _) = workshop.reproduce(&more);
    assert_says(&plan, &["from multiply-adds at the speed of a slow machine"]);
    let (_, plan, _) =
        workshop.reproduce(&format!("{SIX} --dry-run --device wgpu").replace("flat,softmoe-4", "flat-x4"));
    assert_says(&plan, &["unknown until the first runs report"]);
}

#[test]
fn runs_are_shared_out_among_the_cards() {
    let workshop = Workshop::new();
    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --steps 40_000 --device cuda:1,cuda:3"));
    assert_eq!(code, Some(0), "{stderr}");
    let device = |run: &str| -> String {
        let done = workshop.run(run).join("done.ron");
        softmoe_config::file::read::<softmoe_config::Done>(&done).unwrap().device
    };
    let runs = [
        "flat/breakout/seed-0",
        "flat/breakout/seed-1",
        "softmoe-4/breakout/seed-0",
        "softmoe-4/breakout/seed-1",
    ];
    let devices: std::collections::BTreeSet<String> = runs.into_iter().map(device).collect();
    assert_eq!(devices.into_iter().collect::<Vec<_>>(), ["cuda:1", "cuda:3"]);
}

#[test]
fn a_device_that_is_not_there_is_said_once() {
    let workshop = Workshop::new();
    workshop.tell("no-device", "install the driver");
    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --device wgpu"));
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "error: the device `wgpu` cannot be used: install the driver\n");
    assert_eq!(workshop.started(), 0);
    // The CPU is always there.
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn seeds_are_added_and_directories_merged() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    // Seed 1 is made in another directory.
    let other = workshop.path("other");
    let other = other.to_str().unwrap();
    let mut arguments = vec!["reproduce"];
    arguments.extend(one.split(' '));
    arguments.extend(["--first-seed", "1", "--out", other]);
    let (code, stdout, stderr) = workshop.xtask(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["changed  seeds 1, first seed 1", "0 finished, 0 to resume, 2 new", "--seeds 1 --first-seed 1"],
    );
    assert_eq!(workshop.started(), 4);
    assert!(workshop.path("other/runs/quick/flat/breakout/seed-1/done.ron").exists());
    // Together they are the runs of two seeds.
    let both = format!("fig3 --arms flat --games breakout --seeds 2 --strict --merge {other}");
    let (code, stdout, stderr) = workshop.reproduce(&both);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["4 finished, 0 to resume, 0 new", "nothing is left to run", "--strict"]);
    assert_says(&stdout, &[&format!("--seeds 2 --merge {other}/runs")]);
    assert_eq!(workshop.started(), 4);
    assert!(!workshop.run("flat/breakout/seed-1").exists());
}

#[test]
fn a_sweep_makes_an_arm_of_each_value() {
    let workshop = Workshop::new();
    let sweep = "fig3 --arms softmoe-4 --games breakout --seeds 1 --sweep agent.n_step=1,5 --sweep network.body.experts=2,4";
    let (code, stdout, stderr) = workshop.reproduce(sweep);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["6: 6 arms x 1 game x 1 seed", "random, flat, softmoe-4-n-step-1-experts-2,"]);
    assert_says(&stdout, &["experiments/fig3-n-step-experts.ron", "results/fig3-n-step-experts/quick"]);
    let config = workshop.run("softmoe-4-n-step-5-experts-2/breakout/seed-0/run.ron");
    let config = softmoe_config::RunConfig::read(&config).unwrap();
    assert_eq!(config.agent.learning().unwrap().n_step, 5);
    assert!(matches!(config.network.body, softmoe_config::BodySpec::SoftMoe { experts: 2, .. }));
    // The reporter reads the experiment from this file.
    let file = workshop.out().join("experiments/fig3-n-step-experts.ron");
    let experiment = softmoe_config::Experiment::read(&file).unwrap();
    let arm = experiment.arm("softmoe-4-n-step-1-experts-4").unwrap();
    assert_eq!(arm.label, "SoftMoE-4, n_step = 1, experts = 4");
    assert_eq!((experiment.reference.as_str(), experiment.rules.len()), ("flat", 0));

    let (code, _, stderr) = workshop.reproduce("fig3 --sweep agent.n_stp=1,5 --dry-run");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["n_stp", "did you mean `agent.n_step`?"]);
}
