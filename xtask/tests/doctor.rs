//! `cargo xtask doctor`, completions and manual pages.
#![cfg(unix)]

mod workshop;

use serde_json::Value;
use std::fs;
use workshop::{Workshop, assert_says};

#[test]
fn the_doctor_says_what_is_missing_and_how_to_get_it() {
    let workshop = Workshop::new();
    let (code, stdout, stderr) = workshop.xtask(&["doctor"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["processor", "memory", "disk", "Rust", "worker", "Atari", "Python"]);
    let (code, stdout, stderr) = workshop.xtask(&["doctor", "--json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let parts: Value = serde_json::from_str(&stdout).unwrap();
    for part in parts.as_array().unwrap() {
        let is_there = part["is_there"].as_bool().unwrap();
        assert!(is_there || !part["found"].as_str().unwrap().is_empty(), "{part}");
        assert!(!part["enables"].as_str().unwrap().is_empty(), "{part}");
    }
    let worker = parts.as_array().unwrap().iter().find(|part| part["name"] == "worker").unwrap();
    assert_eq!(worker["is_there"], true, "{worker}");
}

#[test]
fn completions_offer_figures_arms_games_and_settings() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, stderr) = workshop.xtask(&["completions", shell]);
        assert_eq!(code, Some(0), "{stderr}");
        assert_says(&stdout, &["fig3", "softmoe-4", "breakout", "RoadRunner", "atari100k", "agent.n_step="]);
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let workshop = Workshop::new();
    let (code, _, stderr) = workshop.xtask(&["man", workshop.path("pages").to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
    for command in ["reproduce", "train", "status", "doctor"] {
        let page = fs::read_to_string(workshop.path(&format!("pages/cargo-xtask-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(command), "{page}");
    }
}
