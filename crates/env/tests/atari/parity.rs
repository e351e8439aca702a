//! Play and observations against traces of ale-py with the preprocessing of Dopamine and of gymnasium, and the resize against OpenCV.
//!
//! Reads `atari_*.json.gz` in the directory named by `SOFTMOE_FIXTURES`, or else in the workspace's `tests/fixtures`.
//! `generate/atari_traces.py` beside them says how a trace is replayed.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use softmoe_env::Environment;
use softmoe_env::atari::{AreaResize, Atari, AtariGame, Preprocessing, SIZE, Settings};

use crate::is_set_up;

#[derive(Deserialize)]
struct Traces {
    game: AtariGame,
    rom: String,
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    settings: TraceSettings,
    ale_seed: u32,
    screen: [usize; 2],
    /// ALE's numbers of the actions.
    actions: Vec<u8>,
    action: Vec<usize>,
    reward: Vec<f32>,
    lives: Vec<i32>,
    terminal: Vec<u8>,
    life_lost: Vec<u8>,
    truncated: Vec<u8>,
    frames: Vec<u32>,
    ram: Vec<String>,
    pooled: Vec<String>,
    observation: Vec<String>,
    /// Steps whose observation is another one in gymnasium. Missing where gymnasium's game would be another one.
    gymnasium_observation: Option<Vec<(usize, String)>>,
    /// Step, number of no-ops, lives, and digests of memory, pooled screen and observation.
    resets: Vec<(i64, u32, i32, String, String, String)>,
}

#[derive(Deserialize)]
struct TraceSettings {
    repeat_action_probability: f64,
    frame_skip: u32,
    terminal_on_life_loss: bool,
    full_action_space: bool,
    max_num_frames_per_episode: u32,
}

fn fixtures() -> PathBuf {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    std::env::var_os("SOFTMOE_FIXTURES").map_or_else(|| committed.into(), PathBuf::from)
}

/// The files of traces.
fn traces() -> Vec<PathBuf> {
    let directory = fixtures();
    let entries = directory.read_dir().unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a directory").path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("atari_") && name.ends_with(".json.gz") && name != "atari_resize.json.gz"
    });
    files.sort();
    assert!(!files.is_empty(), "no atari_*.json.gz in {}", directory.display());
    files
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_reader(GzDecoder::new(file))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn digest(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

/// What a trace has of each moment: digests of memory, pooled screen and observation.
fn seen(atari: &Atari) -> [String; 3] {
    let mut observation = vec![255; SIZE * SIZE];
    atari.observe(&mut observation);
    [digest(atari.ram()), digest(atari.pooled()), digest(&observation)]
}

fn replay(game: AtariGame, trace: &Trace, reference: Preprocessing, context: &str) {
    let settings = Settings {
        sticky_action_probability: trace.settings.repeat_action_probability,
        full_action_set: trace.settings.full_action_space,
        terminal_on_life_loss: trace.settings.terminal_on_life_loss,
        frame_skip: trace.settings.frame_skip,
        max_episode_frames: trace.settings.max_num_frames_per_episode,
        preprocessing: reference,
        ..Settings::default()
    };
    let mut others = HashMap::new();
    if reference == Preprocessing::Gymnasium {
        others.extend(trace.gymnasium_observation.clone().expect("a trace of gymnasium"));
    }
    let mut atari = Atari::with_exact_seed(game, &settings, trace.ale_seed)
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(atari.screen_size(), trace.screen, "{context}: size of the screen");
    assert_eq!(atari.action_numbers(), trace.actions, "{context}: actions");
    let mut resets = trace.resets.iter();
    let mut reset = |atari: &mut Atari, t: i64| {
        let (at, noops, lives, ram, pooled, observation) = resets.next().expect("a reset after each end");
        assert_eq!(*at, t, "{context}: step of the reset");
        atari.reset_after(*noops).unwrap_or_else(|error| panic!("{context}: {error}"));
        let expected = [ram, pooled, observation];
        assert_eq!(seen(atari).each_ref(), expected, "{context}: reset after step {t}");
        assert_eq!(atari.lives(), *lives, "{context}: lives of the reset after step {t}");
    };
    reset(&mut atari, -1);
    for (t, &action) in trace.action.iter().enumerate() {
        let at = format!("{context}, step {t}");
        let step = atari.step(action);
        assert_eq!(step.reward, trace.reward[t], "{at}: reward");
        assert_eq!(atari.lives(), trace.lives[t], "{at}: lives");
        assert_eq!(step.terminal, trace.terminal[t] == 1, "{at}: terminal");
        assert_eq!(step.truncated, trace.truncated[t] == 1, "{at}: truncated");
        assert_eq!(step.life_lost, trace.life_lost[t] == 1, "{at}: life lost");
        assert_eq!(atari.frames_of_last_step(), trace.frames[t], "{at}: frames");
        let [ram, pooled, observation] = seen(&atari);
        assert_eq!(ram, trace.ram[t], "{at}: memory");
        match reference {
            Preprocessing::Dopamine => assert_eq!(pooled, trace.pooled[t], "{at}: pooled screen"),
            Preprocessing::Gymnasium => {}
        }
        assert_eq!(&observation, others.get(&t).unwrap_or(&trace.observation[t]), "{at}: observation");
        if step.ends_episode() {
            reset(&mut atari, t as i64);
        }
    }
    assert!(resets.next().is_none(), "{context}: resets left over");
}

/// Replays the traces of each file on a thread of its own.
fn replay_all(reference: Preprocessing) {
    thread::scope(|scope| {
        for path in traces() {
            scope.spawn(move || {
                let Traces { game, rom, traces } = read(&path);
                assert_eq!(rom, game.rom(), "{}", path.display());
                assert!(!traces.is_empty(), "{} has no trace", path.display());
                let mut replayed = 0;
                for (index, trace) in traces.iter().enumerate() {
                    if reference == Preprocessing::Dopamine || trace.gymnasium_observation.is_some() {
                        replay(game, trace, reference, &format!("{}, trace {index}", path.display()));
                        replayed += 1;
                    }
                }
                assert!(replayed > 0, "{} has no trace of {reference:?}", path.display());
            });
        }
    });
}

#[test]
fn parity_of_every_atari_trace_with_dopamine() {
    if is_set_up("parity_of_every_atari_trace_with_dopamine") {
        replay_all(Preprocessing::Dopamine);
    }
}

#[test]
fn parity_of_every_atari_trace_with_gymnasium() {
    if is_set_up("parity_of_every_atari_trace_with_gymnasium") {
        replay_all(Preprocessing::Gymnasium);
    }
}

#[derive(Deserialize)]
struct Resized {
    output_height: usize,
    output_width: usize,
    frames: Vec<Frame>,
    synthetic: Vec<Synthetic>,
}

#[derive(Deserialize)]
struct Frame {
    height: usize,
    width: usize,
    input: String,
    output: String,
}

#[derive(Deserialize)]
struct Synthetic {
    lcg_seed: u32,
    levels: u32,
    height: usize,
    width: usize,
    input_crc: String,
    output_crc: String,
    output: String,
}

/// Decodes standard base64.
fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("a letter of base64");
        (bits, count) = (bits << 6 | value as u32, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// Needs no emulator.
#[test]
fn parity_of_the_resize_with_opencv() {
    let Resized { output_height, output_width, frames, synthetic } =
        read(&fixtures().join("atari_resize.json.gz"));
    assert_eq!((output_height, output_width), (SIZE, SIZE));
    assert!(!frames.is_empty() && !synthetic.is_empty());
    let resized = |height, width, input: &[u8]| {
        let mut output = vec![255; SIZE * SIZE];
        AreaResize::new(height, width).resize(input, &mut output);
        output
    };
    for (index, Frame { height, width, input, output }) in frames.iter().enumerate() {
        let same = resized(*height, *width, &base64(input)) == base64(output);
        assert!(same, "frame {index}");
    }
    for Synthetic { lcg_seed, levels, height, width, input_crc, output_crc, output } in &synthetic {
        let mut state = *lcg_seed;
        let input: Vec<u8> = (0..height * width)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let byte = (state >> 24) as u8;
                if *levels == 2 { if byte < 128 { 0 } else { 255 } } else { byte }
            })
            .collect();
        assert_eq!(digest(&input), *input_crc, "input of seed {lcg_seed}");
        let got = resized(*height, *width, &input);
        assert_eq!((digest(&got), got == base64(output)), (output_crc.clone(), true), "seed {lcg_seed}");
    }
}
