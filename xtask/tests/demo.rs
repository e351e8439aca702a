//! `cargo xtask demo`: the runs that it chooses, and the arguments that it passes to the packer.
#![cfg(unix)]

mod workshop;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use workshop::{Workshop, assert_says};

/// Stands in for `softmoe-demo`: prints its arguments, one per line.
const PACKER: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n";

/// A workshop with two seeds of three arms on two games, and a packer.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    let (code, _, stderr) =
        workshop.reproduce("fig3 --arms flat,softmoe-4,expert-choice-4 --games breakout,freeway --seeds 2");
    assert_eq!(code, Some(0), "{stderr}");
    for arm in ["flat", "softmoe-4", "expert-choice-4"] {
        for game in ["breakout", "freeway"] {
            for seed in 0..2 {
                let run = workshop.run(&format!("{arm}/{game}/seed-{seed}"));
                fs::write(run.join("weights.safetensors"), "").unwrap();
            }
        }
    }
    fs::write(workshop.path("softmoe-demo"), PACKER).unwrap();
    fs::set_permissions(workshop.path("softmoe-demo"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(workshop.path("softmoe_demo.wasm"), "").unwrap();
    workshop
}

/// The runs passed to the packer, relative to the profile's directory.
fn packed(workshop: &Workshop, arguments: &[&str]) -> Vec<String> {
    let out = workshop.out();
    let (code, stdout, stderr) =
        workshop.xtask(&[&["demo", "--out", out.to_str().unwrap()], arguments].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let (_, runs) = stdout.split_once("\n--\n").unwrap();
    let profile = format!("{}/", workshop.run("").parent().unwrap().join("quick").display());
    runs.lines().map(|run| run.strip_prefix(&profile).unwrap_or(run).to_owned()).collect()
}

#[test]
fn the_first_seed_of_each_game_and_usual_arm_is_chosen() {
    let workshop = workshop();
    let usual = [
        "flat/breakout/seed-0",
        "softmoe-4/breakout/seed-0",
        "flat/freeway/seed-0",
        "softmoe-4/freeway/seed-0",
    ];
    assert_eq!(packed(&workshop, &[]), usual);
    let others = packed(&workshop, &["--arms", "expert-choice-4,flat", "--games", "freeway", "--seed", "1"]);
    assert_eq!(others, ["expert-choice-4/freeway/seed-1", "flat/freeway/seed-1"]);
    // A run that has not finished is not chosen.
    fs::remove_file(workshop.run("flat/breakout/seed-0").join("done.ron")).unwrap();
    assert_eq!(packed(&workshop, &["--games", "breakout"])[0], "flat/breakout/seed-1");
    // A directory that is named contributes all its runs, finished or not.
    let named = workshop.run("flat");
    let named = packed(&workshop, &["--bits", "32", named.to_str().unwrap()]);
    assert_eq!(named.len(), 4, "{named:?}");
    // Runs of the random policy are left out of a directory's runs.
    let all = packed(&workshop, &[workshop.run("flat").parent().unwrap().to_str().unwrap()]);
    assert_eq!(all.len(), 12, "{all:?}");
}

#[test]
fn runs_that_are_not_there_are_refused_before_anything_is_built() {
    let workshop = workshop();
    let out = workshop.out();
    let out = out.to_str().unwrap();
    let empty = workshop.path("empty");
    fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    let random = workshop.run("random/breakout/seed-0");
    let new = workshop.run("flat/breakout/seed-1");
    fs::remove_file(new.join("weights.safetensors")).unwrap();
    let (random, new) = (random.to_str().unwrap(), new.to_str().unwrap());
    let refused: [(&[&str], &[&str]); 10] = [
        (&["--out", out, "--profile", "quik"], &["runs/quik", "did you mean `--profile quick`?"]),
        (&["--out", empty], &["there is no finished run of MinAtar in", "cargo xtask reproduce fig3"]),
        (&["--out", out, "--arms", "flatt"], &["flatt", "flat"]),
        (&["--out", out, "--games", "freway"], &["freway", "freeway"]),
        (&["--out", out, "--seed", "7"], &["of the arms, games and seed asked for"]),
        (&["--out", out, "--file", "page.htm"], &["page.htm", "must end in .html"]),
        (&[empty], &["holds no run"]),
        (&[random], &["random/breakout/seed-0 cannot be shown", "random policy has no network"]),
        (&[new], &["flat/breakout/seed-1 cannot be shown", "no weights and no checkpoint"]),
        (&["--bits", "16"], &["16", "8, 32"]),
    ];
    for (arguments, parts) in refused {
        let (code, stdout, stderr) = workshop.xtask(&[&["demo"], arguments].concat());
        assert!(matches!(code, Some(1 | 2)), "{arguments:?}: {stdout}");
        assert_says(&stderr, parts);
    }
}
