//! Measures the resident memory of a process with a full prioritized replay of sparse frames like Atari's, and the time of
//! an add and of a sample.
//!
//! ```sh
//! cargo run --release -p softmoe-replay --example memory -- 1000000              # 7.1 GB: mind what else runs
//! cargo run --release -p softmoe-replay --example memory -- 1000000 compressed
//! ```

#[path = "../benches/frames/mod.rs"]
mod frames;

use frames::{SIDE, Screen};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, Storage};
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
    let layout =
        Layout { capacity, frame_len: SIDE * SIDE, channels: 1, stack: 4, n_step: 3, discount: 0.99 };
    let mut replay = Replay::with_storage(layout, Sampling::Prioritized, storage)?;
    let mut screen = Screen::new(0);
    let started = Instant::now();
    let mut added = f64::INFINITY;
    // Overwrite a little of the ring.
    for step in 0..capacity + capacity / 100 {
        let end = if step % 500 == 499 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
        let frame = screen.next();
        let before = Instant::now();
        replay.push(frame, (step % 18) as u8, 1.0, end);
        // The best of many approximates an idle machine. The first rows touch memory that is not yet resident.
        if step > capacity {
            added = added.min(before.elapsed().as_secs_f64());
        }
    }
    let mut batch = Batch::new(32, &layout);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut sampled = f64::INFINITY;
    for _ in 0..1_000 {
        let before = Instant::now();
        replay.sample(&mut rng, &mut batch)?;
        sampled = sampled.min(before.elapsed().as_secs_f64());
    }
    let gb = |bytes: u64| bytes as f64 / 1e9;
    println!(
        "{capacity} frames, {storage:?}: {:.2} GB counted (plain: {:.2} GB), {} resident, {:.0} s to fill",
        gb(replay.bytes()),
        gb(layout.bytes()),
        resident().map_or("unknown".into(), |bytes| format!("{:.2} GB", gb(bytes))),
        started.elapsed().as_secs_f64(),
    );
    println!("at best {:.2} us an add, {:.0} us a sample of 32", added * 1e6, sampled * 1e6);
    Ok(())
}

/// Resident memory of this process in bytes; `None` where the system has no file with it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
