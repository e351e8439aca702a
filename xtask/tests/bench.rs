//! `cargo xtask bench` with programs made of shell in place of both sides: arguments, rounds in turn, the table, the rows;
//! nothing is timed.
#![cfg(unix)]

mod workshop;

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use workshop::{Workshop, assert_says, finish};

/// Notes what it was asked and every round; gives the same figures of everything.
const MEASURE: &str = r#"#!/bin/sh
here=${0%/*}
echo "ours $*" >> "$here/asked"
echo '{"host":"a processor","instructions":"AVX9"}'
echo 'not JSON'
echo '{"ready":true}'
while read -r _; do
    echo ours >> "$here/rounds"
    one='{"min":2.0,"max":8.0,"median":4.0}'
    echo "{\"figures\":{\"step\":$one,\"act\":$one,\"breakout\":$one,\"add\":$one,\"agent_steps\":$one,\"resident\":$one,\
\"waiting\":$one,\"waits\":$one,\"step_waiting\":$one,\"step_queued\":$one}}"
done
"#;

/// A Python that is every peer: it notes the same, and is missing, fails at once or in its second round as a file says.
const PYTHON: &str = r#"#!/bin/sh
here=${0%/*}/../..
echo "peer ${1##*/} $*" >> "$here/asked"
echo '{"host":"another","versions":{"jax":"1.2","minatar":"3.4","torch":null}}'
case "$1" in
    *gpu_train_step.py)
        echo '{"framework":"torch-graph","net":"minatar-flat","train_ms_min":50.0,"train_queued_ms":25.0}'
        echo '{"framework":"jax","skipped":"jax sees no card"}'
        exit ;;
esac
case "$(cat "$here/peer" 2>/dev/null)" in
    missing) case "$*" in *torch*) echo '{"skipped":"torch: no such module"}'; exit ;; esac ;;
    fails) echo 'Traceback' >&2; echo 'ImportError: broken' >&2; exit 3 ;;
esac
echo '{"ready":true}'
rounds=0
while read -r _; do
    echo peer >> "$here/rounds"
    rounds=$((rounds + 1))
    [ "$rounds$(cat "$here/peer" 2>/dev/null)" = 2stops ] && exit 4
    one='{"min":8.0,"max":16.0,"median":10.0}'
    echo "{\"figures\":{\"step\":$one,\"act\":$one,\"breakout\":$one,\"add\":$one,\"agent_steps\":$one}}"
done
"#;

/// Both sides, made of shell.
struct Bench(Workshop);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(Workshop::new());
        fs::create_dir_all(bench.0.path("venv/bin")).unwrap();
        for (name, text) in [("softmoe-measure", MEASURE), ("venv/bin/python", PYTHON)] {
            fs::write(bench.0.path(name), text).unwrap();
            fs::set_permissions(bench.0.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        bench
    }

    /// `cargo xtask bench ARGUMENTS --out ROWS`, finished: exit code, standard output, standard error.
    fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        finish(self.command(arguments))
    }

    /// The same with the peers.
    fn with_peers(&self, arguments: &str) -> (Option<i32>, String, String) {
        let mut command = self.command(arguments);
        command.arg("--venv").arg(self.0.path("venv"));
        finish(command)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        command.arg("bench").args(arguments.split_whitespace());
        if !arguments.contains("--out") {
            command.arg("--out").arg(self.0.path("bench.json"));
        }
        command.env("SOFTMOE_BINARIES", self.0.path("")).env("XDG_CACHE_HOME", self.0.path("caches"));
        command
    }

    fn rows(&self) -> Vec<Value> {
        serde_json::from_slice(&fs::read(self.0.path("bench.json")).unwrap()).unwrap()
    }

    /// The lines of a file of notes.
    fn notes(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.0.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn both_sides_take_turns_and_are_compared_by_their_best() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.with_peers("--only step/minatar-flat --rounds 2");
    assert_eq!(code, Some(0), "{stderr}");
    // Two peers, JAX and PyTorch.
    assert_eq!(bench.notes("rounds"), ["ours", "peer", "peer", "ours", "peer", "peer"]);
    let asked = bench.notes("asked");
    assert!(asked[0].starts_with("ours network minatar-flat --clock "), "{asked:?}");
    assert_says(
        &asked[1],
        &["train_step.py", "--frameworks jax --only jax/minatar-flat", "--paced", "--clock "],
    );
    assert_says(&asked[2], &["--frameworks torch-fused --only torch-fused/minatar-flat"]);
    let rows = bench.rows();
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!(row["work"], "step/minatar-flat");
    assert_eq!((&row["ours"], &row["peer"], &row["unit"]), (&2.0.into(), &8.0.into(), &"ms".into()));
    assert_eq!((&row["ratio"], &row["target"]), (&0.25.into(), &0.4.into()));
    assert_eq!(row["peer_name"], "JAX jit 1.2");
    assert_eq!((&row["ours_spread"], &row["peer_spread"]), (&2.0.into(), &1.25.into()));
    assert_says(&stdout, &["step/minatar-flat", "JAX jit 1.2", "0.25", "✓", "2.00 / 1.25"]);
    assert_says(
        &stdout,
        &["a processor", "AVX9", "2 rounds", "jax 1.2", "the machine was probably busy", "met: 2 of 2"],
    );
}

#[test]
fn a_rates_ratio_is_that_of_the_times() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.with_peers("--only env/breakout --rounds 1");
    assert_eq!(code, Some(0), "{stderr}");
    let row = &bench.rows()[0];
    // 8 steps a second at the best, against 16: twice the time.
    assert_eq!((&row["ours"], &row["peer"], &row["ratio"]), (&8.0.into(), &16.0.into(), &2.0.into()));
    assert_eq!((&row["unit"], &row["target"]), (&"steps/s".into(), &0.05.into()));
    assert_says(&stdout, &["MinAtar 3.4", "met: 0 of 1"]);
}

#[test]
fn memory_is_compared_with_its_limit() {
    let bench = Bench::new();
    let (code, _, stderr) = bench.run("--only memory/* --no-peers --rounds 3");
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(bench.notes("rounds"), ["ours"], "once is enough");
    let row = &bench.rows()[0];
    assert_eq!((&row["ours"], &row["peer"], &row["unit"]), (&2.0.into(), &150.0.into(), &"MB".into()));
    assert_eq!((&row["ratio"], &row["target"]), (&(2.0 / 150.0).into(), &1.0.into()));
}

#[test]
fn without_peers_ours_is_measured_alone() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.run("--only step/minatar-flat --no-peers --rounds 1");
    assert_eq!(code, Some(0), "{stderr}");
    let row = &bench.rows()[0];
    assert_eq!((&row["ours"], &row["peer"], &row["ratio"]), (&2.0.into(), &Value::Null, &Value::Null));
    assert_says(
        &stdout,
        &[
            "Other libraries were not benchmarked",
            "`--no-peers`",
            "Only softmoe-rl was measured",
            "met: 0 of 0",
        ],
    );
}

#[test]
fn without_python_ours_is_measured_alone() {
    let bench = Bench::new();
    fs::create_dir(bench.0.path("empty")).unwrap();
    let mut command = bench.command("--only step/minatar-flat --rounds 1");
    command.env("PATH", bench.0.path("empty"));
    let (code, stdout, stderr) = finish(command);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stderr,
        &["Other libraries are not benchmarked: there is no Python", "Measuring softmoe-rl only"],
    );
    assert_says(&stdout, &["there is no Python"]);
    assert_eq!(bench.rows()[0]["ratio"], Value::Null);
    assert!(!bench.0.path("caches").exists());
}

#[test]
fn a_peer_that_is_missing_or_fails_leaves_its_reason() {
    let bench = Bench::new();
    bench.0.tell("peer", "missing");
    let (code, stdout, stderr) = bench.with_peers("--only step/minatar-flat --rounds 2");
    assert_eq!(code, Some(0), "{stderr}");
    let rows = bench.rows();
    assert_eq!((&rows[0]["ratio"], &rows[1]["ratio"]), (&0.25.into(), &Value::Null));
    assert_eq!(rows[1]["missing"], "torch: no such module");
    assert_says(&stdout, &["PyTorch fused is not available: torch: no such module"]);

    bench.0.tell("peer", "fails");
    let (code, stdout, _) = bench.with_peers("--only env/breakout --rounds 2");
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["it ended (exit status: 3): ImportError: broken"]);

    // What it gave before it stopped counts no more.
    bench.0.tell("peer", "stops");
    let (code, stdout, _) = bench.with_peers("--only env/breakout --rounds 3");
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["it ended (exit status: 4)"]);
    assert_eq!(bench.rows()[0]["peer"], Value::Null);
}

#[test]
fn a_failure_of_our_own_is_an_error() {
    let bench = Bench::new();
    fs::write(bench.0.path("softmoe-measure"), "#!/bin/sh\necho 'error: no' >&2\nexit 1\n").unwrap();
    let (code, _, stderr) = bench.run("--only env/* --no-peers");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["our own measurement of env/asterix", "error: no"]);
}

#[cfg(target_os = "linux")]
#[test]
fn several_cores_have_a_whole_run_each() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return;
    }
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.with_peers("--only end-to-end/flat --rounds 1 --cpu 0,1");
    if code == Some(1) && stderr.contains("there is no core") {
        return;
    }
    assert_eq!(code, Some(0), "{stderr}");
    // Each core adds its rate.
    let row = &bench.rows()[0];
    assert_eq!((&row["ours"], &row["peer"], &row["cores"]), (&16.0.into(), &32.0.into(), &2.into()));
    assert_eq!(bench.notes("asked").iter().filter(|asked| asked.ends_with("--clock wall")).count(), 4);
    assert_says(&stdout, &["cores 0, 1, wall time"]);
}

#[test]
fn what_is_mistyped_is_refused() {
    let bench = Bench::new();
    for (arguments, says) in [
        ("--only step/minatar-flta", "did you mean `step/minatar-flat`"),
        ("--only step", "Available: step/minatar-flat, act/minatar-flat"),
        ("--rounds 0", "must be at least 1"),
        ("--rounds 101", "must be at most 100"),
        ("--cpu one", "e.g. 1 or 0,1"),
        ("--cpu 4000", "core"),
        ("--no-peers --venv x", "cannot be used with"),
    ] {
        let (code, _, stderr) = bench.run(arguments);
        assert!(matches!(code, Some(1 | 2)), "{arguments}: {code:?}");
        assert_says(&stderr, &[says]);
    }
    fs::create_dir(bench.0.path("thing")).unwrap();
    fs::write(bench.0.path("thing/file"), "precious").unwrap();
    let mut command = bench.command("--only env/*");
    command.arg("--venv").arg(bench.0.path("thing"));
    let (code, _, stderr) = finish(command);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["is no virtual environment", "--venv DIR"]);
    assert_eq!(fs::read_to_string(bench.0.path("thing/file")).unwrap(), "precious");
    let (code, _, stderr) = bench.run("--only env/* --no-peers --out /nowhere/bench.json");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["cannot write /nowhere/bench.json", "--out FILE"]);
    assert!(bench.notes("asked").is_empty(), "nothing was measured");
}

#[test]
fn an_agent_on_a_device_is_timed_and_counted() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.run("--device flex --only minatar-f* --rounds 2");
    assert_eq!(code, Some(0), "{stderr}");
    let asked = bench.notes("asked");
    assert_eq!(
        asked,
        [
            "ours device-agent minatar-flat --device flex --seconds 3",
            "ours device-agent minatar-flat --device flex --count"
        ]
    );
    assert_eq!(bench.notes("rounds"), ["ours"; 3]);
    let rows = bench.rows();
    let row = |work: &str| rows.iter().find(|row| row["work"] == work).unwrap();
    let waiting = row("flex/minatar-flat/waiting");
    assert_eq!((&waiting["ours"], &waiting["unit"]), (&8.0.into(), &"updates/s".into()));
    assert_eq!((&waiting["peer"], &waiting["ratio"]), (&Value::Null, &Value::Null));
    let waits = row("flex/minatar-flat/waits");
    assert_eq!((&waits["ours"], &waits["peer"], &waits["target"]), (&2.0.into(), &1.0.into(), &1.0.into()));
    assert_says(
        &stdout,
        &["minatar-flat", "a processor", "PyTorch and JAX are compared on NVIDIA cards only", "bench.json"],
    );
}

#[test]
fn on_a_card_the_peers_have_their_turn() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.with_peers("--device cuda:0 --quick");
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&bench.notes("asked")[2], &["gpu_train_step.py", "--only minatar-flat"]);
    let rows = bench.rows();
    let row = |work: &str| rows.iter().find(|row| row["work"] == work).unwrap();
    // 8 updates a second at the best, against 20 and 40.
    let waiting = row("cuda:0/minatar-flat/step_waiting");
    assert_eq!((&waiting["peer_name"], &waiting["ratio"]), (&"torch-graph".into(), &2.5.into()));
    assert_eq!(row("cuda:0/minatar-flat/step_queued")["ratio"], 5.0);
    assert_says(&stdout, &["torch-graph", "2.50", "5.00", "jax: jax sees no card"]);
    // Without an environment, only ours is measured, and the output says so.
    let (code, stdout, stderr) = bench.run("--device cuda:0 --quick");
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["Only softmoe-rl was measured", "--venv DIR"]);
}

#[test]
fn a_device_that_cannot_be_is_refused() {
    let bench = Bench::new();
    for (arguments, says) in [
        ("--device cdua", "cuda"),
        ("--device flex --cpu 0", "cannot be used with"),
        ("--device flex --only minatar-flta", "did you mean `minatar-flat`"),
    ] {
        let (code, stdout, stderr) = bench.run(arguments);
        assert_ne!(code, Some(0), "{stdout}");
        assert_says(&stderr, &[says]);
    }
    assert!(bench.notes("asked").is_empty());
}
