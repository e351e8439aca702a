//! Tests of the agent's schedule, with a learner that only records its calls.

use super::*;
use crate::learner::UpdateSettings;
use crate::{NamedWeights, Update, devices};
use softmoe_config::{AgentConfig, Architecture, BodySpec, Device, EncoderSpec, LearningConfig, NetworkSpec};
use softmoe_env::Element;
use softmoe_nets::AdamSettings;
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Layout;
use std::sync::{Arc, Mutex};

/// The calls of a learner by its agent.
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
        notes.terminals.extend(batch.discounts.iter().map(|&discount| discount == 0.0));
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
const SPEC: EnvironmentSpec =
    EnvironmentSpec { frame: SHAPE, stack: 1, actions: 5, element: Element::Byte { scale: 1 } };

/// A small network for the agent of `config`.
fn architecture(config: &AgentConfig) -> Architecture {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 4 };
    let head = config.learning().unwrap().head();
    Architecture { network, head, observation: SHAPE, actions: 5, permutation_seed: 0 }
}

/// An agent of `config` whose learner records its calls.
fn agent(config: impl Into<AgentConfig>) -> (Agent, Arc<Mutex<Notes>>) {
    let config = config.into();
    let notes = Arc::<Mutex<Notes>>::default();
    let priorities = vec![1.0; config.learning().unwrap().batch_size];
    let learner = Box::new(NoteTaker { notes: Arc::clone(&notes), priorities });
    (Agent::with_learner(learner, &config, &SPEC, Seeds::new(0)).unwrap(), notes)
}

fn small() -> LearningConfig {
    LearningConfig {
        min_replay: 10,
        replay_capacity: 100,
        batch_size: 4,
        ..LearningConfig::rainbow_minatar()
    }
}

fn reward(reward: f32) -> Step {
    Step { reward, ..Step::default() }
}

#[test]
fn updates_and_copies_keep_their_periods_once_the_replay_is_warm() {
    let config = LearningConfig { update_period: AgentSteps(3), target_period: AgentSteps(5), ..small() };
    let (mut agent, notes) = agent(config);
    for step in 1..=60_u64 {
        agent.learn(&FRAME, 0, reward(0.0)).unwrap();
        // As in the reference: more than `min_replay` rows stored, and the step a multiple of the period.
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
    let config = LearningConfig { min_replay: 0, n_step: 8, update_period: AgentSteps(1), ..small() };
    let (mut agent, notes) = agent(config);
    for step in 1..=12 {
        agent.learn(&FRAME, 0, reward(0.0)).unwrap();
        assert_eq!(notes.lock().unwrap().updates, u64::saturating_sub(step, 8));
    }
}

#[test]
fn rewards_are_clipped_if_asked() {
    for (clip_rewards, most) in [(true, 1.0), (false, 7.0)] {
        let config = LearningConfig { clip_rewards, n_step: 1, ..small() };
        let (mut agent, notes) = agent(config);
        for _ in 0..40 {
            agent.learn(&FRAME, 0, reward(7.0)).unwrap();
            agent.learn(&FRAME, 0, reward(-7.0)).unwrap();
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
        let (mut agent, notes) = agent(LearningConfig { n_step: 1, ..small() });
        for step in 0..40 {
            let end = step % 2 == 1;
            agent.learn(&FRAME, 0, if end { ended(terminal) } else { reward(0.0) }).unwrap();
        }
        let notes = notes.lock().unwrap();
        assert!(notes.updates > 0);
        assert_eq!(notes.terminals.contains(&true), terminal);
        // The truncated row has no frame to bootstrap from, so that the row and its reward are left out.
        assert_eq!(notes.rewards.contains(&1.0), terminal);
    }
}

#[test]
fn a_share_epsilon_of_actions_is_random() {
    let draws = 20_000_u32;
    let (mut agent, notes) = agent(LearningConfig { epsilon_train: 0.3, epsilon_evaluation: 0.1, ..small() });
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
    let (mut agent, _) = agent(LearningConfig { epsilon_train: 0.0, ..small() });
    let before = agent.state();
    (0..100).for_each(|_| assert_eq!(agent.act(&FRAME), 0));
    assert_eq!(agent.state(), before);
}

#[test]
fn a_replay_of_another_layout_is_refused_and_changes_nothing() {
    let (mut agent, _) = agent(small());
    agent.learn(&FRAME, 0, reward(0.0)).unwrap();
    let before = agent.state();
    let layout = Layout { capacity: 50, ..*agent.replay().layout() };
    let replay = Replay::new(layout, agent.replay().sampling()).unwrap();
    let error = agent.restore(before.clone(), replay).unwrap_err();
    assert!(error.to_string().contains("another layout"), "{error}");
    assert_eq!(agent.state(), before);
    assert_eq!(agent.replay().pushed(), 1);
}

/// An episode of three lives of two steps each, with a reward of 1 per step; the last life's end is the episode's.
const LIVES: [Step; 6] = {
    let plain = Step { reward: 1.0, terminal: false, life_lost: false, truncated: false };
    let lost = Step { life_lost: true, ..plain };
    [plain, lost, plain, lost, plain, Step { terminal: true, ..plain }]
};

#[test]
fn a_lost_life_is_terminal_if_asked() {
    for terminal_on_life_loss in [false, true] {
        let (mut agent, notes) =
            agent(LearningConfig { discount: 1.0, n_step: 3, terminal_on_life_loss, ..small() });
        for step in LIVES.iter().cycle().take(60) {
            agent.learn(&FRAME, 0, *step).unwrap();
        }
        let notes = notes.lock().unwrap();
        assert!(notes.updates > 5);
        // Three rewards are summed, but none after a terminal: a life has two, and its last step one.
        for (&reward, &terminal) in notes.rewards.iter().zip(&notes.terminals) {
            if terminal_on_life_loss {
                assert!(terminal && (reward == 1.0 || reward == 2.0), "{reward}");
            } else {
                assert!(reward == 3.0 || terminal, "{reward}");
            }
        }
        assert_eq!(notes.rewards.contains(&3.0), !terminal_on_life_loss);
    }
}

#[test]
fn without_noise_an_agent_begins_at_random() {
    let config = LearningConfig {
        min_replay: 50,
        epsilon_decay_period: AgentSteps(100),
        epsilon_train: 0.1,
        replay_capacity: 100,
        batch_size: 4,
        ..LearningConfig::dqn_minatar()
    };
    let (mut agent, notes) = agent(config);
    let mut greedy_by = Vec::new();
    for _ in 0..200 {
        agent.act(&FRAME);
        agent.learn(&FRAME, 0, reward(0.0)).unwrap();
        greedy_by.push(notes.lock().unwrap().greedy);
    }
    // All actions of the first 50 steps are random; then, on average, 45 of 100 and 45 of 50 are greedy.
    assert_eq!((greedy_by[49], greedy_by[50]), (0, 0));
    let (decaying, after) = (greedy_by[149], greedy_by[199] - greedy_by[149]);
    assert!((25..65).contains(&decaying) && (35..=50).contains(&after), "{decaying}, {after}");
}

#[test]
fn what_is_no_transition_is_refused_and_not_stored() {
    let (mut agent, _) = agent(small());
    agent.learn(&FRAME, 0, reward(0.0)).unwrap();
    // In a byte, action 256 would become action 0.
    let wrong = [
        (&FRAME[..], 5, 0.0, "the action is 5 but must be below 5"),
        (&FRAME[..], 256, 0.0, "the action is 256 but must be below 5"),
        (&FRAME[..99], 0, 0.0, "the number of bytes of a frame is 99 but must be 100"),
        (&FRAME[..], 0, f32::NAN, "the reward is NaN but must be a finite number"),
    ];
    for (frame, action, points, message) in wrong {
        let error = agent.learn(frame, action, reward(points)).unwrap_err();
        assert!(matches!(error, AgentError::Input { .. }));
        assert_eq!(error.to_string(), message);
    }
    assert_eq!((agent.replay().pushed(), agent.steps()), (1, AgentSteps(1)));
}

/// Random actions are checked as well, since chance decides whether the network reads the state.
#[test]
fn an_action_for_a_state_of_another_length_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    for epsilon in [0.0, 1.0] {
        let config = LearningConfig { epsilon_train: epsilon, epsilon_evaluation: epsilon, ..small() };
        let (mut agent, _) = agent(config);
        let mut rng = Seeds::new(0).rng(Role::EvaluationActions(0));
        assert!(catch_unwind(AssertUnwindSafe(|| agent.act(&FRAME[1..]))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| agent.act_in_evaluation(&[0; 101], &mut rng))).is_err());
    }
}

#[test]
fn an_intervention_that_the_learner_does_not_follow_is_refused_at_once() {
    let config = LearningConfig { intervention: "redo(period: 2)".parse().unwrap(), ..small() }.into();
    let learner = NoteTaker { notes: Arc::default(), priorities: Vec::new() };
    let message = refused(Agent::with_learner(Box::new(learner), &config, &SPEC, Seeds::new(0)));
    assert!(message.starts_with("`agent.intervention` is redo(period:2"), "{message}");
    assert!(Agent::new(&config, &architecture(&config), &SPEC, Seeds::new(0)).is_ok());
}

/// The error of making an agent.
fn refused(agent: Result<Agent, AgentError>) -> String {
    agent.err().expect("an agent that is refused").to_string()
}

#[test]
fn what_has_no_learner_is_refused() {
    let dqn = AgentConfig::from(LearningConfig::dqn_minatar());
    let rainbow = AgentConfig::from(LearningConfig::rainbow_minatar());
    let message = refused(Agent::new(&AgentConfig::Random, &architecture(&dqn), &SPEC, Seeds::new(0)));
    assert!(message.contains("`agent` is `random` but must be an agent that learns"), "{message}");
    let message = refused(Agent::new(&dqn, &architecture(&rainbow), &SPEC, Seeds::new(0)));
    assert!(message.contains("must be of one value an action"), "{message}");
    let stacked = EnvironmentSpec { stack: 2, ..SPEC };
    let message = refused(Agent::new(&dqn, &architecture(&dqn), &stacked, Seeds::new(0)));
    assert!(
        message.contains("for states [10, 10, 1] and 5 actions but must be for those of the"),
        "{message}"
    );
    let devices = [
        (Device::Flex, cfg!(feature = "flex")),
        (Device::Wgpu, cfg!(feature = "wgpu")),
        (Device::Cuda(0), cfg!(feature = "cuda")),
    ];
    for (device, _) in devices.into_iter().filter(|(_, is_built_in)| !is_built_in) {
        let message = refused(Agent::new_on(device, &dqn, &architecture(&dqn), &SPEC, Seeds::new(0)));
        let says = format!("the device `{device}` is not in this build");
        assert!(message.contains(&says) && message.contains("--features"), "{message}");
    }
}

#[test]
fn what_the_replay_cannot_keep_is_refused() {
    let with_learner = |config: &AgentConfig, frame_len, actions| {
        let learner = NoteTaker { notes: Arc::default(), priorities: Vec::new() };
        let spec = EnvironmentSpec { frame: [1, 1, frame_len], actions, ..SPEC };
        let agent = Agent::with_learner(Box::new(learner), config, &spec, Seeds::new(0));
        agent.map(|_| ()).map_err(|error| error.to_string())
    };
    let config = small().into();
    assert_eq!(with_learner(&config, 1, 256), Ok(()));
    for actions in [0, 257] {
        let message = with_learner(&config, 1, actions).unwrap_err();
        assert_eq!(message, format!("`actions` is {actions} but must be between 1 and 256"));
    }
    let message = with_learner(&config, 0, 2).unwrap_err();
    assert!(message.contains(" of the replay is 0"), "{message}");
    let message = with_learner(&AgentConfig::Random, 1, 2).unwrap_err();
    assert!(message.contains("must be an agent that learns"), "{message}");
}

/// An intervention through the CPU mirror of a device's learner equals one of the CPU learner.
#[test]
fn a_twin_follows_interventions_and_diagnoses_bit_for_bit() {
    for intervention in
        ["redo(period: 2, tau: 0.5)", "random_reset(period: 3)", "shrink_and_perturb(period: 2)"]
    {
        let config = LearningConfig { intervention: intervention.parse().unwrap(), ..small() }.into();
        let network = NetworkSpec { body: BodySpec::soft_moe(2), ..architecture(&config).network };
        let architecture = Architecture { network, ..architecture(&config) };
        let played = |has_twin: bool| {
            let mut agent = Agent::new(&config, &architecture, &SPEC, Seeds::new(1)).unwrap();
            if has_twin {
                // Without its mirror the learner refuses.
                struct Elsewhere(Box<dyn Learner>);
                impl Learner for Elsewhere {
                    fn act(&mut self, observation: &[u8], mode: Mode) -> usize {
                        self.0.act(observation, mode)
                    }
                    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
                        self.0.update(batch)
                    }
                    fn sync_target(&mut self) {
                        self.0.sync_target();
                    }
                    fn parameters(&self) -> usize {
                        self.0.parameters()
                    }
                    fn weights(&self) -> NamedWeights<'_> {
                        self.0.weights()
                    }
                    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
                        self.0.load_weights(file)
                    }
                    fn state(&self) -> Vec<u8> {
                        self.0.state()
                    }
                    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
                        self.0.restore(state)
                    }
                }
                let Agent { learner, batch, .. } = &mut agent;
                agent.mirror = {
                    let update = UpdateSettings {
                        batch_size: batch.len(),
                        double: true,
                        priority_exponent: 0.5,
                        importance_exponent: 0.5,
                        optimizer: AdamSettings::new(2.5e-4, 1.5e-4),
                        element: SPEC.element,
                    };
                    let other =
                        devices::learner(Device::Cpu, &config, &architecture, update.clone(), Seeds::new(9));
                    let own = std::mem::replace(learner, other.unwrap());
                    *learner = Box::new(Elsewhere(own));
                    CpuMirror::new(&config, &architecture, &update, Seeds::new(7)).unwrap()
                };
            }
            for step in 0..40 {
                let action = agent.act(&[step % 2; 100]);
                agent.learn(&[step % 2; 100], action, reward(f32::from(step % 3))).unwrap();
            }
            assert!(agent.updates() > 6);
            (agent.state(), agent.diagnose(0).unwrap())
        };
        let (state, diagnostics) = played(false);
        assert!(diagnostics.iter().any(|diagnostic| diagnostic.name == "features/srank"));
        assert_eq!(played(true), (state, diagnostics), "{intervention}");
    }
}
