//! The commit that a release is built from. Without git, and in builds for development, none is recorded: a build for development
//! would else be repeated after every commit.

use std::process::Command;

/// The files that decide what a run computes.
const SOURCES: [&str; 3] = ["crates", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let git = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A copy of the sources inside another repository is not that repository's commit.
    let is_ours = git(&["ls-files", "--error-unmatch", "crates/runner/build.rs"]).is_some();
    let Some(commit) = git(&["rev-parse", "HEAD"]).filter(|_| is_ours) else {
        packaged();
        return;
    };
    println!("cargo::rustc-env=SOFTMOE_BUILT_FROM={commit}");
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    if git(&status).is_none_or(|changes| !changes.is_empty()) {
        println!("cargo::rustc-env=SOFTMOE_BUILT_DIRTY=1");
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={root}/{source}");
    }
    // A commit changes the branch's file, or the packed ones; another branch changes HEAD.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    for name in ["HEAD", "packed-refs", &branch].into_iter().filter(|name| !name.is_empty()) {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", name])
            && std::path::Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// The commit that cargo notes in a package: `{"git": {"sha1": "..", "dirty": true}, ..}`.
fn packaged() {
    let note = concat!(env!("CARGO_MANIFEST_DIR"), "/.cargo_vcs_info.json");
    let Ok(text) = std::fs::read_to_string(note) else { return };
    let strings: Vec<&str> = text.split('"').collect();
    let commit = strings.iter().position(|word| *word == "sha1").and_then(|name| strings.get(name + 2));
    let Some(commit) = commit else { return };
    println!("cargo::rustc-env=SOFTMOE_BUILT_FROM={commit}");
    if strings.contains(&"dirty") {
        println!("cargo::rustc-env=SOFTMOE_BUILT_DIRTY=1");
    }
}
