use super::*;
use softmoe_agents::Learner;
use softmoe_nets::weights;
use softmoe_replay::Batch;
use std::collections::BTreeMap;

fn learner(seed: u64) -> DfdxLearner {
    DfdxLearner::new(
        UpdateSettings::new(&LearningConfig::dqn_classic_control(), SPEC.element),
        Seeds::new(seed),
    )
}

/// An agent that has trained for a while, and a batch of what it has seen.
fn trained(steps: u64) -> (Agent, Batch) {
    let seeds = Seeds::new(1);
    let mut agent = agent(seeds).unwrap();
    task::train(&mut agent, 0, AgentSteps(steps), |_, _| ()).unwrap();
    let mut batch = Batch::new(LearningConfig::dqn_classic_control().batch_size, agent.replay().layout());
    agent.replay().sample(&mut seeds.rng(Role::Replay), &mut batch).unwrap();
    (agent, batch)
}

fn values(learner: &dyn Learner) -> Vec<f32> {
    learner.weights().into_iter().flat_map(|(_, _, values)| values.into_owned()).collect()
}

#[test]
fn the_agent_learns_with_a_dfdx_network() {
    let mean_return = |agent: &mut Agent| task::evaluate(agent, 7, 20);
    let untrained = mean_return(&mut agent(Seeds::new(1)).unwrap());
    let trained = mean_return(&mut trained(6_000).0);
    assert!(untrained < 50.0 && trained > 100.0, "{untrained} before, {trained} after");
}

#[test]
fn a_restored_learner_goes_on_bit_for_bit() {
    let (agent, batch) = trained(1_300);
    let state = agent.learner().state();
    let [mut first, mut second] = [learner(2), learner(3)];
    first.restore(&state).unwrap();
    assert_eq!(values(&first), values(agent.learner()));
    first.update(&batch).unwrap();
    second.restore(&first.state()).unwrap();
    for learner in [&mut first, &mut second] {
        learner.update(&batch).unwrap();
        learner.sync_target();
        learner.update(&batch).unwrap();
    }
    assert_eq!(values(&first), values(&second));
    assert_eq!(first.state(), second.state());
}

#[test]
fn a_state_of_something_else_is_refused_and_changes_nothing() {
    let mut learner = learner(1);
    let before = learner.state();
    assert!(matches!(learner.restore(b"no state"), Err(AgentError::State(_))));
    assert!(matches!(learner.restore(&[]), Err(AgentError::State(_))));
    assert_eq!(learner.state(), before);
}

#[test]
fn weights_go_through_a_file_and_those_of_another_network_are_refused() {
    let file = |learner: &DfdxLearner, without: &str| {
        let weights = learner.weights();
        let weights = weights.iter().filter(|(name, ..)| *name != without);
        let weights = weights.map(|(name, shape, values)| (*name, *shape, &**values));
        let bytes = weights::write("dfdx", weights, &BTreeMap::default()).unwrap();
        weights::WeightsFile::read(&bytes).unwrap()
    };
    let [first, mut second] = [learner(1), learner(2)];
    assert_eq!(first.parameters(), values(&first).len());
    assert_ne!(values(&first), values(&second));
    let error = second.load_weights(&file(&first, "head/bias")).unwrap_err();
    assert!(error.to_string().contains("head/bias"), "{error}");
    second.load_weights(&file(&first, "")).unwrap();
    assert_eq!(values(&first), values(&second));
}
