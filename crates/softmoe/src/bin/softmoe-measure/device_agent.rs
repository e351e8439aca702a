//! An agent on a device: updates and steps a second, and time by phase; or, in a process of its own, the messages that an
//! update sends to the device.

mod traffic;

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement, networks};
use anyhow::Result;
use clap::Args;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, Learner, Mode, Phases, UpdateSettings, check_device, learner_on};
use softmoe_config::{AgentConfig, Architecture, Device, EncoderSpec, LearningConfig};
use softmoe_env::{DynEnvironment, Element, EnvironmentSpec, Step};
use softmoe_minatar::{Game, Settings, make};
use softmoe_replay::{Batch, Layout};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use traffic::{Launches, traffic};

/// Agent steps between two updates of Rainbow.
const UPDATE_PERIOD: u64 = LearningConfig::rainbow_minatar().update_period.0;
/// Updates that are counted.
const COUNTED: u64 = 3;
/// Frames of the synthetic game.
const FRAMES: usize = 64;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Encoder and body, e.g. minatar-softmoe4
    #[arg(value_parser = networks::parser())]
    network: String,
    /// The device: cpu, flex, wgpu, cuda or cuda:N
    #[arg(long)]
    device: Device,
    /// Seconds of each measurement in a round; at least one update
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    seconds: f64,
    /// Count kernel launches, waits and bytes instead
    #[arg(long)]
    count: bool,
}

/// The measured agent.
pub(crate) fn measurement(options: &Options) -> Result<Box<dyn Measurement>> {
    Ok(match options.count {
        true => Box::new(Count::new(options)?),
        false => Box::new(Speed::new(options)?),
    })
}

/// Full Rainbow with a small `min_replay`, and its network.
fn rainbow(name: &str) -> Result<(LearningConfig, Architecture)> {
    let architecture = networks::architecture(name)?;
    let config = match architecture.network.encoder {
        EncoderSpec::MinAtar => {
            LearningConfig { replay_capacity: 10_000, ..LearningConfig::rainbow_minatar() }
        }
        _ => LearningConfig { replay_capacity: 1_000, ..LearningConfig::rainbow_atari() },
    };
    let config = LearningConfig { min_replay: 40, ..config };
    let architecture = Architecture { head: config.head(), ..architecture };
    Ok((config, architecture))
}

/// A learner and a batch.
struct Learning {
    learner: Box<dyn Learner>,
    batch: Batch,
    observation: Vec<u8>,
}

impl Learning {
    fn new(name: &str, device: Device) -> Result<Self> {
        let (config, architecture) = rainbow(name)?;
        let element = architecture.network.encoder.element();
        let settings = UpdateSettings::new(&config, element);
        let learner =
            learner_on(device, &AgentConfig::Learning(config), &architecture, settings, Seeds::new(0))?;
        let batch = random_batch(&architecture, &config);
        let len = architecture.observation.iter().product();
        Ok(Learning { learner, observation: batch.states[..len].to_vec(), batch })
    }

    /// An update and an action, with a wait after each.
    fn waiting(&mut self) -> Result<()> {
        self.learner.update(&self.batch)?;
        self.learner.act(&self.observation, Mode::Train);
        Ok(())
    }

    /// An update and the next action, with one wait for both.
    fn overlapped(&mut self) -> Result<()> {
        self.learner.start_update(&self.batch)?;
        self.learner.act(&self.observation, Mode::Train);
        self.learner.finish_update()?;
        Ok(())
    }
}

fn random_batch(architecture: &Architecture, config: &LearningConfig) -> Batch {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let frame_len = architecture.observation.iter().product();
    let layout = Layout {
        capacity: config.replay_capacity,
        frame_len,
        channels: 1,
        stack: 1,
        n_step: config.n_step,
        discount: config.discount,
    };
    let mut batch = Batch::new(config.batch_size, &layout);
    let largest = match architecture.network.encoder.element() {
        Element::Byte { scale } => scale,
        Element::Float => u8::MAX,
    };
    batch.states.fill_with(|| rng.random_range(0..=largest));
    batch.next_states.fill_with(|| rng.random_range(0..=largest));
    batch.actions.fill_with(|| rng.random_range(0..architecture.actions as u8));
    batch.rewards.fill_with(|| rng.random_range(-1.0..1.0));
    batch.probabilities.fill_with(|| rng.random_range(0.001..0.1));
    batch
}

/// The game: Breakout of MinAtar, or random pixels of Atari's size, which take no time.
enum Played {
    MinAtar(Box<dyn DynEnvironment>),
    Noise { frames: Vec<Vec<u8>>, steps: usize },
}

impl Played {
    fn new(architecture: &Architecture) -> (Self, Architecture) {
        if architecture.network.encoder == EncoderSpec::MinAtar {
            let game = make(Game::Breakout, &Settings::default(), 0);
            let architecture = Architecture {
                observation: game.spec().state(),
                actions: game.spec().actions,
                ..architecture.clone()
            };
            return (Played::MinAtar(game), architecture);
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let frame = |rng: &mut Xoshiro256PlusPlus| {
            let mut frame = vec![0; architecture.observation.iter().product()];
            rng.fill_bytes(&mut frame);
            frame
        };
        let frames = (0..FRAMES).map(|_| frame(&mut rng)).collect();
        (Played::Noise { frames, steps: 0 }, architecture.clone())
    }

    fn observe(&self, observation: &mut [u8]) {
        match self {
            Played::MinAtar(game) => game.observe(observation),
            Played::Noise { frames, steps } => observation.copy_from_slice(&frames[steps % FRAMES]),
        }
    }

    fn step(&mut self, action: usize) -> Step {
        match self {
            Played::MinAtar(game) => {
                let step = game.step(action);
                if step.terminal || step.truncated {
                    game.reset();
                }
                step
            }
            Played::Noise { steps, .. } => {
                *steps += 1;
                Step { terminal: steps.is_multiple_of(500), ..Step::default() }
            }
        }
    }
}

/// The clock of agents.
fn since_first_asked() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

/// Full Rainbow playing a game.
struct Playing {
    agent: Agent,
    played: Played,
    observation: Vec<u8>,
    /// Seconds in the game.
    environment: f64,
}

impl Playing {
    fn new(name: &str, device: Device) -> Result<Self> {
        let (config, architecture) = rainbow(name)?;
        let (played, architecture) = Played::new(&architecture);
        let spec = EnvironmentSpec {
            frame: architecture.observation,
            stack: 1,
            actions: architecture.actions,
            element: architecture.network.encoder.element(),
        };
        let mut agent = Agent::new_on(device, &config.into(), &architecture, &spec, Seeds::new(0))?;
        agent.time_by(since_first_asked);
        let observation = vec![0; architecture.observation.iter().product()];
        Ok(Playing { agent, played, observation, environment: 0.0 })
    }

    fn step(&mut self) -> Result<()> {
        let start = Instant::now();
        self.played.observe(&mut self.observation);
        self.environment += start.elapsed().as_secs_f64();
        let action = self.agent.act(&self.observation);
        let start = Instant::now();
        let step = self.played.step(action);
        self.environment += start.elapsed().as_secs_f64();
        Ok(self.agent.learn(&self.observation, action, step)?)
    }

    /// Agent steps a second, and microseconds of one by phase.
    fn round(&mut self, seconds: f64) -> Result<[(&'static str, f64); 5]> {
        self.agent.finish_update()?;
        self.agent.take_phases();
        self.environment = 0.0;
        let (start, mut steps) = (Instant::now(), 0);
        // The steps between two updates, at least one.
        while steps == 0 || start.elapsed().as_secs_f64() < seconds {
            (0..UPDATE_PERIOD).try_for_each(|_| self.step())?;
            steps += UPDATE_PERIOD;
        }
        self.agent.finish_update()?;
        let per_second = steps as f64 / start.elapsed().as_secs_f64();
        let Phases { act, sample, update, .. } = self.agent.take_phases();
        let of_a_step = |seconds: f64| 1e6 * seconds / steps as f64;
        Ok([
            ("agent_steps", per_second),
            ("act", of_a_step(act.as_secs_f64())),
            ("env", of_a_step(self.environment)),
            ("sample", of_a_step(sample.as_secs_f64())),
            ("update", of_a_step(update.as_secs_f64())),
        ])
    }

    /// Steps until the agent has made some updates.
    fn warm_up(&mut self) -> Result<()> {
        while self.agent.updates() < 2 {
            self.step()?;
        }
        Ok(())
    }
}

struct Speed {
    seconds: f64,
    learning: Learning,
    playing: Playing,
    #[cfg(feature = "burn")]
    step: Option<Box<dyn softmoe_agents::TrainingStep>>,
}

impl Speed {
    fn new(options: &Options) -> Result<Self> {
        check_device(options.device)?;
        let Options { network, device, seconds, .. } = options;
        let mut learning = Learning::new(network, *device)?;
        let mut playing = Playing::new(network, *device)?;
        // The first calls compile the kernels.
        learning.waiting()?;
        learning.overlapped()?;
        playing.warm_up()?;
        Ok(Speed {
            seconds: *seconds,
            learning,
            playing,
            #[cfg(feature = "burn")]
            step: match device {
                Device::Cpu => None,
                _ => Some(networks::training_step(network, *device)?),
            },
        })
    }
}

/// Calls of `call` a second.
fn rate(seconds: f64, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let (start, mut calls) = (Instant::now(), 0.0);
    loop {
        call()?;
        calls += 1.0;
        let elapsed = start.elapsed().as_secs_f64();
        if elapsed >= seconds {
            return Ok(calls / elapsed);
        }
    }
}

impl Measurement for Speed {
    /// Rates a second, and microseconds of an agent step, in wall time.
    fn round(&mut self, _: Clock) -> Result<Figures> {
        let Speed { seconds, learning, playing, .. } = self;
        let mut figures = vec![
            ("waiting", rate(*seconds, || learning.waiting())?),
            ("overlapped", rate(*seconds, || learning.overlapped())?),
        ];
        figures.extend(playing.round(*seconds)?);
        #[cfg(feature = "burn")]
        if let Some(step) = &mut self.step {
            let waiting = rate(*seconds, || {
                step.step();
                Ok(step.wait()?)
            })?;
            let start = Instant::now();
            let steps = (waiting * *seconds).ceil();
            (0..steps as u64).for_each(|_| step.step());
            step.wait()?;
            figures
                .extend([("step_waiting", waiting), ("step_queued", steps / start.elapsed().as_secs_f64())]);
        }
        Ok(figures.into_iter().map(|(name, figure)| (name, Figure::of([figure]))).collect())
    }
}

/// The messages of an update and of an action.
struct Count {
    learning: Learning,
    launches: Launches,
}

impl Count {
    fn new(options: &Options) -> Result<Self> {
        // Before the first use of the device, which checks whether it is there.
        let launches = Launches::of(options.device)?;
        check_device(options.device)?;
        let mut learning = Learning::new(&options.network, options.device)?;
        learning.overlapped()?;
        Ok(Count { learning, launches })
    }

    /// Messages per call.
    fn of(&mut self, mut call: impl FnMut(&mut Learning) -> Result<()>) -> Result<Cost> {
        let (before, launches) = (traffic(), self.launches.so_far()?);
        (0..COUNTED).try_for_each(|_| call(&mut self.learning))?;
        let (traffic, after) = (traffic(), self.launches.so_far()?);
        let each = |before: u64, after: u64| (after - before) as f64 / COUNTED as f64;
        let launches = launches.zip(after).map(|(before, after)| each(before, after));
        Ok(Cost { traffic: [0, 1, 2].map(|i| each(before[i], traffic[i])), launches })
    }
}

struct Cost {
    /// Waits, uploads, bytes.
    traffic: [f64; 3],
    launches: Option<f64>,
}

impl Measurement for Count {
    fn round(&mut self, _: Clock) -> Result<Figures> {
        let action = self.of(|learning| {
            learning.learner.act(&learning.observation, Mode::Train);
            Ok(())
        })?;
        let both = self.of(Learning::overlapped)?;
        let [waits, uploads, bytes] = both.traffic;
        let mut figures = vec![
            // Waits of an update and the next action; the other figures of an update alone.
            ("waits", waits),
            ("uploads", uploads - action.traffic[1]),
            ("uploaded", (bytes - action.traffic[2]) / 1e3),
        ];
        if let Some((of_action, of_both)) = action.launches.zip(both.launches) {
            figures.extend([("launches", of_both - of_action), ("launches_act", of_action)]);
        }
        Ok(figures.into_iter().map(|(name, figure)| (name, Figure::of([figure]))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The measured agent learns and plays, on the CPU engine.
    #[test]
    fn an_agent_learns_while_it_is_measured() {
        let mut learning = Learning::new("minatar-flat", Device::Cpu).expect("a learner");
        let before = learning.learner.state();
        learning.waiting().expect("an update");
        learning.overlapped().expect("an update");
        assert_ne!(learning.learner.state(), before);
        let mut playing = Playing::new("minatar-flat", Device::Cpu).expect("an agent");
        playing.warm_up().expect("updates");
        let updates = playing.agent.updates();
        let figures = playing.round(0.0).expect("a round");
        assert_eq!(playing.agent.updates(), updates + 1);
        assert_eq!(figures.map(|(name, _)| name), ["agent_steps", "act", "env", "sample", "update"]);
        assert!(figures.iter().all(|(_, figure)| *figure > 0.0));
    }

    #[test]
    fn atari_is_played_without_a_game() {
        let (_, architecture) = rainbow("impala-softmoe4").expect("a network");
        let (mut played, same) = Played::new(&architecture);
        assert_eq!(same, architecture);
        let mut observations = [vec![0; 84 * 84 * 4], vec![0; 84 * 84 * 4]];
        played.observe(&mut observations[0]);
        played.step(0);
        played.observe(&mut observations[1]);
        assert_ne!(observations[0], observations[1]);
    }
}
