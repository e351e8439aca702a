//! A directory with a worker and a reporter made of shell, and the runner set on them.
// Each test program uses a part of it.
#![allow(dead_code)]

use assert_cmd::Command;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Repeats what it is asked to describe. Otherwise it notes that it was started; fails, waits for a signal or finishes, as files beside it say.
const WORKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
directory=$(dirname "$1")
if [ "$1" = describe ]; then
    echo "worker: $*"
    cat
    exit
fi
if [ "$1" = evaluate ]; then
    echo "$*"
    exit
fi
if [ "$1" = calibrate ]; then
    [ -e "$here/speed" ] && cat "$here/speed" && exit
    exit 1
fi
if [ "$1" = device ]; then
    [ -e "$here/no-device" ] || exit 0
    echo "error: the device \`$2\` cannot be used: $(cat "$here/no-device")" >&2
    exit 1
fi
[ "$2 $3 $4" = "--progress json --device" ] || exit 2
echo "$directory" >> "$here/started"
if [ -e "$here/fail" ] && grep -q "arm: \"$(cat "$here/fail")\"" "$1"; then
    echo "a line before" >&2
    echo "the disk is full" >&2
    exit 3
fi
if [ -e "$here/crash-once" ] && grep -q "arm: \"$(cat "$here/crash-once")\"" "$1" && [ ! -e "$directory/crashed" ]; then
    echo "error: a passing fault" >&2
    touch "$directory/crashed"
    exit 3
fi
if [ -e "$here/kill" ] && grep -q "arm: \"$(cat "$here/kill")\"" "$1"; then
    kill -9 $$
fi
if [ -e "$here/stop" ] && grep -q "arm: \"$(cat "$here/stop")\"" "$1"; then
    exit 130
fi
if [ -e "$here/wait" ]; then
    # It has heard the signals that it writes down, and obeys the first, or the one that is named.
    obeys=$(cat "$here/wait")
    hear() {
        mkdir -p "$directory/checkpoint"
        echo "$1" >> "$directory/heard"
        [ -z "$obeys" ] || [ "$obeys" = "$1" ] || return
        echo 5 > "$directory/checkpoint/latest"
        exit 130
    }
    trap 'hear TERM' TERM; trap 'hear INT' INT; trap 'hear USR1' USR1
    echo '{"agent_steps":5,"of":10,"steps_per_second":1.0,"evaluation_return":null,"phase":"train"}'
    echo waiting >> "$here/waiting"
    while :; do sleep 0.02; done
fi
echo '{"agent_steps":0,"of":10,"steps_per_second":0,"evaluation_return":null,"phase":"train"}'
echo 'not progress'
echo '{"agent_steps":10,"of":10,"steps_per_second":99.5,"evaluation_return":1.5,"phase":"evaluate"}'
[ -e "$here/forget" ] && exit 0
echo '(score: 1.5, returns: [1.0, 2.0], agent_steps: 40000, parameters: 7, wall_seconds: 4.0, version: "0", device: "'"$5"'")' \
    > "$directory/done.ron"
"#;

/// What messages call `cargo` is the runner under test.
const CARGO: &str = "#!/bin/sh\n[ \"$1\" = xtask ] || exit 9\nshift\nexec \"$SOFTMOE_XTASK\" \"$@\"\n";

/// Prints its arguments.
const REPORTER: &str = "#!/bin/sh\necho report: \"$@\"\n";
const PLAYER: &str = "#!/bin/sh\necho play: \"$@\"\n";

pub(crate) struct Workshop(pub(crate) TempDir);

impl Workshop {
    pub(crate) fn new() -> Workshop {
        Workshop::at(tempfile::tempdir().unwrap())
    }

    /// A workshop in memory where there is such a file system, for very many files.
    pub(crate) fn in_memory() -> Workshop {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Workshop::at(directory.unwrap())
    }

    fn at(directory: TempDir) -> Workshop {
        let workshop = Workshop(directory);
        let programs = [
            ("softmoe-run", WORKER),
            ("softmoe-report", REPORTER),
            ("softmoe-play", PLAYER),
            ("cargo", CARGO),
        ];
        for (name, text) in programs {
            let path = workshop.path(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        workshop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// The directory of the run `arm/game/seed-k` in the profile `quick`.
    pub(crate) fn run(&self, name: &str) -> PathBuf {
        self.out().join("runs/quick").join(name)
    }

    /// Tells the worker something: `fail`, `crash-once`, `kill`, `stop`, `wait`, `forget` or `no-device`.
    pub(crate) fn tell(&self, what: &str, text: &str) {
        fs::write(self.path(what), text).unwrap();
    }

    /// Takes it back.
    pub(crate) fn untell(&self, what: &str) {
        fs::remove_file(self.path(what)).unwrap();
    }

    /// How many workers were started so far.
    pub(crate) fn started(&self) -> usize {
        fs::read_to_string(self.path("started")).map_or(0, |text| text.lines().count())
    }

    /// `cargo xtask reproduce ARGUMENTS --out OUT`, not yet started.
    pub(crate) fn command(&self, arguments: &str) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        command.arg("reproduce").args(arguments.split_whitespace()).arg("--out").arg(self.out());
        command.env("SOFTMOE_BINARIES", self.0.path());
        command
    }

    /// `cargo xtask ARGUMENTS`, finished: exit code, standard output, standard error.
    pub(crate) fn xtask(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        command.args(arguments).env("SOFTMOE_BINARIES", self.0.path());
        finish(command)
    }

    /// `cargo xtask reproduce ARGUMENTS --out OUT`, finished: exit code, standard output, standard error.
    pub(crate) fn reproduce(&self, arguments: &str) -> (Option<i32>, String, String) {
        self.finish(self.command(arguments))
    }

    /// The command, finished, as [`finish`] does it. Every command that it tells to type must be accepted.
    pub(crate) fn finish(&self, command: std::process::Command) -> (Option<i32>, String, String) {
        let directory = command.get_current_dir().map(Path::to_owned);
        let (code, stdout, stderr) = finish(Command::from_std(command));
        self.assert_hints(&stderr, directory.as_deref());
        (code, stdout, stderr)
    }

    /// Pastes every command in `text` into a shell, with `--dry-run`.
    #[track_caller]
    pub(crate) fn assert_hints(&self, text: &str, directory: Option<&Path>) {
        for hint in hints(text) {
            let path = std::env::var("PATH").unwrap();
            let mut shell = std::process::Command::new("bash");
            shell.args(["-c", &format!("{hint} --dry-run")]);
            shell
                .env("PATH", format!("{}:{path}", self.0.path().display()))
                .env("SOFTMOE_BINARIES", self.0.path());
            shell.env("SOFTMOE_XTASK", assert_cmd::cargo::cargo_bin!("xtask"));
            shell.current_dir(directory.unwrap_or(self.0.path()));
            let (code, _, stderr) = finish(Command::from_std(shell));
            assert_eq!(code, Some(0), "{hint}\n{stderr}");
        }
    }
}

pub(crate) fn finish(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    // A path need not be UTF-8.
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code(), stdout, stderr)
}

/// The command with every signal as it is by default: what starts the tests may ignore some.
pub(crate) fn listening(command: std::process::Command) -> std::process::Command {
    let mut listening = std::process::Command::new("env");
    listening.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        listening.envs(value.map(|value| (name, value)));
    }
    listening
}

/// The commands that `text` tells to type: the ends of its lines.
pub(crate) fn hints(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with("Usage: "));
    lines.filter_map(|line| line.find(": cargo xtask ").map(|at| &line[at + 2..])).collect()
}

/// Waits until `path` has as many lines; a minute is more than any machine needs.
pub(crate) fn wait_for_lines(path: &Path, count: usize) {
    let started = Instant::now();
    while fs::read_to_string(path).map_or(0, |text| text.lines().count()) < count {
        assert!(started.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asserts that `text` contains every one of `parts`.
#[track_caller]
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}
