//! The plans of the figures' profiles of Atari. No emulator is needed for a plan.
#![cfg(unix)]

mod workshop;

use workshop::{Workshop, assert_says};

fn plan(arguments: &str) -> String {
    let (code, plan, stderr) = Workshop::new().reproduce(&format!("{arguments} --jobs 2 --dry-run"));
    assert_eq!(code, Some(0), "{arguments}\n{stderr}");
    plan.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// 11 arms on 20 games with 5 seeds: 1,000 runs train, as docs/scale.md works out, and 100 are of the random policy.
#[test]
fn the_papers_size_is_planned_with_its_cost() {
    let plan = plan("fig3 --profile paper");
    assert_says(
        &plan,
        &[
            "1100: 11 arms x 20 games x 5 seeds, 50,000,000 agent steps each",
            "atari20: AirRaid, Asterix",
            "core hours on this machine, or 17,362 GPU hours if an H100 makes 200 updates a second",
            "of weights when all runs are finished",
            "7.09 GB a replay when it is full, 14.18 GB with 2 jobs",
            "SoftMoE-4 gains over flat: >99% if the difference is 20% of flat's score",
            "note: no human score of AirRaid is published: the runs are made, and left out of aggregates and verdict, which have 19 games",
        ],
    );
}

#[test]
fn the_other_sizes_are_planned() {
    assert_says(
        &plan("fig9 --profile paper"),
        &[
            "2100: 7 arms x 60 games x 5 seeds",
            "31,250 GPU hours",
            "no human score of AirRaid, Carnival, ElevatorAction, JourneyEscape, Pooyan is published",
            "note: VideoPinball's random score is 16,256.9, as in dqn_zoo",
        ],
    );
    assert_says(
        &plan("fig3 --profile atari100k"),
        &["1430: 11 arms x 26 games x 5 seeds, 100,000 agent steps each", "DER, the agent of this benchmark"],
    );
    assert_says(
        &plan("app-cnn --profile paper-cnn"),
        &["1400: 14 arms x 20 games x 5 seeds", "The Nature CNN instead"],
    );
    assert_says(
        &plan("fig3 --profile atari-smoke"),
        &["18: 3 arms x 2 games x 3 seeds, 2,000 agent steps each"],
    );
    // Neither DQN nor Rainbow is an agent of 100,000 steps.
    assert_says(&plan("fig10 --profile atari100k"), &["650: 5 arms", "DER: SoftMoE-4 gains over flat x4"]);
    assert!(!plan("fig10 --profile atari100k").contains("DQN: SoftMoE-1 x4 does not gain"));
}

#[test]
fn games_without_a_human_score_are_told() {
    let plan = plan("fig3 --profile paper --games AirRaid,Pooyan");
    assert_says(
        &plan,
        &[
            "nothing: no human score of the games is published, so scores cannot be normalised",
            "note: nothing can be normalised, drawn by score or judged: no human score of AirRaid, Pooyan is published",
        ],
    );
}
