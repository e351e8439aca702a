//! A trained run that plays, shot by shot.

use anyhow::Result;
use softmoe::film::Shot;
use softmoe_agents::Evaluation;
use softmoe_config::{EnvironmentConfig, RunConfig, RunDirectory};
use softmoe_console::output;
use softmoe_console::play::PlayOptions;
use softmoe_env::RenderedEnvironment;
use softmoe_runner::{Source, Trained};

/// A trained run that plays.
pub(crate) struct Session {
    trained: Trained,
    evaluation: Evaluation<dyn RenderedEnvironment>,
    /// The names of the actions.
    pub(crate) actions: Vec<&'static str>,
    /// The run's name, and how long it was trained.
    pub(crate) title: String,
    /// Steps a second.
    pub(crate) rate: u32,
    /// Side of a pixel of the game in a film.
    pub(crate) scale: usize,
    step: u64,
}

impl Session {
    /// Loads the weights and starts the first episode.
    pub(crate) fn new(config: &RunConfig, directory: &RunDirectory, options: &PlayOptions) -> Result<Self> {
        let warn = |message: &str| output::error_line(format_args!("warning: {message}"));
        let mut trained = Trained::load(config, directory, warn)?;
        if let Some(epsilon) = options.epsilon {
            trained.inspector = trained.inspector.map(|inspector| inspector.with_epsilon(epsilon));
        }
        let seed = options.seed.unwrap_or(config.seed);
        // The caller decides when the session ends.
        let evaluation = trained.rendered_evaluation(seed, usize::MAX)?;
        let player = evaluation.player();
        let name = |action| player.environment().action_name(action).unwrap_or("?");
        let (actions, is_atari) = (
            (0..player.spec().actions).map(name).collect(),
            matches!(config.environment, EnvironmentConfig::Atari { .. }),
        );
        let game = config.environment.game();
        let title = match trained.source {
            Source::Finished => format!("{} on {game}", config.arm),
            Source::Checkpoint(steps) => {
                format!("{} on {game}, step {steps} of {}", config.arm, config.training.agent_steps)
            }
            Source::Random => format!("random policy on {game}"),
        };
        Ok(Session {
            rate: options.fps.unwrap_or(if is_atari { 15 } else { 10 }),
            scale: options.scale.map_or(if is_atari { 2 } else { 28 }, |scale| scale as usize),
            trained,
            evaluation,
            actions,
            title,
            step: 0,
        })
    }

    /// The current state, and the action taken in it: `chosen`, or the agent's own action.
    pub(crate) fn shot(&mut self, chosen: Option<usize>) -> Shot {
        let player = self.evaluation.player();
        let (episode, episode_return) = (player.episodes() + 1, player.episode_return());
        let picture = player.environment().render();
        let inspector = self.trained.inspector.as_mut();
        let inspection = inspector.map(|inspector| inspector.inspect(player.state()));
        // The agent is asked in any case, since it also decides how the frames of a lost life are stacked.
        let own = self.trained.choose(&mut self.evaluation);
        let (action, actions) = (chosen.unwrap_or(own), self.actions.clone());
        Shot { picture, inspection, action, actions, episode, step: self.step, episode_return }
    }

    /// Takes the action of a shot. Returns the episode's return if the episode has ended.
    pub(crate) fn step(&mut self, shot: &Shot) -> Option<f64> {
        let before = self.evaluation.returns().len();
        self.evaluation.step(shot.action);
        self.step += 1;
        let finished = self.evaluation.returns().get(before).copied();
        if finished.is_some() {
            self.step = 0;
        }
        finished
    }
}
