//! Resident memory of a process that has filled a prioritized replay with frames as sparse as Atari's.
//!
//! ```sh
//! cargo run --release -p softmoe-replay --example memory -- 1000000              # 7.1 GB: mind what else runs
//! cargo run --release -p softmoe-replay --example memory -- 1000000 compressed
//! ```

#[path = "../benches/frames.rs"]
mod frames;

use frames::{SIDE, Screen};
use softmoe_replay::{Draws, EpisodeEnd, Layout, Replay, Sampling, Storage};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let capacity = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    let storage = match arguments.get(1).map(String::as_str) {
        None => Storage::Plain,
        Some("compressed") => Storage::Compressed,
        Some(other) => {
            return Err(format!("`{other}` is no storage: leave it out or give `compressed`").into());
        }
    };
    let layout = Layout { capacity, frame_len: SIDE * SIDE, stack: 4, n_step: 3, discount: 0.99 };
    let mut replay = Replay::with_storage(layout, Sampling::Prioritized(Draws::Stratified), storage)?;
    let mut screen = Screen::new(0);
    let started = Instant::now();
    // A little more than once round the ring.
    for step in 0..capacity + capacity / 100 {
        let end = if step % 500 == 499 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
        replay.push(screen.next(), (step % 18) as u8, 1.0, end);
    }
    let gb = |bytes: u64| bytes as f64 / 1e9;
    println!(
        "{capacity} frames, {storage:?}: {:.2} GB counted (plain: {:.2} GB), {} resident, {:.0} s to fill",
        gb(replay.bytes()),
        gb(layout.bytes()),
        resident().map_or("unknown".into(), |bytes| format!("{:.2} GB", gb(bytes))),
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Resident memory of this process in bytes; none where the system does not tell in a file.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
