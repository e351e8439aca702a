//! Runs that are stepped from outside, together, against runs that are trained alone.

mod common;

use common::{Leavings, SOFT_MOE, config, finish};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, Evaluation, Poll, Training, networks};
use softmoe_config::RunConfig;
use softmoe_nets::weights;
use softmoe_runner::make;

/// A run without files, and the evaluation that it is at.
struct Stepped {
    config: RunConfig,
    run: Training,
    evaluation: Option<Evaluation>,
    returns: Vec<f64>,
}

impl Stepped {
    fn new(config: RunConfig) -> Self {
        let seeds = Seeds::new(config.seed);
        let architecture = config.architecture(seeds.seed(Role::Permutation)).unwrap();
        let agent = Agent::new(&config.agent, &architecture, &config.environment.spec(), seeds).unwrap();
        let environment = make(&config.environment, seeds.seed(Role::Environment)).unwrap();
        let run = Training::new(agent, environment, &config.training, seeds);
        Stepped { config, run, evaluation: None, returns: Vec::new() }
    }

    /// One step of training or of an evaluation. Whether the run goes on.
    fn step(&mut self) -> bool {
        if let Some(evaluation) = &mut self.evaluation {
            let action = evaluation.choose(self.run.agent_mut());
            evaluation.step(action);
            if evaluation.is_over() {
                self.returns.push(self.run.evaluated(evaluation.returns()).evaluation_return);
                self.evaluation = None;
            }
            return true;
        }
        match self.run.poll() {
            Poll::Action(_) => {
                let action = self.run.choose();
                self.run.step(action).unwrap();
            }
            Poll::Evaluation { index, episodes } => {
                self.run.finish_update().unwrap();
                let seeds = self.run.seeds();
                let environment = make(&self.config.environment, seeds.seed(Role::Evaluation(index)));
                self.evaluation = Some(Evaluation::new(environment.unwrap(), episodes, seeds, index));
            }
            Poll::Done => return false,
        }
        true
    }
}

/// The column `evaluation_return` of `metrics.csv`.
fn evaluation_returns(leavings: &Leavings) -> Vec<f64> {
    let rows = leavings.metrics[1..].iter();
    rows.map(|row| row.split(',').nth(3).unwrap().parse().unwrap()).collect()
}

/// The file that a run writes of these weights.
fn weights_file(stepped: &Stepped) -> Vec<u8> {
    let permutation_seed = stepped.run.seeds().seed(Role::Permutation);
    let architecture = stepped.config.architecture(permutation_seed).unwrap();
    let weights = stepped.run.agent().learner().weights();
    let weights = weights.iter().map(|(name, shape, values)| (*name, *shape, &**values));
    weights::write(&architecture.to_string(), weights, &networks::permutations(&architecture)).unwrap()
}

#[test]
fn runs_in_lockstep_end_as_they_do_alone() {
    let configs = [3, 4].map(|seed| RunConfig { seed, ..config(SOFT_MOE) });
    let mut together = configs.clone().map(Stepped::new);
    loop {
        let going = together.each_mut().map(Stepped::step);
        if !going.contains(&true) {
            break;
        }
    }
    for (config, stepped) in configs.iter().zip(&together) {
        let directory = tempfile::tempdir().unwrap();
        let alone = finish(config, directory.path());
        assert_eq!(stepped.returns, evaluation_returns(&alone));
        assert_eq!(stepped.returns.len(), 3);
        assert_eq!(crc32fast::hash(&weights_file(stepped)), alone.weights);
    }
}
