//! Writes the seeds of the corpora: the files of a small run in the current formats. Run it in `fuzz` after a format has
//! changed: `cargo run --release --example seeds`.
//!
//! `cargo run --release --example seeds -- corpus` counts the inputs for `checkpoint` and `rows` that get past header,
//! checksum and checks.

#[path = "../targets/common.rs"]
mod common;

use common::{CHECKPOINT_HEADER, ROWS_HEADER, SMALL, checkpoint_of, rows_of, try_input};
use lz4_flex::frame::FrameDecoder;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, networks};
use softmoe_nets::weights;
use softmoe_config::{AgentSteps, RunConfig, RunDirectory};
use softmoe_runner::{Monitor, Options, Progress, train};
use std::fs;
use std::io::Read;
use std::path::Path;

struct Quiet;

impl Monitor for Quiet {
    fn report(&mut self, _: &Progress) {}
    fn warn(&mut self, message: &str) {
        panic!("{message}");
    }
    fn keep_going(&mut self) -> bool {
        true
    }
}

fn main() {
    if let Some(corpus) = std::env::args_os().nth(1) {
        count_restored(Path::new(&corpus));
        return;
    }
    let (checkpoint, rows) = (&SMALL.checkpoint.1, &SMALL.rows.1);
    let of_checkpoints = [
        ("file", 0, checkpoint.clone()),
        ("stream", 1, checkpoint[CHECKPOINT_HEADER..].to_vec()),
        ("body", 2, decompressed(&checkpoint[CHECKPOINT_HEADER..])),
        ("body-compressed", 5, decompressed(&checkpoint[CHECKPOINT_HEADER..])),
    ];
    for (name, kind, bytes) in of_checkpoints {
        let input = [&[kind], &bytes[..]].concat();
        assert!(try_input(&input, checkpoint_of), "{name}");
        write("checkpoint", name, &input);
    }
    let of_rows = [
        ("file", 0, rows.clone()),
        ("file-with-checksum", 1, rows.clone()),
        ("body", 2, decompressed(&rows[ROWS_HEADER..])),
    ];
    for (name, kind, bytes) in of_rows {
        let input = [&[kind], &bytes[..]].concat();
        assert!(try_input(&input, rows_of), "{name}");
        write("rows", name, &input);
    }
    of_a_finished_run();
    for (name, body) in [
        ("global_average_pooling", "global_average_pooling()"),
        ("shuffled", "soft_moe(experts: 2, tokens: shuffled)"),
        ("top_k", "top_k(experts: 2)"),
        ("big", "soft_moe(experts: 2, expert_type: big, slots: count(9))"),
    ] {
        of_network(name, body);
    }
}

fn count_restored(corpus: &Path) {
    for (target, files) in [("checkpoint", checkpoint_of as fn(&[u8]) -> _), ("rows", rows_of)] {
        let entries = fs::read_dir(corpus.join(target)).expect("a corpus");
        let inputs: Vec<Vec<u8>> =
            entries.flatten().map(|entry| fs::read(entry.path()).expect("an input")).collect();
        let restored = inputs.iter().filter(|input| try_input(input, files)).count();
        println!("{target}: {restored} of {} inputs are restored", inputs.len());
    }
}

/// What a run leaves that came to its end.
fn of_a_finished_run() {
    let mut config = SMALL.config.clone();
    config.training.evaluation_period = AgentSteps(20);
    config.training.evaluation_episodes = 1;
    config.training.final_evaluation_episodes = 2;
    let directory = common::directory();
    let run = RunDirectory::new(directory.path());
    train(&config, &run, &Options::default(), &mut Quiet).expect("a run");
    let read = |path: &Path| fs::read(path).expect("a file of a finished run");
    write("metrics_csv", "metrics", &read(&run.metrics_csv()));
    write("done_ron", "done", &read(&run.done_ron()));
    softmoe_config::file::write(&run.run_ron(), &config).expect("a run.ron");
    write("run_ron", "rainbow", &read(&run.run_ron()));
    let appended =
        [("metrics", run.metrics_csv()), ("diagnostics", run.diagnostics_csv()), ("events", run.events())];
    for (kind, (name, path)) in (0..).zip(appended) {
        // A part of it; the tail was written after the checkpoint.
        let bytes = &read(&path)[..];
        let bytes = &bytes[..bytes.len().min(900)];
        let [a, b] = (bytes.len() as u16 / 2).to_le_bytes();
        write("appended", name, &[&[kind, a, b, 0, 0, 0, 0], bytes].concat());
    }
}

/// A network's text, and its first weights if they are few.
fn of_network(name: &str, body: &str) {
    let mut config: RunConfig = SMALL.config.clone();
    config.network.body = body.parse().expect("a body");
    let architecture = config.architecture(1).expect("an agent that learns");
    let agent = Agent::new(&config.agent, &architecture, &config.environment.spec(), Seeds::new(1)).expect("an agent");
    let text = architecture.to_string();
    let named = agent.learner().weights();
    let named = named.iter().map(|(name, shape, values)| (*name, *shape, &**values));
    let bytes = weights::write(&text, named, &networks::permutations(&architecture)).expect("weights");
    if bytes.len() < 10_000 {
        write("weights", name, &bytes);
    }
    write("network", name, text.as_bytes());
}

fn decompressed(stream: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    FrameDecoder::new(stream).read_to_end(&mut bytes).expect("an LZ4 stream");
    bytes
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(name), bytes).expect("a seed");
    println!("{target}/{name}: {} bytes", bytes.len());
}
