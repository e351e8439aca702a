//! Directories of made-up runs, and `softmoe-report` on them.
// Each test program uses a part of it.
#![allow(dead_code)]

use assert_cmd::Command;
use softmoe_config::{
    AgentSteps, Done, EnvironmentConfig, Experiment, MinAtarGame, RANDOM_ARM, RunConfig, RunDirectory,
    Setting, file,
};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// An experiment of three arms on two games.
pub(crate) const EXPERIMENT: &str = r#"(
    figure: "demo",
    title: "A demonstration",
    claim: "Soft is better than flat, and wide is not.",
    reference: "flat",
    arms: [
        (name: "flat", label: "flat", body: flat()),
        (name: "soft", label: "SoftMoE-4", body: soft_moe(experts: 4)),
        (name: "wide", label: "flat x4", body: flat(scale: 4.0)),
    ],
    rules: [
        higher(says: "soft gains over flat", better: "soft", worse: "flat"),
        not_higher(says: "wide does not gain", arm: "wide", than: "flat", margin: 0.1),
        gains_more(says: "soft gains more than wide", gains: ("flat", "soft"), loses: ("flat", "wide")),
    ],
    profiles: {
        "tiny": (
            purpose: "For tests.",
            leaves_out: ["Almost everything."],
            games: minatar([breakout, asterix]),
            seeds: 3,
            encoder: minatar,
            hidden: 128,
            agent: rainbow_minatar,
            agent_steps: 10_000,
            evaluations: 4,
            evaluation_episodes: 1,
            final_evaluation_episodes: 2,
        ),
    },
)"#;

/// An experiment, its runs and a place for the report.
pub(crate) struct Workshop {
    directory: TempDir,
    pub(crate) experiment: Experiment,
}

impl Workshop {
    /// All runs finished: random scores about 1, flat 5, soft 9, wide 3.
    pub(crate) fn new() -> Self {
        Self::of(EXPERIMENT)
    }

    /// The same of the experiment in `text`.
    pub(crate) fn of(text: &str) -> Self {
        let workshop = Self::empty(text);
        for (arm, score) in [(RANDOM_ARM, 1.0), ("flat", 5.0), ("soft", 9.0), ("wide", 3.0)] {
            for game in [MinAtarGame::Breakout, MinAtarGame::Asterix] {
                for seed in 0..3 {
                    workshop.finish(arm, game, seed, score + 0.1 * seed as f64);
                }
            }
        }
        workshop
    }

    /// The experiment in `text`, without runs.
    pub(crate) fn empty(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("demo.ron");
        fs::write(&path, text).expect("written");
        let experiment = Experiment::read(&path).expect("a valid experiment");
        Workshop { directory, experiment }
    }

    pub(crate) fn config(&self, arm: &str, game: MinAtarGame, seed: u64) -> RunConfig {
        let profile = self.experiment.profile("tiny").expect("tiny");
        let mut runs = self.experiment.resolve("tiny", profile, &[arm]).expect("resolved");
        let mut config = runs.swap_remove(0);
        (config.environment, config.seed) = (EnvironmentConfig::minatar(game), seed);
        config
    }

    pub(crate) fn run(&self, arm: &str, game: MinAtarGame, seed: u64) -> RunDirectory {
        RunDirectory::of(&self.path("runs"), &self.config(arm, game, seed))
    }

    /// Applies `setting` to the runs of `arm` on `games`, as `cargo xtask reproduce --set` would have.
    pub(crate) fn set(&self, arm: &str, games: &[MinAtarGame], setting: &str) {
        let setting: Setting = setting.parse().expect("a setting");
        for &game in games {
            for seed in 0..3 {
                let run = self.run(arm, game, seed);
                let mut config: RunConfig = file::read(&run.run_ron()).expect("read");
                setting.apply(&mut config).expect("applied");
                file::write(&run.run_ron(), &config).expect("written");
            }
        }
    }

    pub(crate) fn finish(&self, arm: &str, game: MinAtarGame, seed: u64, score: f64) {
        let run = self.run(arm, game, seed);
        fs::create_dir_all(run.path()).expect("made");
        file::write(&run.run_ron(), &self.config(arm, game, seed)).expect("written");
        let mut metrics = "episodes,agent_steps,training_return,evaluation_return\n".to_owned();
        for k in 1..=4_u32 {
            metrics += &format!("{k},{},,{}\n", k * 2500, score * f64::from(k) / 4.0);
            metrics += &format!("{k},{},1.5,\n", k * 2500 + 1); // a log row without an evaluation
        }
        fs::write(run.metrics_csv(), metrics).expect("written");
        let done = Done {
            initial_weights: None,
            score,
            returns: vec![score; 2],
            agent_steps: AgentSteps(10_000),
            parameters: 1,
            wall_seconds: 1.0,
            version: "0.1.0".into(),
            device: "cpu".into(),
            sessions: Vec::new(),
        };
        file::write(&run.done_ron(), &done).expect("written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Exit status, standard output and standard error of `softmoe-report`, which writes to `out`.
    pub(crate) fn report(&self, arguments: &[&str]) -> (bool, String, String) {
        self.report_to("out", arguments)
    }

    /// The same, which writes to the directory `out`.
    pub(crate) fn report_to(&self, out: &str, arguments: &[&str]) -> (bool, String, String) {
        let mut command = reporter();
        command.arg("--experiment").arg(self.path("demo.ron")).args(["--profile", "tiny", "--runs"]);
        command.arg(self.path("runs")).arg("--out").arg(self.path(out)).args(arguments);
        finished(command)
    }

    /// The page of `results/demo/tiny`, after the report on its runs.
    pub(crate) fn page(&self) -> String {
        let (success, _, stderr) = self.report_to("results/demo/tiny", &[]);
        assert!(success, "{stderr}");
        let (success, _, stderr) = self.write_page(&[]);
        assert!(success, "{stderr}");
        fs::read_to_string(self.path("report/index.html")).expect("a page")
    }

    /// `softmoe-report page`, as [`report`](Self::report).
    pub(crate) fn write_page(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = reporter();
        command.arg("page").arg(self.path("")).args(arguments);
        finished(command)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("out").join(name)).expect(name)
    }
}

fn reporter() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("softmoe-report"))
}

fn finished(mut command: Command) -> (bool, String, String) {
    let output = command.env("RUST_BACKTRACE", "1").output().expect("started");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.success(), stdout, stderr)
}

/// Asserts that `text` contains every one of `parts`.
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}
