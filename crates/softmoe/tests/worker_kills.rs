//! The worker, killed again and again at random instants, and in the middle of its writes: no run is lost, no file is
//! damaged, and what is left in the end is what an undisturbed run leaves.
#![cfg(unix)]

mod worker;

use worker::{SOFT_MOE, config, kills::kill};

#[test]
fn killed_at_random_instants_and_in_its_writes() {
    let tally = kill(&config(SOFT_MOE), 6);
    assert_eq!(tally.kills, 6);
}

/// `cargo test --release -p softmoe --test worker_kills -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn killed_two_hundred_times() {
    let tally = kill(&config(SOFT_MOE), 200);
    assert_eq!(tally.kills, 200);
    assert!(tally.in_a_write > 0);
}
