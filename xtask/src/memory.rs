//! Memory of the replays, and advice where a worker was killed for want of it.

use softmoe_config::RunConfig;
use softmoe_config::words::{count, gigabytes};
use softmoe_replay::Layout;
use std::process::ExitStatus;

/// Share of a replay's memory that is left with frames as sparse as Atari's, compressed (docs/replay.md).
const COMPRESSED_SHARE: f64 = 0.2;

/// Memory of one run's replay.
#[derive(Clone, Copy)]
struct Size {
    bytes: u64,
    compressed: bool,
}

/// The size of a run's replay; `None` without a replay.
fn size(config: &RunConfig) -> Option<Size> {
    let learning = config.agent.learning()?;
    // Single frames are stored, and stacked in samples.
    let spec = config.environment.spec();
    let (frame_len, stack) = (spec.frame_bytes(), spec.stack);
    let (capacity, n_step, discount) = (learning.replay_capacity, learning.n_step, learning.discount);
    let layout = Layout { capacity, frame_len, channels: 1, stack, n_step, discount };
    Some(Size { bytes: layout.bytes(), compressed: learning.replay_compressed })
}

/// Memory of the largest replay of `runs`, and of as many such replays as there are runs at a time, in words; none without
/// a replay.
pub(crate) fn of_replays<'a>(runs: impl Iterator<Item = &'a RunConfig>, jobs: usize) -> Option<String> {
    let sizes: Vec<Size> = runs.filter_map(size).collect();
    let Size { bytes: one, compressed } = *sizes.iter().max_by_key(|size| size.bytes)?;
    let at_once = jobs.clamp(1, sizes.len()) as u64;
    let all = one.saturating_mul(at_once);
    let jobs = count(at_once, "job");
    let when_full = format!("{} a replay when it is full, {} with {jobs}", gigabytes(one), gigabytes(all));
    if !compressed {
        return Some(when_full);
    }
    let little = |bytes: u64| gigabytes((bytes as f64 * COMPRESSED_SHARE) as u64);
    Some(format!(
        "at most {when_full}; compressed, frames as sparse as Atari's take about {} and {} (docs/replay.md has the time that \
         compression costs)",
        little(one),
        little(all),
    ))
}

/// Bytes of the largest replay of `runs` when it is full; none without a replay.
pub(crate) fn largest_replay<'a>(runs: impl Iterator<Item = &'a RunConfig>) -> Option<u64> {
    runs.filter_map(size).map(|size| size.bytes).max()
}

/// Advice about a worker that the system killed or that got no memory; `None` if it ended otherwise.
pub(crate) fn advice(status: ExitStatus, jobs: usize) -> Option<String> {
    let why = match signal(status)? {
        SIGKILL => "the system killed it, most likely for lack of memory",
        SIGABRT => "it ran out of memory or aborted",
        _ => return None,
    };
    let fewer =
        if jobs > 1 { format!(", or run fewer at once (`--jobs {}`)", jobs / 2) } else { String::new() };
    Some(format!(
        "{why}: compress the replay's frames (`--set agent.replay_compressed=true`; results do not change), make the replay smaller \
         (`--set agent.replay_capacity=..`; this changes the experiment){fewer}"
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
