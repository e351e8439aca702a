//! The memory that replays take, and what it says that a worker was killed.

use crate::plan::PlannedRun;
use crate::words::count;
use softmoe_config::RunConfig;
use softmoe_replay::Layout;
use std::process::ExitStatus;

/// The part of its size that a compressed replay takes of frames as sparse as Atari's, and what it costs (docs/replay.md).
const COMPRESSED_SHARE: f64 = 0.2;
const COMPRESSED_COST: &str = "storing a frame of 84x84 takes 1.5 us more, drawing a transition with stacks of four 22 us: docs/replay.md";

/// The replay of one run.
struct Size {
    bytes: u64,
    compressed: bool,
}

/// The size of a run's replay; none if it has none.
fn size(config: &RunConfig) -> Option<Size> {
    let learning = config.agent.learning()?;
    let frame_len = config.architecture(0)?.observation.iter().product();
    let (capacity, n_step, discount) = (learning.replay_capacity, learning.n_step, learning.discount);
    let layout = Layout { capacity, frame_len, channels: 1, stack: 1, n_step, discount };
    Some(Size { bytes: layout.bytes(), compressed: learning.replay_compressed })
}

/// The replays of the largest of `runs`, and of as many as run at once, in words; none if none has one.
pub(crate) fn of_replays<'a>(runs: impl Iterator<Item = &'a PlannedRun>, jobs: usize) -> Option<String> {
    let sizes: Vec<Size> = runs.filter_map(|run| size(&run.config)).collect();
    let largest = sizes.iter().max_by_key(|size| size.bytes)?;
    let at_once = jobs.clamp(1, sizes.len()) as f64;
    let one = largest.bytes as f64;
    let jobs = count(at_once as usize, "job");
    if !largest.compressed {
        return Some(format!(
            "{} a replay when it is full, {} with {jobs}",
            gigabytes(one),
            gigabytes(one * at_once)
        ));
    }
    let little = one * COMPRESSED_SHARE;
    Some(format!(
        "at most {} a replay when it is full, {} with {jobs}; compressed, frames as sparse as Atari's take about {} and {} \
         ({COMPRESSED_COST})",
        gigabytes(one),
        gigabytes(one * at_once),
        gigabytes(little),
        gigabytes(little * at_once),
    ))
}

fn gigabytes(bytes: f64) -> String {
    let gigabytes = bytes / 1e9;
    if gigabytes < 0.1 { format!("{gigabytes:.3} GB") } else { format!("{gigabytes:.1} GB") }
}

/// What to do about a worker that the system killed, or that was given no memory; none if it ended otherwise.
pub(crate) fn advice(status: ExitStatus, jobs: usize) -> Option<String> {
    let why = match signal(status)? {
        SIGKILL => "it was killed, most likely because the memory was full",
        SIGABRT => "it was given no more memory, or broke off",
        _ => return None,
    };
    let fewer =
        if jobs > 1 { format!(", or run fewer at once (`--jobs {}`)", jobs / 2) } else { String::new() };
    Some(format!(
        "{why}: make the replay smaller (`--set agent.replay_capacity=..`, another experiment), keep its frames compressed \
         (`--set agent.replay_compressed=true`, the same results){fewer}"
    ))
}

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}
