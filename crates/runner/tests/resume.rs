//! A run that was stopped or killed, and started again, against one that was not.
#![cfg(feature = "minatar")]

mod common;

use common::{End, FLAT, Leavings, SOFT_MOE, Watcher, agent, agents, config, config_of, finish, run};
use proptest::prelude::*;
use softmoe_agents::{
    Agent, ReplayConfig, evaluate,
    seeds::{Role, Seeds},
};
use softmoe_config::{AgentConfig, AgentSteps, BodySpec, LearningConfig, RunConfig, RunDirectory};
use softmoe_runner::checkpoint::Checkpoints;
use softmoe_runner::{Options, Outcome, RunError, make, train};
use std::fs;
use std::sync::OnceLock;
use tempfile::tempdir;

/// What is done to the weights, often.
const INTERVENTIONS: [&str; 4] = [
    "none",
    "redo(period: 7, tau: 0.5)",
    "random_reset(period: 5)",
    "shrink_and_perturb(period: 11, on: network)",
];

/// What an uninterrupted run of Rainbow leaves.
fn uninterrupted(body: &BodySpec) -> &'static Leavings {
    uninterrupted_of((0, *body != FLAT, 0))
}

/// The run of one of the [`agents`], with a mixture or without, with one of the interventions.
fn config_of_agent((agent, soft_moe, intervention): (usize, bool, usize)) -> RunConfig {
    let intervention = INTERVENTIONS[intervention].parse().unwrap();
    let agent = agents()[agent].clone().with_intervention(intervention);
    config_of(agent, if soft_moe { SOFT_MOE } else { FLAT })
}

/// What it leaves uninterrupted.
fn uninterrupted_of(run: (usize, bool, usize)) -> &'static Leavings {
    static LEAVINGS: [OnceLock<Leavings>; 24] = [const { OnceLock::new() }; 24];
    let (agent, soft_moe, intervention) = run;
    LEAVINGS[(2 * agent + usize::from(soft_moe)) * 4 + intervention].get_or_init(|| {
        let directory = tempdir().unwrap();
        finish(&config_of_agent(run), directory.path())
    })
}

#[test]
fn a_run_repeats_and_its_seed_matters() {
    let directory = tempdir().unwrap();
    let first = uninterrupted(&FLAT);
    assert_eq!(finish(&config(FLAT), directory.path()), *first);
    assert_eq!(first.metrics.len(), 1 + 3);
    assert_eq!(first.returns.len(), 4);
    // The file's first event is of its version; the second comes right before the first update, and no other has it.
    let initial = first.events[1];
    assert!(initial > 0 && initial < 100, "{initial}");
    assert_eq!(first.events, [0, initial, 100, 200, 300]);
    let of_initial = |name: &str| {
        let start = format!("{initial},{name},");
        first.diagnostics.iter().filter(|line| line.starts_with(&start)).count()
    };
    assert_eq!((of_initial("features/srank"), of_initial("learning/gradient_norm")), (1, 1));
    for (step, name) in [(100, "dormant/hidden"), (200, "features/srank"), (300, "priority/max")] {
        let start = format!("{step},{name},");
        assert_eq!(first.diagnostics.iter().filter(|line| line.starts_with(&start)).count(), 1, "{start}");
    }

    let other = tempdir().unwrap();
    let other = finish(&RunConfig { seed: 4, ..config(FLAT) }, other.path());
    assert_ne!(other.weights, first.weights);
    assert_ne!(other.metrics, first.metrics);
}

#[test]
fn evaluations_do_not_disturb_the_training() {
    let directory = tempdir().unwrap();
    let mut often = config(FLAT);
    often.training.evaluation_period = AgentSteps(30);
    often.training.evaluation_episodes = 1;
    let often = finish(&often, directory.path());
    assert_eq!(often.metrics.len(), 1 + 10);
    // One more for the diagnostics of the initial weights.
    assert_eq!(often.events.len(), 1 + 1 + 10);
    assert_eq!(often.weights, uninterrupted(&FLAT).weights);
}

#[test]
fn checkpoints_do_not_disturb_the_training() {
    let directory = tempdir().unwrap();
    let mut never = config(SOFT_MOE);
    never.training.checkpoint_period = AgentSteps(1_000);
    assert_eq!(finish(&never, directory.path()), *uninterrupted(&SOFT_MOE));
    assert!(!RunDirectory::new(directory.path()).checkpoints().exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Deaths and stops at any step of training and of evaluations, as often as may be.
    #[test]
    fn a_run_started_again_ends_as_one_that_was_not_interrupted(
        run_of in (0..3_usize, any::<bool>(), 0..4_usize),
        ends in prop::collection::vec(
            prop_oneof![
                2 => (0..310_u64).prop_map(End::Die),
                2 => (0..310_u64).prop_map(End::Stop),
                1 => (0..150_u64).prop_map(End::DieInEvaluation),
                1 => (0..150_u64).prop_map(End::StopInEvaluation),
            ], 1..6),
    ) {
        let config = config_of_agent(run_of);
        let directory = tempdir().unwrap();
        for end in ends {
            match run(&config, directory.path(), end) {
                Some(Ok(Outcome::Finished(_))) => break,
                Some(Ok(Outcome::Interrupted(steps))) => {
                    prop_assert!(matches!(end, End::Stop(_) | End::StopInEvaluation(_)));
                    // The checkpoint is of that very step.
                    let name = format!("step-{:012}.ckpt", steps.0);
                    let path = RunDirectory::new(directory.path()).checkpoints().join(name);
                    prop_assert_eq!(path.exists(), steps.0 > 0);
                }
                Some(Err(error)) => return Err(TestCaseError::fail(error.to_string())),
                None => prop_assert!(matches!(end, End::Die(_) | End::DieInEvaluation(_))),
            }
        }
        prop_assert_eq!(&finish(&config, directory.path()), uninterrupted_of(run_of));
    }
}

/// Runs that one draw of the property above may leave out: each agent with each intervention, stopped in its warm-up
/// and killed later.
#[test]
fn every_agent_goes_on_bit_for_bit() {
    let each = |agent| (0..INTERVENTIONS.len()).map(move |intervention| (agent, intervention));
    for (agent, intervention) in (0..agents().len()).flat_map(each) {
        let run_of = (agent, intervention > 0, intervention);
        let config = config_of_agent(run_of);
        let directory = tempdir().unwrap();
        let stopped = run(&config, directory.path(), End::Stop(25)).unwrap().unwrap();
        assert_eq!(stopped, Outcome::Interrupted(AgentSteps(25)));
        assert!(run(&config, directory.path(), End::Die(200)).is_none());
        assert_eq!(finish(&config, directory.path()), *uninterrupted_of(run_of));
    }
    let weights = [0, 1, 2].map(|agent| uninterrupted_of((agent, false, 0)).weights);
    assert!(weights[0] != weights[1] && weights[1] != weights[2] && weights[0] != weights[2]);
    let weights = [0, 1, 2, 3].map(|intervention| uninterrupted_of((0, true, intervention)).weights);
    assert!((0..4).all(|i| (0..i).all(|j| weights[i] != weights[j])), "each intervention does something");
}

/// Frames compressed or not, in any of a run's processes: the same weights and metrics.
#[test]
fn compressed_frames_change_no_result() {
    let with = |compressed: bool| {
        let config = config(SOFT_MOE);
        let agent = AgentConfig::Learning(LearningConfig { replay_compressed: compressed, ..agent() });
        RunConfig { agent, ..config }
    };
    let directory = tempdir().unwrap();
    assert_eq!(finish(&with(true), directory.path()), *uninterrupted(&SOFT_MOE));
    let directory = tempdir().unwrap();
    assert!(run(&with(false), directory.path(), End::Die(150)).is_none());
    assert!(run(&with(true), directory.path(), End::Die(80)).is_none());
    assert_eq!(finish(&with(false), directory.path()), *uninterrupted(&SOFT_MOE));
}

#[test]
fn rows_written_after_the_checkpoint_are_written_again() {
    let directory = tempdir().unwrap();
    // Dies at step 205: a row at 200, the newest checkpoint at 140.
    assert!(run(&config(FLAT), directory.path(), End::Die(205)).is_none());
    let metrics = RunDirectory::new(directory.path()).metrics_csv();
    assert_eq!(fs::read_to_string(&metrics).unwrap().lines().count(), 1 + 2);
    // A row that was half written.
    let mut rows = fs::read(&metrics).unwrap();
    rows.extend_from_slice(b"300,1");
    fs::write(&metrics, rows).unwrap();
    assert_eq!(finish(&config(FLAT), directory.path()), *uninterrupted(&FLAT));
}

#[test]
fn missing_rows_are_an_error_that_says_what_to_do() {
    let directory = tempdir().unwrap();
    assert!(run(&config(FLAT), directory.path(), End::Die(205)).is_none());
    let metrics = RunDirectory::new(directory.path()).metrics_csv();
    fs::write(&metrics, "agent_steps\n").unwrap();
    let error = run(&config(FLAT), directory.path(), End::Never).unwrap().unwrap_err();
    let RunError::MetricsTooShort { found: 12, .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("move the run's directory away"), "{error}");
    assert_eq!(fs::read_to_string(&metrics).unwrap(), "agent_steps\n");
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused() {
    let directory = tempdir().unwrap();
    assert!(run(&config(FLAT), directory.path(), End::Die(150)).is_none());
    let mut other = config(FLAT);
    other.training.agent_steps = AgentSteps(100);
    if let AgentConfig::Learning(agent) = &mut other.agent {
        agent.n_step = 5;
    }
    let error = run(&other, directory.path(), End::Never).unwrap().unwrap_err().to_string();
    for part in ["`agent.n_step` was 3, is 5", "`training.agent_steps` was 300, is 100", "put run.ron back"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(finish(&config(FLAT), directory.path()), *uninterrupted(&FLAT));
}

/// A state with counts that no run can have, however good its checksum, would never come to an end.
#[test]
fn counts_beyond_the_end_are_refused() {
    let directory = tempdir().unwrap();
    assert!(run(&config(FLAT), directory.path(), End::Die(150)).is_none());
    let replay = ReplayConfig::new(&config(FLAT).agent, &config(FLAT).environment.spec()).unwrap();
    let mut checkpoints = Checkpoints::new(RunDirectory::new(directory.path()).checkpoints());
    let (mut state, replay) = checkpoints.load(&config(FLAT), &replay, |_| {}).unwrap().unwrap();
    state.training.evaluations = u64::MAX;
    checkpoints.save(&state, &replay, AgentSteps(140)).unwrap();
    let error = run(&config(FLAT), directory.path(), End::Never).unwrap().unwrap_err().to_string();
    assert!(
        error.contains("at step 140 of 300") && error.contains("18446744073709551615 evaluations"),
        "{error}"
    );
}

/// An evaluation may take 27,000 steps: it is left between any two of them, and played again from its start.
#[test]
fn a_run_stops_in_the_middle_of_an_evaluations_episode() {
    let directory = tempdir().unwrap();
    let mut watcher = Watcher::new(End::StopInEvaluation(2));
    let files = RunDirectory::new(directory.path());
    let outcome = train(&config(FLAT), &files, &Options::default(), &mut watcher).unwrap();
    assert_eq!(outcome, Outcome::Interrupted(AgentSteps(100)));
    assert_eq!(watcher.evaluation_steps, 3);
    assert_eq!(finish(&config(FLAT), directory.path()), *uninterrupted(&FLAT));
}

#[test]
fn a_random_run_is_one_evaluation() {
    let directory = tempdir().unwrap();
    let random = RunConfig { agent: AgentConfig::Random, ..config(FLAT) };
    // Stopped in its first episode, it has nothing to show.
    let stopped = run(&random, directory.path(), End::StopInEvaluation(1)).unwrap().unwrap();
    assert_eq!(stopped, Outcome::Interrupted(AgentSteps(0)));
    let mut watcher = Watcher::new(End::Never);
    let outcome =
        train(&random, &RunDirectory::new(directory.path()), &Options::default(), &mut watcher).unwrap();
    let Outcome::Finished(done) = outcome else { panic!("{outcome:?}") };
    assert_eq!((done.returns.len(), done.parameters, done.agent_steps), (4, 0, AgentSteps(0)));
    // It is asked before every step, so that it can stop in the middle of an episode.
    assert!(watcher.training_steps == 0 && watcher.evaluation_steps > 4);
    let rows = fs::read_to_string(RunDirectory::new(directory.path()).metrics_csv()).unwrap();
    assert_eq!(rows.lines().count(), 2);
    // A file without rows has its header.
    let diagnostics = fs::read_to_string(RunDirectory::new(directory.path()).diagnostics_csv()).unwrap();
    assert_eq!(diagnostics, "agent_steps,name,value\n");
}

#[test]
fn an_evaluation_follows_from_its_index_and_leaves_the_agent_as_it_was() {
    let seeds = Seeds::new(1);
    let architecture = config(SOFT_MOE).architecture(0).unwrap();
    let environment = config(SOFT_MOE).environment;
    let mut agent = Agent::new(&agent().into(), &architecture, &environment.spec(), seeds).unwrap();
    let before = agent.state();
    let evaluation = |index: u64, agent: Option<&mut Agent>| {
        let environment = make(&environment, seeds.seed(Role::Evaluation(index))).unwrap();
        evaluate(agent, environment, 5, seeds, index, || true)
    };
    let returns = evaluation(0, Some(&mut agent));
    assert_eq!(evaluation(0, Some(&mut agent)), returns);
    assert_eq!(agent.state(), before);
    // By chance, one evaluation differs from the next.
    assert_ne!(evaluation(0, None), evaluation(1, None));
    assert_eq!(evaluation(1, None), evaluation(1, None));
}
