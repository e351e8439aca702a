//! Memory of the replays: whether those of the runs at a time fit this machine, and advice where a worker was killed for want of it.

use softmoe_config::words::{count, gigabytes};
use softmoe_config::{AgentConfig, Game, LearningConfig, RunConfig};
use softmoe_console::memory::Memory;
use softmoe_replay::Layout;
use std::process::ExitStatus;

/// Share of a replay's memory that is left with frames as sparse as Atari's, compressed (docs/replay.md).
const COMPRESSED_SHARE: f64 = 0.2;

/// Share of the machine's memory that replays may take.
const SHARE_OF_REPLAYS: f64 = 0.9;

/// Memory of one run's replay.
#[derive(Clone, Copy)]
struct Size {
    /// Bytes at the end of the run, uncompressed.
    bytes: u64,
    /// Bytes that are reserved at once, uncompressed: those of the whole capacity.
    reserved: u64,
    compressed: bool,
    /// Whether the frames are sparse, so that it is known what compression leaves.
    sparse: bool,
}

impl Size {
    /// The size of a run's replay; `None` without a replay.
    fn of(config: &RunConfig) -> Option<Size> {
        let learning = config.agent.learning()?;
        // Single frames are stored, and stacked in samples.
        let spec = config.environment.spec();
        let (frame_len, stack) = (spec.frame_bytes(), spec.stack);
        let (n_step, discount) = (learning.n_step, learning.discount);
        let bytes = |capacity| Layout { capacity, frame_len, channels: 1, stack, n_step, discount }.bytes();
        Some(Size {
            bytes: bytes(config.replay_frames()?),
            reserved: bytes(learning.replay_capacity),
            compressed: learning.replay_compressed,
            sparse: matches!(config.environment.game(), Game::Atari(_)),
        })
    }

    /// Bytes to expect.
    fn expected(self) -> u64 {
        match self.compressed && self.sparse {
            true => (self.bytes as f64 * COMPRESSED_SHARE) as u64,
            false => self.bytes,
        }
    }

    fn compressed(self) -> Size {
        Size { compressed: self.compressed || self.sparse, ..self }
    }
}

/// Bytes to expect of the `jobs` largest replays.
fn of_largest(sizes: &[Size], jobs: usize) -> u64 {
    sum_of_largest(sizes.iter().map(|size| size.expected()).collect(), jobs.max(1))
}

/// The sum of the `count` largest numbers of bytes.
pub(crate) fn sum_of_largest(mut bytes: Vec<u64>, count: usize) -> u64 {
    bytes.sort_unstable_by(|a, b| b.cmp(a));
    bytes.iter().take(count).fold(0, |sum, bytes| sum.saturating_add(*bytes))
}

/// How runs are made so that their replays fit a machine's memory.
#[derive(Debug, PartialEq)]
pub(crate) struct Fit {
    /// Whether replays are compressed that would not be.
    pub(crate) compress: bool,
    /// Runs at a time.
    pub(crate) jobs: usize,
    /// What was chosen, in a sentence; `None` if everything fits.
    pub(crate) note: Option<String>,
}

/// Compression, and the runs at a time, with which the replays of `runs` fit `memory`. First they are compressed, unless
/// `compression_is_set`, then there are fewer at a time, unless `jobs_are_set`.
pub(crate) fn fit<'a>(
    runs: impl Iterator<Item = &'a RunConfig>,
    jobs: usize,
    memory: Memory,
    compression_is_set: bool,
    jobs_are_set: bool,
) -> Fit {
    let plain: Vec<Size> = runs.filter_map(Size::of).collect();
    let most = (memory.total as f64 * SHARE_OF_REPLAYS) as u64;
    let fits = |sizes: &[Size], jobs: usize| {
        let is_reserved = |size: &Size| size.compressed || size.reserved <= memory.total;
        memory.total == 0 || (of_largest(sizes, jobs) <= most && sizes.iter().all(is_reserved))
    };
    if fits(&plain, jobs) {
        return Fit { compress: false, jobs, note: None };
    }
    let packed: Vec<Size> = plain.iter().map(|size| size.compressed()).collect();
    let compress = !compression_is_set && of_largest(&packed, jobs) < of_largest(&plain, jobs);
    let sizes = if compress { &packed } else { &plain };
    let fewer = (1..=jobs).rev().find(|&jobs| fits(sizes, jobs));
    let chosen = if jobs_are_set { jobs } else { fewer.unwrap_or(1) };
    let at_once = jobs.min(plain.len());
    let mut note = format!(
        "the replays of {} take {} when they are full, and this machine has {}",
        count(at_once, "run"),
        gigabytes(of_largest(&plain, jobs)),
        gigabytes(memory.total)
    );
    if compress {
        note += &format!(
            ": they are compressed (about {}; `agent.replay_compressed`, which changes no result)",
            gigabytes(of_largest(&packed, chosen))
        );
    }
    match fewer {
        Some(fewer) if fewer == jobs => {}
        Some(fewer) if jobs_are_set => {
            note += &format!("; the system may kill runs: `--jobs {fewer}` would fit");
        }
        Some(fewer) => note += &format!("; {} at a time instead of {jobs}", count(fewer, "run")),
        None => {
            note += "; even one run does not fit: make `agent.replay_capacity` smaller, which changes the experiment"
        }
    }
    Fit { compress, jobs: chosen, note: Some(note) }
}

/// Compresses the replay of a run of sparse frames.
pub(crate) fn compress(config: &mut RunConfig) {
    if let (AgentConfig::Learning(learning), Game::Atari(_)) = (&config.agent, config.environment.game()) {
        config.agent = LearningConfig { replay_compressed: true, ..*learning }.into();
    }
}

/// Memory of the largest replay of `runs`, and of as many of the largest as there are runs at a time, in words; none without
/// a replay.
pub(crate) fn of_replays<'a>(runs: impl Iterator<Item = &'a RunConfig>, jobs: usize) -> Option<String> {
    let sizes: Vec<Size> = runs.filter_map(Size::of).collect();
    let compressed = sizes.iter().any(|size| size.compressed);
    let plain: Vec<Size> = sizes.iter().map(|size| Size { compressed: false, ..*size }).collect();
    let at_once = jobs.clamp(1, sizes.len().max(1));
    let words = |sizes: &[Size]| [1, at_once].map(|jobs| gigabytes(of_largest(sizes, jobs)));
    let ([one, all], jobs) = (words(&plain), count(at_once, "job"));
    let when_full = format!("{one} a replay when it is full, {all} with {jobs}");
    match sizes.is_empty() {
        true => None,
        false if !compressed => Some(when_full),
        false => {
            let packed: Vec<Size> = sizes.iter().map(|size| Size { sparse: true, ..*size }).collect();
            let [one, all] = words(&packed);
            Some(format!(
                "at most {when_full}; compressed, frames as sparse as Atari's take about {one} and {all} (docs/replay.md has the time \
                 that compression costs)"
            ))
        }
    }
}

/// Bytes of the largest replay of `runs` when it is full; none without a replay.
pub(crate) fn largest_replay<'a>(runs: impl Iterator<Item = &'a RunConfig>) -> Option<u64> {
    runs.filter_map(Size::of).map(|size| size.reserved).max()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    /// A run of the paper's size: 7.1 GB uncompressed, 1.4 compressed.
    fn runs() -> Vec<RunConfig> {
        let experiment = catalog::experiment("fig3").unwrap();
        let mut profile = experiment.profile("paper").unwrap().clone();
        profile.seeds = 1;
        experiment.resolve("paper", &profile, &["flat"]).unwrap()
    }

    fn fitted(gigabytes: u64, jobs: usize, compression_is_set: bool, jobs_are_set: bool) -> Fit {
        let memory = Memory { total: gigabytes * 1_000_000_000, available: 0 };
        fit(runs().iter(), jobs, memory, compression_is_set, jobs_are_set)
    }

    #[test]
    fn replays_are_compressed_first_and_then_fewer() {
        assert_eq!(fitted(64, 8, false, false), Fit { compress: false, jobs: 8, note: None });
        let packed = fitted(23, 8, false, false);
        let note = packed.note.unwrap();
        assert_eq!((packed.compress, packed.jobs), (true, 8));
        assert!(note.contains("replays of 8 runs take 56.7") && note.contains("has 23"), "{note}");
        assert!(note.contains("they are compressed (about 11") && !note.contains("at a time"), "{note}");
        let fewer = fitted(8, 8, false, false);
        assert_eq!((fewer.compress, fewer.jobs), (true, 5));
        assert!(fewer.note.unwrap().ends_with("; 5 runs at a time instead of 8"));
    }

    #[test]
    fn options_are_followed() {
        let fewer = fitted(23, 8, true, false);
        assert_eq!((fewer.compress, fewer.jobs), (false, 2));
        let warned = fitted(8, 8, false, true);
        assert_eq!((warned.compress, warned.jobs), (true, 8));
        assert!(warned.note.unwrap().ends_with("the system may kill runs: `--jobs 5` would fit"));
        let none = fitted(4, 1, true, false);
        assert!(none.note.unwrap().contains("even one run does not fit"));
        // A system that does not report its memory.
        assert_eq!(fitted(0, 8, false, false).note, None);
    }

    /// A run of 100,000 steps fills a tenth of its replay.
    #[test]
    fn a_short_run_fills_a_part_of_its_replay() {
        let mut short = runs();
        short.iter_mut().for_each(|run| run.training.agent_steps.0 = 100_000);
        let words = of_replays(short.iter(), 2).unwrap();
        assert!(words.starts_with("0.71 GB a replay when it is full, 1.42 GB with 2 jobs"), "{words}");
        short.iter_mut().for_each(compress);
        let words = of_replays(short.iter(), 2).unwrap();
        assert!(words.contains("take about 0.14 GB and 0.28 GB"), "{words}");
    }
}
