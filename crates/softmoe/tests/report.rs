//! `softmoe-report` on directories of made-up runs.

use softmoe_config::{Done, MinAtarGame, RANDOM_ARM, Session, file};
use std::fs;
use std::path::Path;

mod pictures;
mod workshop;

use workshop::{EXPERIMENT, Workshop, assert_says};

/// The files of a report, its pictures as SVG only.
const FILES: [&str; 11] = [
    "figure.svg",
    "rules.svg",
    "curves.svg",
    "efficiency.svg",
    "profiles.svg",
    "improvement.svg",
    "table.md",
    "scores.csv",
    "aggregates.csv",
    "verdict.md",
    "report.json",
];
/// Number of files with those of PNG and PDF.
const ALL_FILES: usize = 23;

#[test]
fn a_finished_figure_has_all_its_files() {
    let workshop = Workshop::new();
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    for name in FILES {
        assert!(workshop.path("out").join(name).metadata().expect(name).len() > 200, "{name}");
    }
    assert_eq!(fs::read_dir(workshop.path("out")).expect("a directory").count(), ALL_FILES);
    assert_says(&stdout, &["SoftMoE-4", "Verdict at this size: supported", "asterix", "out"]);
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");

    let scores = workshop.read("scores.csv");
    assert_eq!(scores.lines().next(), Some("arm,game,seed,agent_steps,score,second_half,normalised_score"));
    assert_eq!(scores.lines().count(), 1 + 4 * 2 * 3);
    assert_says(&scores, &["random,breakout,0,10000,1,0.875,", "soft,asterix,2,10000,9.2,"]);

    // The table's aggregates with all digits: 2.00 there.
    let aggregates = workshop.read("aggregates.csv");
    assert_eq!(aggregates.lines().next(), Some("arm,statistic,value,low,high"));
    let value =
        aggregates.lines().find_map(|line| line.strip_prefix("soft,iqm,")?.split(',').next()?.parse().ok());
    assert!(value.is_some_and(|value: f64| (value - 2.0).abs() < 1e-9), "{aggregates}");

    // Normalised, soft is (9.1 - 1.1) / (5.1 - 1.1) = 2 on average, wide 0.5.
    let table = workshop.read("table.md");
    assert_says(&table, &["| SoftMoE-4 | 2.00 [", "| flat x4 | 0.50 [", "| random policy | 0.00 ["]);
    assert_says(&table, &["demo · profile tiny · breakout, asterix · 3 seeds · 10,000 agent steps"]);
    // What it costs: made-up runs have one parameter and no times.
    assert_says(&table, &["| flat | 1.00 [", " | 1 | 213,632 | – |", " | 1 | 861,184 | – |"]);
    let verdict = workshop.read("verdict.md");
    assert_says(&verdict, &["A demonstration: supported", "Almost everything.", "1.50 ["]);
    let caution = "Bootstrap intervals of 3 runs of a game are too narrow";
    assert_says(&verdict, &[&format!("**Caution.** {caution}"), "treated as independent"]);
    assert_says(&stdout, &[&format!("caution: {caution}")]);
    assert!(!table.contains("changed") && !verdict.contains("changed"));
    assert!(workshop.read("figure.svg").contains("SoftMoE-4"));
    assert!(workshop.read("curves.svg").contains("mean evaluation return"));
}

/// The rows of `table.md`, by their first cell.
fn row(table: &str, label: &str) -> String {
    let start = format!("| {label} |");
    table
        .lines()
        .find(|line| line.starts_with(&start))
        .unwrap_or_else(|| panic!("{label}: {table}"))
        .to_owned()
}

#[test]
fn the_numbers_of_an_arm_do_not_depend_on_the_others() {
    let workshop = Workshop::new();
    workshop.report(&[]);
    let all = workshop.read("table.md");
    workshop.report(&["--arms", "wide"]);
    let fewer = workshop.read("table.md");
    assert!(!fewer.contains("SoftMoE-4"), "{fewer}");
    for label in ["flat", "flat x4", "random policy"] {
        assert_eq!(row(&all, label), row(&fewer, label));
    }
}

const PREMISE: &str = "premise: higher(says: \"wide gains over flat\", better: \"wide\", worse: \"flat\"),";

#[test]
fn a_claim_about_a_gain_does_not_apply_where_there_is_none() {
    let workshop = Workshop::new();
    let text = EXPERIMENT.replace("rules: [", &format!("{PREMISE} rules: ["));
    fs::write(workshop.path("demo.ron"), text).expect("written");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let sentence = "not applicable at this size: there is no gain to explain";
    assert_says(&stdout, &[&format!("Verdict: {sentence}"), "premise: wide gains over flat"]);
    assert_says(
        &workshop.read("verdict.md"),
        &[&format!("# A demonstration: {sentence}"), "| premise: wide"],
    );
    assert_says(&workshop.read("table.md"), &[&format!("The claim is {sentence}.")]);
    assert_says(&workshop.read("figure.svg"), &["not applicable at this size"]);

    // Nothing is known of a premise that was not run.
    let (_, stdout, _) = workshop.report(&["--arms", "soft"]);
    assert_says(&stdout, &["Verdict at this size: not judged"]);
}

#[test]
fn an_arm_is_measured_by_its_own_reference() {
    let workshop = Workshop::new();
    let own = "body: flat(scale: 4.0), reference: \"soft\")";
    fs::write(workshop.path("demo.ron"), EXPERIMENT.replace("body: flat(scale: 4.0))", own))
        .expect("written");
    let (success, _, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let table = workshop.read("table.md");
    // (3.1 - 1.1) / (9.1 - 1.1), where soft is 1; measured by flat, soft is 2.
    assert_says(
        &table,
        &["| flat x4 | 0.25 [", "| SoftMoE-4 | 2.00 [", "P(better than the arm's reference)"],
    );
}

#[test]
fn the_power_at_this_size_is_said() {
    let workshop = Workshop::new();
    workshop.report(&[]);
    let verdict = workshop.read("verdict.md");
    assert_says(&verdict, &["if the difference is 0.2", "if there is no difference"]);
}

/// 0.51 against 0.49 would make a score of 0.33 a "-8.00".
#[test]
fn a_reference_barely_above_chance_leaves_its_game_out() {
    let workshop = Workshop::new();
    for seed in 0..3 {
        workshop.finish(RANDOM_ARM, MinAtarGame::Asterix, seed, 0.48 + 0.01 * seed as f64);
        workshop.finish("flat", MinAtarGame::Asterix, seed, 0.50 + 0.01 * seed as f64);
        workshop.finish("soft", MinAtarGame::Asterix, seed, 0.33);
    }
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let stdout = stdout.replace('\n', " ");
    assert_says(
        &stdout,
        &["asterix is left out of the aggregates", "by 2.4 standard errors where at least 4"],
    );
    assert_says(&workshop.read("table.md"), &["| SoftMoE-4 | 2.00 ["]);
}

#[test]
fn the_same_runs_give_the_same_files() {
    let workshop = Workshop::new();
    workshop.report(&[]);
    let read = || FILES.map(|name| fs::read(workshop.path("out").join(name)).expect(name));
    let before = read();
    workshop.report(&[]);
    assert!(before == read());
}

#[test]
fn missing_and_unreadable_runs_are_named() {
    let workshop = Workshop::new();
    let unfinished = workshop.run("soft", MinAtarGame::Asterix, 1);
    fs::remove_file(unfinished.done_ron()).expect("removed");
    fs::write(workshop.run("wide", MinAtarGame::Breakout, 0).done_ron(), "(score: 3.0, ret")
        .expect("written");
    fs::remove_dir_all(workshop.run("flat", MinAtarGame::Breakout, 2).path()).expect("removed");
    fs::write(workshop.run("soft", MinAtarGame::Breakout, 0).metrics_csv(), "agent_steps\nmany\n")
        .expect("written");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let table = workshop.read("table.md");
    assert_says(
        &table,
        &[
            "3 of 24 runs missing",
            "soft/asterix/seed-1: not finished",
            "flat/breakout/seed-2: not run",
            "wide/breakout/seed-0: ",
            "soft/breakout/seed-0: no learning curve",
        ],
    );
    assert_says(&stdout, &["warning: 3 of 24 runs missing"]);
    assert_eq!(workshop.read("scores.csv").lines().count(), 1 + 21);
}

#[test]
fn runs_of_different_builds_are_named_and_refused_when_asked() {
    let workshop = Workshop::new();
    let of_build = |commit: &str, instructions: &str, games: &[MinAtarGame]| {
        for arm in ["random", "flat", "soft", "wide"] {
            for (&game, seed) in games.iter().flat_map(|game| (0..3).map(move |seed| (game, seed))) {
                let path = workshop.run(arm, game, seed).done_ron();
                let mut done: Done = file::read(&path).expect("read");
                done.sessions = vec![Session {
                    commit: Some(commit.repeat(40)),
                    instruction_set: (arm != "random").then(|| instructions.to_owned()),
                    ..Session::default()
                }];
                file::write(&path, &done).expect("written");
            }
        }
    };
    // Results of an older version name no build: alike as far as anybody knows, but not good enough for `--strict`.
    let (success, stdout, _) = workshop.report(&[]);
    assert!(success && !stdout.contains("pooled"), "{stdout}");
    let (success, _, stderr) = workshop.report(&["--strict"]);
    assert!(!success);
    assert_says(
        &stderr,
        &["Some runs are of a build that no commit describes: unknown (24 runs)", "--strict"],
    );

    let both = [MinAtarGame::Breakout, MinAtarGame::Asterix];
    of_build("a", "avx2", &both[..1]);
    of_build("a", "avx512", &both[1..]);
    let (success, stdout, stderr) = workshop.report(&["--strict"]);
    assert!(success, "the two sets compute the same bits: {stderr}");
    assert!(!stdout.contains("pooled"), "{stdout}");

    of_build("b", "portable", &both[..1]);
    let (success, _, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let builds = "Runs of different builds are pooled: aaaaaaaaaaaa (12 runs), bbbbbbbbbbbb (12 runs).";
    let instructions =
        "Runs of different instruction sets are pooled: avx2 or avx512 (9 runs), portable (9 runs).";
    for file in ["table.md", "verdict.md"] {
        assert_says(&workshop.read(file), &[builds, instructions]);
    }
    let (success, _, stderr) = workshop.report(&["--strict"]);
    assert!(!success);
    assert_says(&stderr, &["Runs of different builds", "Runs of different instruction sets", "one build"]);
}

#[test]
fn runs_that_are_missing_for_one_reason_are_counted() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.path("runs/tiny/soft")).expect("removed");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&stdout.replace('\n', " "), &["6 of 24 runs missing: 6 of soft: not run."]);
}

#[test]
fn a_value_that_is_no_number_is_a_warning() {
    let workshop = Workshop::new();
    let path = workshop.run("soft", MinAtarGame::Asterix, 1).metrics_csv();
    let metrics = fs::read_to_string(&path).expect("read").replace("3,7501,1.5", "3,7501,NaN");
    fs::write(&path, metrics).expect("written");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let warning = "warning: soft/asterix/seed-1: `training_return` is NaN in metrics.csv";
    assert_says(&stdout.replace('\n', " "), &[warning]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_whose_output_finds_no_reader_has_its_files() {
    let workshop = Workshop::new();
    let full = || fs::File::options().write(true).open("/dev/full").expect("opened");
    let closed = || std::io::pipe().expect("a pipe").1;
    let reporter = |arguments: [&str; 2]| {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("softmoe-report"));
        command.arg("--experiment").arg(workshop.path("demo.ron")).arg("--runs").arg(workshop.path("runs"));
        command.arg("--out").arg(workshop.path("out")).args(arguments);
        command
    };
    let tiny = ["--profile", "tiny"];
    assert!(reporter(tiny).stdout(closed()).stderr(closed()).status().expect("ended").success());
    fs::remove_dir_all(workshop.path("out")).expect("removed");
    assert!(reporter(tiny).stdout(full()).stderr(full()).status().expect("ended").success());
    assert!(workshop.path("out/verdict.md").exists());
    let unknown = ["--profile", "large"];
    assert_eq!(reporter(unknown).stderr(closed()).status().expect("ended").code(), Some(1));
}

#[test]
fn one_seed_has_no_interval() {
    let workshop = Workshop::new();
    let (success, stdout, stderr) = workshop.report(&["--seeds", "1"]);
    assert!(success, "{stderr}");
    assert_says(&stdout, &["Verdict at this size: inconclusive"]);
    assert_says(&workshop.read("verdict.md"), &["inconclusive: a single run has no interval"]);
    assert_says(&workshop.read("table.md"), &["| SoftMoE-4 |", "run more seeds"]);
    let line = workshop.read("table.md").lines().find(|line| line.contains("| SoftMoE-4")).map(str::to_owned);
    assert!(!line.expect("a row").contains('['));
}

#[test]
fn arms_that_were_not_run_are_not_judged() {
    let workshop = Workshop::new();
    let (success, _, stderr) = workshop.report(&["--arms", "soft", "--games", "asterix"]);
    assert!(success, "{stderr}");
    let verdict = workshop.read("verdict.md");
    assert_says(
        &verdict,
        &["| supported |", "not judged: needs runs of \"flat x4\" on every game", "inconclusive"],
    );
    let table = workshop.read("table.md");
    assert_says(&table, &["| flat |", "| SoftMoE-4 |", "asterix"]);
    assert!(!table.contains("breakout") && !table.contains("flat x4"), "{table}");
}

#[test]
fn an_arm_without_runs_on_a_game_has_no_aggregate() {
    let workshop = Workshop::new();
    let game = workshop.run("wide", MinAtarGame::Asterix, 0);
    fs::remove_dir_all(game.path().parent().expect("the game")).expect("removed");
    let (success, _, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&workshop.read("table.md"), &["flat x4 has no aggregate: no finished run on asterix"]);
    assert!(workshop.read("figure.svg").contains("not available"));
}

#[test]
fn a_reference_no_better_than_chance_leaves_its_game_out() {
    let workshop = Workshop::new();
    for seed in 0..3 {
        workshop.finish("flat", MinAtarGame::Asterix, seed, 1.0 + 0.1 * seed as f64);
    }
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&stdout, &["asterix is left out of the aggregates"]);
    let table = workshop.read("table.md");
    assert_says(&table, &["| SoftMoE-4 | 2.00 [", "breakout, without asterix · 3 seeds"]);
    assert_says(&workshop.read("figure.svg"), &["breakout, without asterix · 3 seeds"]);
    assert_says(&workshop.read("curves.svg"), &["breakout, asterix · 3 seeds"]);
    assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");

    for seed in 0..3 {
        workshop.finish("flat", MinAtarGame::Breakout, seed, 0.5);
    }
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&stdout, &["Verdict at this size: not judged", "no game could be"]);
    assert_says(&workshop.read("verdict.md"), &["A demonstration: not judged"]);
    for picture in ["figure.svg", "improvement.svg", "efficiency.svg", "profiles.svg", "rules.svg"] {
        assert_says(&workshop.read(picture), &["not available"]);
    }
}

#[test]
fn runs_of_another_length_do_not_count() {
    let workshop = Workshop::new();
    let (success, _, stderr) = workshop.report(&["--steps", "20000"]);
    assert!(!success);
    assert_says(&stderr, &["none of the", "trained for 10000 agent steps instead of 20000"]);
    // The reporter does not know every option of the command that made the runs: it tells none to type.
    assert!(!stderr.contains("cargo xtask"), "{stderr}");
    assert!(!workshop.path("out").exists());
}

const BOTH: [MinAtarGame; 2] = [MinAtarGame::Breakout, MinAtarGame::Asterix];

#[test]
fn runs_of_other_settings_than_the_reference_arm_do_not_count() {
    let workshop = Workshop::new();
    workshop.set("soft", &BOTH, "agent.n_step=5");
    workshop.set("wide", &[MinAtarGame::Asterix], "network.body.scale=2");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&stdout, &["warning: soft: agent.n_step is 5, flat has 3 (6 runs left out)"]);
    let table = workshop.read("table.md");
    let body = "wide: network.body.scale is 2.0, wide/breakout/seed-0 has 4.0 (3 runs left out)";
    assert_says(&table, &["| SoftMoE-4 | – |", body]);
    assert!(!workshop.read("scores.csv").contains("soft,") && !table.contains("runs missing"), "{table}");
    assert_says(&workshop.read("verdict.md"), &["not judged: needs runs of \"SoftMoE-4\""]);
}

/// What an arm defines itself is no other setting.
#[test]
fn arms_of_their_own_agent_and_intervention_count() {
    let soft = "body: soft_moe(experts: 4)";
    let own = "agent: der, intervention: redo(), set: [\"agent.discount=0.9\"]";
    let workshop = Workshop::of(&EXPERIMENT.replacen(soft, &format!("{soft}, {own}"), 1));
    let learning = workshop.config("soft", MinAtarGame::Asterix, 0).agent.learning().expect("an agent");
    assert_eq!((learning.n_step, learning.discount), (10, 0.9));
    assert_eq!(learning.intervention.period(), Some(1_000));
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert!(!stdout.contains("left out") && !stdout.contains("changed"), "{stdout}");
    assert_says(&workshop.read("table.md"), &["| SoftMoE-4 | 2.00 ["]);
    // What it does not define is.
    workshop.set("soft", &[MinAtarGame::Asterix], "agent.batch_size=16");
    workshop.set("soft", &[MinAtarGame::Breakout], "agent.n_step=5");
    let (success, stdout, _) = workshop.report(&[]);
    assert!(success);
    let stdout = stdout.replace('\n', " ");
    assert_says(&stdout, &["soft: agent.batch_size is 16, flat has 32 (3 runs left out)"]);
    assert_says(&stdout, &["soft: agent.n_step is 5, flat has 3 (3 runs left out)"]);
}

/// 12 seconds of updates, in two evaluations, make 3 milliseconds an update of 4,000.
#[test]
fn the_time_of_an_update_is_beside_the_score() {
    let workshop = Workshop::new();
    for game in [MinAtarGame::Breakout, MinAtarGame::Asterix] {
        for seed in 0..3 {
            let run = workshop.run("soft", game, seed);
            fs::write(
                run.metrics_csv(),
                "agent_steps,updates,evaluation_return\n100,1000,1.5\n200,4000,2.5\n",
            )
            .unwrap();
            let rows = "agent_steps,name,value\n100,time/update,4\n100,time/act,9\n200,time/update,8\n";
            fs::write(run.diagnostics_csv(), rows).unwrap();
        }
    }
    let (success, _, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&workshop.read("table.md"), &["## Cost", " | 1 | 861,184 | 3.00 |", " | 1 | 213,632 | – |"]);
}

/// The report covers the runs of the plan, no others that lie beside them.
#[test]
fn runs_of_further_seeds_are_not_read() {
    let workshop = Workshop::new();
    let (success, _, stderr) = workshop.report(&["--seeds", "2"]);
    assert!(success, "{stderr}");
    let scores = workshop.read("scores.csv");
    assert_eq!(scores.lines().count(), 1 + 4 * 2 * 2, "{scores}");
    assert!(!scores.contains(",2,10000"), "{scores}");
}

#[test]
fn nothing_to_compare_is_an_error() {
    let workshop = Workshop::new();
    workshop.set("soft", &BOTH, "agent.n_step=5");
    let (success, _, stderr) = workshop.report(&["--arms", "soft"]);
    assert!(!success);
    assert_says(&stderr, &["soft: agent.n_step is 5, flat has 3 (6 runs left out)", "--set", "--out"]);
    assert!(!workshop.path("out").exists());
}

#[test]
fn a_random_policy_in_another_environment_does_not_count() {
    let workshop = Workshop::new();
    workshop.set(RANDOM_ARM, &[MinAtarGame::Asterix], "environment.sticky_action_probability=0.5");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    assert_says(&stdout, &["sticky_action_probability is 0.5, flat has 0.1", "asterix is left out"]);
}

#[test]
fn changed_settings_are_named() {
    let workshop = Workshop::new();
    for arm in ["flat", "soft", "wide"] {
        workshop.set(arm, &BOTH, "agent.n_step=5");
    }
    workshop.set("wide", &BOTH, "network.body.scale=2");
    let (success, stdout, stderr) = workshop.report(&[]);
    assert!(success, "{stderr}");
    let changed = "changed: agent.n_step = 5, network.body.scale = 2.0 (flat x4)";
    for text in [workshop.read("table.md"), workshop.read("verdict.md"), stdout.replace('\n', " ")] {
        assert_says(&text, &[changed]);
    }
    assert_says(&workshop.read("figure.svg"), &["agent.n_step"]);
    assert!(!stdout.contains("warning"), "{stdout}");
}

#[test]
fn a_run_in_the_place_of_another_does_not_count() {
    let workshop = Workshop::new();
    let (from, to) =
        (workshop.run("soft", MinAtarGame::Asterix, 0), workshop.run("soft", MinAtarGame::Asterix, 1));
    fs::copy(from.run_ron(), to.run_ron()).expect("copied");
    workshop.report(&[]);
    assert_says(
        &workshop.read("table.md"),
        &["soft/asterix/seed-1: its run.ron belongs to tiny/soft/asterix/seed-0"],
    );
}

#[test]
fn typing_errors_get_the_nearest_name() {
    let workshop = Workshop::new();
    let fails = |arguments: &[&str]| {
        let (success, _, stderr) = workshop.report(arguments);
        assert!(!success);
        stderr
    };
    assert_says(&fails(&["--arms", "sotf"]), &["--arms", "did you mean `soft`?"]);
    assert_says(&fails(&["--games", "breakuot"]), &["--games", "did you mean `breakout`?"]);
    assert_says(&fails(&["--seeds", "0"]), &["--seeds"]);
    assert!(fails(&["--arms", "sotf"]).starts_with("error: "));
    assert!(!fails(&["--arms", "sotf"]).contains("backtrace"));
}

#[test]
fn an_output_that_is_a_file_is_an_error() {
    let workshop = Workshop::new();
    fs::write(workshop.path("out"), "mine").expect("written");
    let (success, _, stderr) = workshop.report(&[]);
    assert!(!success);
    assert_says(&stderr, &["cannot write", "--out"]);
    assert_eq!(fs::read_to_string(Path::new(&workshop.path("out"))).expect("still there"), "mine");
}
