//! Two runners build programs with different features in one directory.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// In the place of cargo: writes its arguments into the programs, announces them, and ends half a second later.
const CARGO: &str = r#"#!/bin/sh
for name in softmoe-run softmoe-measure; do
    printf '#!/bin/sh\n# %s\n' "$*" >"$PROGRAMS/$name"
    chmod +x "$PROGRAMS/$name"
    printf '{"executable":"%s","target":{"name":"%s"}}\n' "$PROGRAMS/$name" "$name"
done
sleep 0.5
"#;

fn train(target: &Path, device: &str) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
    command.args([
        "train", "--agent", "dqn", "--suite", "minatar", "--game", "breakout", "--device", device, "--out",
    ]);
    command.arg(target.join(device)).env_remove("SOFTMOE_BINARIES");
    command
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO", target.join("cargo"))
        .env("PROGRAMS", target.join("release"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

/// The second build waits for the first one. It begins when that one ends, and must not replace the programs before they are
/// copied.
#[test]
fn a_runner_takes_the_programs_that_it_built() {
    let target = tempfile::tempdir().expect("a directory");
    let target = target.path();
    let release = target.join("release");
    fs::create_dir(&release).unwrap();
    fs::write(target.join("cargo"), CARGO).unwrap();
    fs::set_permissions(target.join("cargo"), Permissions::from_mode(0o755)).unwrap();

    let mut first = train(target, "flex");
    let start = Instant::now();
    while !release.join("softmoe-run").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the first runner builds nothing");
        sleep(Duration::from_millis(10));
    }
    let mut second = train(target, "wgpu");
    first.wait().unwrap();
    second.wait().unwrap();
    for device in ["flex", "wgpu"] {
        let program = fs::read_to_string(release.join(format!("with-{device}/softmoe-run"))).unwrap();
        assert!(program.contains(&format!("--features {device}")), "{device}: {program}");
    }
}
