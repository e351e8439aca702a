//! The games against traces of the Python package `minatar`, every random draw of which is played back.
//!
//! Reads `minatar_*.json.gz` in the directory named by `SOFTMOE_FIXTURES`, or else in the workspace's
//! `tests/fixtures`. A trace's `draws` are `[step, phase, call, arguments, result]` in the order of the calls to
//! numpy; an array is the same numbers drawn one at a time.
//!
//! `minatar_space_invaders_waves.json.gz` has the actions that a beam search found to clear many waves, which the
//! policies of the other traces do not get to.

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use softmoe_env::Environment;
use softmoe_minatar::{
    Action, Asterix, Breakout, Draws, Freeway, Game, MinAtar, Rules, Seaquest, Settings, SpaceInvaders,
};

#[derive(Deserialize)]
struct Traces {
    game: Game,
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    sticky_action_prob: f64,
    difficulty_ramping: bool,
    channels: usize,
    minimal_action_set: Vec<usize>,
    initial_state: String,
    action: Vec<usize>,
    applied_action: Vec<usize>,
    reward: Vec<f32>,
    terminal: Vec<u8>,
    state: Vec<String>,
    reset_state: Vec<(usize, String)>,
    difficulty_ramp: Option<Vec<u32>>,
    draws: Vec<(i64, Phase, String, Vec<i64>, serde_json::Value)>,
}

/// What a step consists of, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Act,
    Reset,
}

/// One number that the package drew, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Draw {
    step: i64,
    phase: Phase,
    number: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Number {
    Uniform(f64),
    /// `value` was drawn from `0..bound`.
    Below {
        bound: usize,
        value: usize,
    },
}

/// Plays draws back, and refuses any other call than the recorded one.
#[derive(Clone, Serialize, Deserialize)]
struct Recording {
    draws: Vec<Draw>,
    next: usize,
}

impl Recording {
    fn new(trace: &Trace) -> Self {
        let mut draws = Vec::new();
        for (step, phase, call, arguments, result) in &trace.draws {
            let single = std::slice::from_ref(result);
            let results = result.as_array().map_or(single, Vec::as_slice);
            let (low, high, count) = match (call.as_str(), arguments.as_slice()) {
                ("rand", []) => (0, 0, 1),
                ("rand", [count]) => (0, 0, *count),
                ("randint", [high]) => (0, *high, 1),
                ("randint", [low, high]) => (*low, *high, 1),
                ("randint", [low, high, count]) => (*low, *high, *count),
                other => panic!("a call that no game makes: {other:?}"),
            };
            assert_eq!(results.len() as i64, count, "numbers of one call");
            for result in results {
                let number = if call == "rand" {
                    Number::Uniform(result.as_f64().expect("a float"))
                } else {
                    let value = result.as_i64().expect("a whole number") - low;
                    Number::Below { bound: (high - low) as usize, value: value as usize }
                };
                draws.push(Draw { step: *step, phase: *phase, number });
            }
        }
        Recording { draws, next: 0 }
    }

    fn take(&mut self) -> Number {
        let draw = self.draws.get(self.next).expect("the package drew no further number");
        self.next += 1;
        draw.number
    }

    /// How many numbers the package had drawn by the end of a phase of a step.
    fn position_after(&self, step: i64, phase: Phase) -> usize {
        self.draws.partition_point(|draw| (draw.step, draw.phase) <= (step, phase))
    }
}

impl Draws for Recording {
    fn uniform(&mut self) -> f64 {
        match self.take() {
            Number::Uniform(value) => value,
            other => panic!("draw {}: uniform() where the package drew {other:?}", self.next - 1),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        match self.take() {
            Number::Below { bound: recorded, value } if recorded == bound => value,
            other => panic!("draw {}: below({bound}) where the package drew {other:?}", self.next - 1),
        }
    }
}

fn fixtures() -> PathBuf {
    std::env::var_os("SOFTMOE_FIXTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), PathBuf::from)
}

/// The files of traces, at least one.
fn files() -> Vec<PathBuf> {
    let directory = fixtures();
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("minatar_") && name.ends_with(".json.gz")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no minatar_*.json.gz in {}", directory.display());
    files
}

fn read(path: &Path) -> Traces {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_reader(GzDecoder::new(file))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An observation as the traces have it: a bit a channel, the first one the highest of its byte, in hexadecimal.
fn packed(observation: &[u8]) -> String {
    assert!(observation.iter().all(|value| *value <= 1), "observations are zeros and ones");
    let byte = |bits: &[u8]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at));
    observation.chunks(8).map(|bits| format!("{:02x}", byte(bits))).collect()
}

fn replay<G: Rules>(trace: &Trace, context: &str) {
    let settings = Settings {
        sticky_action_probability: trace.sticky_action_prob,
        difficulty_ramping: trace.difficulty_ramping,
        ..Settings::default()
    };
    let mut environment = MinAtar::<G, Recording>::new(&settings, Recording::new(trace));
    let [height, width, channels] = environment.spec().frame;
    assert_eq!(channels, trace.channels, "{context}");
    let minimal: Vec<usize> = G::MINIMAL_ACTIONS.iter().map(|action| *action as usize).collect();
    assert_eq!(minimal, trace.minimal_action_set, "{context}");
    assert_eq!(environment.action_meanings(), Action::ALL);

    let mut observation = vec![255; height * width * channels];
    let mut look = |environment: &MinAtar<G, Recording>, step: i64, phase: Phase| {
        let draws = environment.draws();
        assert_eq!(
            draws.next,
            draws.position_after(step, phase),
            "{context}, step {step}: draws in {phase:?}"
        );
        observation.fill(255);
        environment.observe(&mut observation);
        packed(&observation)
    };
    assert_eq!(look(&environment, -1, Phase::Reset), trace.initial_state, "{context}: initial observation");
    let mut reset_states = trace.reset_state.iter();
    for (t, action) in trace.action.iter().enumerate() {
        let at = format!("{context}, step {t}");
        let step = environment.step(*action);
        assert_eq!(look(&environment, t as i64, Phase::Act), trace.state[t], "{at}: observation");
        assert_eq!(step.reward, trace.reward[t], "{at}: reward");
        assert_eq!(step.terminal, trace.terminal[t] == 1, "{at}: terminal");
        assert!(!step.truncated && !step.life_lost, "{at}");
        assert_eq!(environment.last_action() as usize, trace.applied_action[t], "{at}: applied action");
        let ramp = trace.difficulty_ramp.as_ref().map(|ramps| ramps[t]);
        assert_eq!(environment.difficulty_ramp(), ramp, "{at}: difficulty ramp");
        if step.terminal {
            environment.reset();
            let (expected_at, expected) = reset_states.next().expect("a state after each terminal step");
            assert_eq!(*expected_at, t);
            assert_eq!(
                look(&environment, t as i64, Phase::Reset),
                *expected,
                "{at}: observation after the reset"
            );
        }
    }
    assert_eq!(reset_states.next(), None, "{context}: resets left over");
    assert_eq!(environment.draws().next, environment.draws().draws.len(), "{context}: draws left over");
}

#[test]
fn parity_of_every_trace_with_the_python_package() {
    for path in files() {
        let Traces { game, traces } = read(&path);
        assert!(!traces.is_empty(), "no traces in {}", path.display());
        for (number, trace) in traces.iter().enumerate() {
            let context = format!("{}, trace {number}", path.display());
            match game {
                Game::Asterix => replay::<Asterix>(trace, &context),
                Game::Breakout => replay::<Breakout>(trace, &context),
                Game::Freeway => replay::<Freeway>(trace, &context),
                Game::Seaquest => replay::<Seaquest>(trace, &context),
                Game::SpaceInvaders => replay::<SpaceInvaders>(trace, &context),
            }
        }
    }
}

#[test]
fn committed_parity_traces_are_of_all_games() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for game in Game::ALL {
        assert_eq!(read(&committed.join(format!("minatar_{game}.json.gz"))).game, game);
    }
}
