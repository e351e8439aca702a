//! The game in progress, and the agent that plays it.

use crate::DemoError;
use crate::pack::{Pack, PackedAgent, Tensor, weights};
use crate::protocol::{AgentFacts, Request, View};
use softmoe_agents::Evaluation;
use softmoe_agents::inspect::Inspector;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_config::{EnvironmentConfig, RunConfig};
use softmoe_env::RenderedEnvironment;
use softmoe_minatar::{Game, Settings, make};
use softmoe_nets::kernels::InstructionSet;
use std::path::Path;

/// The agents of a page, and the game in progress.
pub struct Stage {
    agents: Vec<Agent>,
    game: Option<GameInProgress>,
}

/// An agent of the page.
struct Agent {
    config: RunConfig,
    facts: AgentFacts,
    inspector: Inspector,
}

struct GameInProgress {
    agent: usize,
    evaluation: Evaluation<dyn RenderedEnvironment>,
    step: u64,
    /// The agent's own action in the state that is shown.
    next: usize,
}

impl Stage {
    /// A stage with the agents of `pack`, without a game in progress.
    ///
    /// # Errors
    /// If the settings of an agent are invalid, its game is not one of MinAtar's, or its weights do not fit its network.
    pub fn new(pack: Pack) -> Result<Self, DemoError> {
        let agents = pack.agents.iter().map(Agent::new).collect::<Result<_, _>>()?;
        Ok(Stage { agents, game: None })
    }

    /// The same stage, with the instruction set `set` for all networks instead of the default.
    #[must_use]
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Self {
        let with_set = |agent: Agent| Agent { inspector: agent.inspector.with_instruction_set(set), ..agent };
        self.agents = self.agents.into_iter().map(with_set).collect();
        self
    }

    /// Facts about the agents, in their order.
    pub fn facts(&self) -> Vec<AgentFacts> {
        self.agents.iter().map(|agent| agent.facts.clone()).collect()
    }

    /// The returns of the finished episodes of the game in progress.
    pub fn returns(&self) -> &[f64] {
        self.game.as_ref().map_or(&[], |game| game.evaluation.returns())
    }

    /// Follows a request from the page.
    ///
    /// # Errors
    /// If there is no such agent or action, if the agent does not play the game in progress, or if there is none. Nothing has changed then.
    pub fn ask(&mut self, request: Request) -> Result<View, DemoError> {
        let mut ended = false;
        match request {
            Request::NewGame { agent, seed } => {
                let chosen = self.agent(agent)?;
                let evaluation = chosen.evaluation(seed.unwrap_or(chosen.config.seed))?;
                self.game = Some(GameInProgress { agent, evaluation, step: 0, next: 0 });
            }
            Request::Agent(agent) => {
                let of = |agent: &Agent| agent.config.environment.clone();
                let (wanted, game) = (of(self.agent(agent)?), self.game.as_ref().ok_or(DemoError::NoGame)?);
                if wanted != of(&self.agents[game.agent]) {
                    return Err(DemoError::OtherGame { given: agent, game: wanted.game().name() });
                }
                self.game.iter_mut().for_each(|game| game.agent = agent);
            }
            Request::Step { action } => {
                let game = self.game.as_mut().ok_or(DemoError::NoGame)?;
                let (action, count) = (action.unwrap_or(game.next), game.evaluation.player().spec().actions);
                if action >= count {
                    return Err(DemoError::NoAction { given: action, count });
                }
                let before = game.evaluation.returns().len();
                game.evaluation.step(action);
                ended = game.evaluation.returns().len() > before;
                game.step = if ended { 0 } else { game.step + 1 };
            }
        }
        self.choose().map(|view| View { ended, ..view })
    }

    fn agent(&self, given: usize) -> Result<&Agent, DemoError> {
        self.agents.get(given).ok_or(DemoError::NoAgent { given, count: self.agents.len() })
    }

    /// Lets the agent choose its next action, and returns the view of the state.
    fn choose(&mut self) -> Result<View, DemoError> {
        let game = self.game.as_mut().ok_or(DemoError::NoGame)?;
        let inspector = &mut self.agents[game.agent].inspector;
        game.next = game.evaluation.choose(inspector);
        let player = game.evaluation.player();
        let inspection = inspector.inspect(player.state());
        Ok(View {
            agent: game.agent,
            picture: player.environment().render().into(),
            episode: player.episodes() + 1,
            step: game.step,
            episode_return: player.episode_return(),
            last_return: game.evaluation.returns().last().copied(),
            ended: false,
            next: game.next,
            greedy: inspection.action,
            values: inspection.values,
            distribution: inspection.distribution.map(Into::into),
            mixture: inspection.mixture.map(Into::into),
        })
    }
}

impl Agent {
    fn new(packed: &PackedAgent) -> Result<Self, DemoError> {
        let config = RunConfig::parse(Path::new("run.ron"), &packed.run)?;
        config.validate()?;
        let run = config.name();
        let Some(architecture) = config.architecture(packed.permutation_seed) else {
            return Err(DemoError::Random { run });
        };
        let element = config.environment.spec().element;
        let values = |parameters: &_| {
            weights(parameters, &packed.tensors)
                .map_err(|problem| DemoError::Weights { run: run.clone(), problem })
        };
        let inspector = Inspector::of_values(&config.agent, &architecture, element, values)?;
        let is_rounded = packed.tensors.iter().any(|tensor| matches!(tensor, Tensor::Rounded(_)));
        let of_noise = inspector.network().parameters().iter().zip(&packed.tensors);
        let of_noise = of_noise.filter(|(_, tensor)| **tensor == Tensor::Noise).map(|(of, _)| of.range.len());
        let game = environment(&config, config.seed)?;
        let name = |action| game.action_name(action).unwrap_or("?");
        let facts = AgentFacts {
            arm: config.arm.clone(),
            body: config.network.body.to_string(),
            game: config.environment.game().name(),
            seed: config.seed.to_string(),
            agent_steps: packed.agent_steps,
            score: packed.score.map(|(score, _)| score),
            episodes: packed.score.map_or(0, |(_, episodes)| episodes),
            packed_score: packed.packed_score,
            bits: if is_rounded { 8 } else { 32 },
            parameters: inspector.weights().len() - of_noise.sum::<usize>(),
            actions: (0..architecture.actions).map(name).collect(),
            experts: config.network.body.experts(),
        };
        Ok(Agent { config, facts, inspector })
    }

    /// The run's last evaluation, with any number of episodes. With the run's seed, it begins with the episodes of the run's score.
    fn evaluation(&self, seed: u64) -> Result<Evaluation<dyn RenderedEnvironment>, DemoError> {
        let (seeds, index) = (Seeds::new(seed), self.config.training.evaluations().saturating_sub(1));
        let environment = environment(&self.config, seeds.seed(Role::Evaluation(index)))?;
        Ok(Evaluation::new(environment, usize::MAX, seeds, index))
    }
}

/// The game of a run.
fn environment(config: &RunConfig, seed: u64) -> Result<Box<dyn RenderedEnvironment>, DemoError> {
    let game = config.environment.game().name();
    let other = || DemoError::Game { run: config.name(), game };
    let EnvironmentConfig::MinAtar {
        sticky_action_probability,
        difficulty_ramping,
        minimal_actions,
        max_episode_steps,
        ..
    } = config.environment
    else {
        return Err(other());
    };
    let settings =
        Settings { sticky_action_probability, difficulty_ramping, minimal_actions, max_episode_steps };
    let game: Game = game.parse().map_err(|_| other())?;
    Ok(make(game, &settings, seed))
}
