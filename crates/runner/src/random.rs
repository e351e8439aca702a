//! The run of the random policy: one evaluation.

use crate::environment::Maker;
use crate::metrics::{Metrics, Positions};
use crate::monitor::{Monitor, Outcome, Progress};
use crate::results::save_done;
use crate::{RunError, clock, session};
use softmoe_agents::evaluate;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_config::{AgentSteps, Device, Done, MetricsRow, Phase, RunConfig, RunDirectory};

/// Plays the environment of `config` with random actions.
pub(crate) fn play(
    config: &RunConfig,
    directory: &RunDirectory,
    make: &Maker<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    let started = clock::now();
    let mut session = session::begin(Device::Cpu, None, AgentSteps(0));
    let seeds = Seeds::new(config.seed);
    let environment = make(&config.environment, seeds.seed(Role::Evaluation(0)))?;
    let mut metrics = Metrics::open(directory, Positions::default())?;
    let (agent_steps, of) = (AgentSteps(0), config.training.agent_steps);
    monitor.report(&Progress { phase: Phase::Evaluate, agent_steps, of, evaluation_return: None });
    let episodes = config.training.final_evaluation_episodes;
    let returns = evaluate(None, environment, episodes, seeds, 0, || monitor.keep_going());
    if returns.len() < episodes {
        return Ok(Outcome::Interrupted(AgentSteps(0)));
    }
    let row = MetricsRow {
        agent_steps: AgentSteps(0),
        episodes: 0,
        training_return: None,
        evaluation_return: returns.iter().sum::<f64>() / episodes as f64,
        updates: 0,
        loss: None,
        agent_steps_per_second: 0.0,
        wall_seconds: (clock::now() - started).as_secs_f64(),
    };
    metrics.append(&row, &[])?;
    metrics.sync()?;
    session::end(&mut session);
    let done = Done { sessions: vec![session], ..Done::new(&row, returns, Device::Cpu.to_string()) };
    save_done(directory, done).map(Outcome::Finished)
}
