//! The agent's schedule, on a learner that only takes notes.

use super::*;
use crate::{NamedWeights, Update};
use softmoe_nets::weights::WeightsFile;
use softmoe_spec::{BodySpec, EncoderSpec, NetworkSpec};
use std::sync::{Arc, Mutex};

/// What a learner was asked to do, by the agent.
#[derive(Debug, Default)]
struct Notes {
    updates: u64,
    syncs: u64,
    greedy: u64,
    rewards: Vec<f32>,
    terminals: Vec<bool>,
}

struct NoteTaker {
    notes: Arc<Mutex<Notes>>,
    priorities: Vec<f32>,
}

impl Learner for NoteTaker {
    fn act(&mut self, _: &[u8], _: Mode) -> usize {
        self.notes.lock().unwrap().greedy += 1;
        0
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        let mut notes = self.notes.lock().unwrap();
        notes.updates += 1;
        notes.rewards.extend(&batch.rewards);
        notes.terminals.extend(&batch.terminals);
        Ok(Update { loss: notes.updates as f32, priorities: &self.priorities })
    }

    fn sync_target(&mut self) {
        self.notes.lock().unwrap().syncs += 1;
    }

    fn parameters(&self) -> usize {
        0
    }

    fn weights(&self) -> NamedWeights<'_> {
        Vec::new()
    }

    fn load_weights(&mut self, _: &WeightsFile) -> Result<(), AgentError> {
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), AgentError> {
        Ok(())
    }
}

const SHAPE: [usize; 3] = [10, 10, 1];
const FRAME: [u8; 100] = [0; 100];

/// An agent of `config` whose learner takes notes.
fn agent(config: &RainbowConfig) -> (Agent, Arc<Mutex<Notes>>) {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 4 };
    let architecture =
        Architecture { network, head: config.head(), observation: SHAPE, actions: 5, permutation_seed: 0 };
    let mut agent = Agent::rainbow(config, &architecture, Seeds::new(0)).unwrap();
    let notes = Arc::<Mutex<Notes>>::default();
    let priorities = vec![1.0; config.batch_size];
    agent.learner = Box::new(NoteTaker { notes: Arc::clone(&notes), priorities });
    (agent, notes)
}

fn small() -> RainbowConfig {
    RainbowConfig { min_replay: 10, replay_capacity: 100, batch_size: 4, ..RainbowConfig::minatar() }
}

fn reward(reward: f32) -> Step {
    Step { reward, ..Step::default() }
}

#[test]
fn updates_and_copies_keep_their_periods_once_the_replay_is_warm() {
    let config = RainbowConfig { update_period: AgentSteps(3), target_period: AgentSteps(5), ..small() };
    let (mut agent, notes) = agent(&config);
    for step in 1..=60_u64 {
        agent.observe(&FRAME, 0, reward(0.0)).unwrap();
        // As the reference has it: more than `min_replay` stored, and the step a multiple of the period.
        let times = |period: u64| (11..=step).filter(|step| step.is_multiple_of(period)).count() as u64;
        let notes = notes.lock().unwrap();
        assert_eq!((notes.updates, notes.syncs), (times(3), times(5)), "after step {step}");
    }
    assert_eq!(agent.steps(), AgentSteps(60));
    assert_eq!(agent.updates(), 17);
    // Losses were 1, 2, .., 17.
    assert_eq!(agent.take_mean_loss(), Some(9.0));
    assert_eq!(agent.take_mean_loss(), None);
}

#[test]
fn no_update_without_a_whole_transition() {
    // More than `min_replay` rows, but an n-step transition needs n + 1.
    let config = RainbowConfig { min_replay: 0, n_step: 8, update_period: AgentSteps(1), ..small() };
    let (mut agent, notes) = agent(&config);
    for step in 1..=12 {
        agent.observe(&FRAME, 0, reward(0.0)).unwrap();
        assert_eq!(notes.lock().unwrap().updates, u64::saturating_sub(step, 8));
    }
}

#[test]
fn rewards_are_clipped_if_asked() {
    for (clip_rewards, most) in [(true, 1.0), (false, 7.0)] {
        let config = RainbowConfig { clip_rewards, n_step: 1, ..small() };
        let (mut agent, notes) = agent(&config);
        for _ in 0..40 {
            agent.observe(&FRAME, 0, reward(7.0)).unwrap();
            agent.observe(&FRAME, 0, reward(-7.0)).unwrap();
        }
        let notes = notes.lock().unwrap();
        assert!(notes.rewards.iter().all(|&reward| reward == most || reward == -most));
        assert!(notes.rewards.contains(&most) && notes.rewards.contains(&-most));
    }
}

#[test]
fn terminal_ends_are_learned_from_and_truncated_ones_are_not() {
    let ended = |terminal: bool| Step { terminal, truncated: !terminal, ..reward(1.0) };
    for terminal in [true, false] {
        let (mut agent, notes) = agent(&RainbowConfig { n_step: 1, ..small() });
        for step in 0..40 {
            let end = step % 2 == 1;
            agent.observe(&FRAME, 0, if end { ended(terminal) } else { reward(0.0) }).unwrap();
        }
        let notes = notes.lock().unwrap();
        assert!(notes.updates > 0);
        assert_eq!(notes.terminals.contains(&true), terminal);
        // The truncated row has no frame to bootstrap from: it is left out, its reward with it.
        assert_eq!(notes.rewards.contains(&1.0), terminal);
    }
}

#[test]
fn a_share_epsilon_of_actions_is_random() {
    let draws = 20_000_u32;
    let (mut agent, notes) = agent(&RainbowConfig { epsilon_train: 0.3, epsilon_evaluation: 0.1, ..small() });
    let mut rng = Seeds::new(9).rng(Role::EvaluationActions(0));
    for evaluate in [false, true] {
        notes.lock().unwrap().greedy = 0;
        let mut counts = [0_u32; 5];
        for _ in 0..draws {
            let action = if evaluate { agent.act_in_evaluation(&FRAME, &mut rng) } else { agent.act(&FRAME) };
            counts[action] += 1;
        }
        let epsilon: f64 = if evaluate { 0.1 } else { 0.3 };
        // Six standard deviations of a binomial count.
        let near = |count: f64, p: f64| {
            let n = f64::from(draws);
            (count - n * p).abs() < 6.0 * (n * p * (1.0 - p)).sqrt()
        };
        assert!(near(notes.lock().unwrap().greedy as f64, 1.0 - epsilon));
        assert!(counts[1..].iter().all(|&count| near(f64::from(count), epsilon / 5.0)), "{counts:?}");
    }
}

#[test]
fn without_epsilon_no_random_number_is_drawn() {
    let (mut agent, _) = agent(&RainbowConfig { epsilon_train: 0.0, ..small() });
    let before = agent.state();
    (0..100).for_each(|_| assert_eq!(agent.act(&FRAME), 0));
    assert_eq!(agent.state(), before);
}

#[test]
fn a_replay_of_another_layout_is_refused_and_changes_nothing() {
    let (mut agent, _) = agent(&small());
    agent.observe(&FRAME, 0, reward(0.0)).unwrap();
    let before = agent.state();
    let layout = Layout { capacity: 50, ..*agent.replay().layout() };
    let replay = Replay::new(layout, agent.replay().sampling()).unwrap();
    let error = agent.restore(before.clone(), replay).unwrap_err();
    assert!(error.to_string().contains("another layout"), "{error}");
    assert_eq!(agent.state(), before);
    assert_eq!(agent.replay().pushed(), 1);
}
