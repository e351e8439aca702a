//! Workers that are killed at random instants, and in the middle of their writes.

use super::{Leavings, Run, Worker};
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::RunConfig;
use std::time::{Duration, Instant};

/// Kills of one run, at most.
const KILLS_A_RUN: usize = 5;

/// What became of the workers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: usize,
    pub(crate) kills: usize,
    /// Kills that left a half-written file behind.
    pub(crate) in_a_write: usize,
}

/// Whether a file is being written, or was when the worker died.
fn is_writing(run: &Run) -> bool {
    let begins = |name: &String| name.starts_with(".writing-");
    run.entries("checkpoint").iter().any(begins) || run.entries(".").iter().any(begins)
}

/// Lets the worker go on until `instant`, or, after that, into its next write; then kills it. Whether it was killed.
fn kill_at(run: &Run, mut worker: Worker, instant: Instant, in_a_write: bool) -> bool {
    while Instant::now() < instant && worker.is_running() {
        std::thread::sleep(Duration::from_millis(1));
    }
    while in_a_write && !is_writing(run) && worker.is_running() {
        std::thread::yield_now();
    }
    worker.signal(Signal::SIGKILL);
    let ended = worker.wait();
    // A file that was damaged would be told of by whoever reads it next.
    let is_finished = ended.stderr.contains("is finished already");
    assert!(ended.stderr.is_empty() || is_finished, "{ended:?}");
    !ended.status.success() && !is_finished
}

/// Kills workers on runs of `config` until `kills` of them have died, each run to its end.
pub(crate) fn kill(config: &RunConfig, kills: usize) -> Tally {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_241_003);
    // The instants are drawn as shares of what an undisturbed run takes here and now.
    let started = Instant::now();
    let undisturbed: Leavings = Run::new(config).finish().0;
    let duration = started.elapsed();

    let mut tally = Tally::default();
    while tally.kills < kills {
        let run = Run::new(config);
        for _ in 0..KILLS_A_RUN.min(kills - tally.kills) {
            let instant = Instant::now() + duration.mul_f64(rng.random_range(0.0..0.5));
            if !kill_at(&run, run.start(), instant, rng.random()) {
                break;
            }
            tally.kills += 1;
            tally.in_a_write += usize::from(is_writing(&run));
        }
        let (leavings, ended) = run.finish();
        assert!(!ended.stderr.contains("warning"), "{ended:?}");
        assert_eq!(leavings, undisturbed, "after {tally:?}");
        assert!(!is_writing(&run) && !run.files().checkpoints().exists());
        tally.runs += 1;
        println!("{tally:?}");
    }
    tally
}
