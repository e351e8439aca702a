//! The trained network of a run, for watching it or scoring it again. No file in the run's directory changes.

use crate::checkpoint::newest_state;
use crate::environment::{make, make_rendered};
use crate::{RunError, checkpoint::State};
use softmoe_agents::inspect::Inspector;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{AgentError, Evaluation, instruction_set, networks};
use softmoe_config::{AgentSteps, Architecture, EnvironmentConfig, RunConfig, RunDirectory};
use softmoe_env::{DynEnvironment, RenderedEnvironment};
use softmoe_nets::weights::WeightsFile;
use std::error::Error;
use std::path::Path;

/// Where the weights of a [`Trained`] run come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The file of a finished run.
    Finished,
    /// The newest checkpoint of a run that has not finished, after that many agent steps.
    Checkpoint(AgentSteps),
    /// Nowhere: the random policy has none.
    Random,
}

/// The trained network of a run.
pub struct Trained {
    config: RunConfig,
    /// The network; `None` for the random policy.
    pub inspector: Option<Inspector>,
    /// The seed of the token permutation that the weights were trained with. Only shuffled tokens use it.
    pub permutation_seed: u64,
    /// Where its weights come from.
    pub source: Source,
}

impl Trained {
    /// Loads the weights of the run with `config` in `directory`: the final weights, or the weights of its newest checkpoint. `warn` gets a
    /// message for each checkpoint that cannot be read.
    ///
    /// # Errors
    /// [`RunError::NoWeights`] without a file of weights and without a checkpoint. If neither can be read, or belongs to another network.
    /// If the network is not in this build.
    pub fn load(
        config: &RunConfig,
        directory: &RunDirectory,
        warn: impl FnMut(&str),
    ) -> Result<Self, RunError> {
        let config = config.clone();
        let permutation_seed = Seeds::new(config.seed).seed(Role::Permutation);
        let Some(architecture) = config.architecture(permutation_seed) else {
            return Ok(Trained { config, inspector: None, permutation_seed, source: Source::Random });
        };
        let instruction_set = instruction_set(config.instruction_set)?;
        let weights = directory.weights();
        let mut trained = if weights.exists() {
            of_file(config, architecture, &weights)?
        } else {
            match newest_state(&directory.checkpoints(), warn)? {
                Some((state, path)) => of_checkpoint(config, architecture, &state)
                    .map_err(|source| RunError::Weights { path, source: source.into() })?,
                // It may have finished since.
                None if weights.exists() => of_file(config, architecture, &weights)?,
                None => return Err(RunError::NoWeights { directory: directory.path().to_owned() }),
            }
        };
        trained.inspector =
            trained.inspector.map(|inspector| inspector.with_instruction_set(instruction_set));
        Ok(trained)
    }

    /// The evaluation that decides the run's score: the last one of the run, counted from 0.
    fn last_evaluation(&self) -> u64 {
        match self.source {
            Source::Random => 0,
            _ => self.config.training.evaluations().saturating_sub(1),
        }
    }

    /// The run's last evaluation, of `episodes` episodes. `seed` determines its random numbers. With the seed of the run, a finished run
    /// plays the episodes of its score.
    ///
    /// # Errors
    /// As [`make`].
    pub fn evaluation(&self, seed: u64, episodes: usize) -> Result<Evaluation, RunError> {
        self.evaluation_in(seed, episodes, make)
    }

    /// The same in an environment that draws itself.
    ///
    /// # Errors
    /// As [`make_rendered`].
    pub fn rendered_evaluation(
        &self,
        seed: u64,
        episodes: usize,
    ) -> Result<Evaluation<dyn RenderedEnvironment>, RunError> {
        self.evaluation_in(seed, episodes, make_rendered)
    }

    fn evaluation_in<E: DynEnvironment + ?Sized>(
        &self,
        seed: u64,
        episodes: usize,
        make: impl FnOnce(&EnvironmentConfig, u64) -> Result<Box<E>, RunError>,
    ) -> Result<Evaluation<E>, RunError> {
        let (seeds, index) = (Seeds::new(seed), self.last_evaluation());
        let environment = make(&self.config.environment, seeds.seed(Role::Evaluation(index)))?;
        Ok(Evaluation::new(environment, episodes, seeds, index))
    }

    /// The next action of an evaluation of this run.
    pub fn choose<E: DynEnvironment + ?Sized>(&mut self, evaluation: &mut Evaluation<E>) -> usize {
        match &mut self.inspector {
            Some(inspector) => evaluation.choose(inspector),
            None => evaluation.choose_at_random(),
        }
    }
}

/// The network of `architecture`, with the weights at `path` and the permutation of shuffled tokens that they were trained with.
fn of_file(config: RunConfig, mut architecture: Architecture, path: &Path) -> Result<Trained, RunError> {
    let refused = |source: Box<dyn Error + Send + Sync>| RunError::Weights { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(|error| refused(error.into()))?;
    let file = WeightsFile::read(&bytes).map_err(|error| refused(error.into()))?;
    let of_file: Architecture = file.architecture().parse().map_err(|error| refused(Box::new(error)))?;
    architecture.permutation_seed = of_file.permutation_seed;
    if of_file != architecture {
        return Err(refused("they belong to another network than the one of run.ron".into()));
    }
    if networks::permutations(&architecture) != *file.permutations() {
        return Err(refused("the permutation of its tokens is not the one that its seed draws".into()));
    }
    let element = config.environment.spec().element;
    let inspector = Inspector::new(&config.agent, &architecture, element, &file)
        .map_err(|error| refused(error.into()))?;
    let permutation_seed = architecture.permutation_seed;
    Ok(Trained { config, inspector: Some(inspector), permutation_seed, source: Source::Finished })
}

fn of_checkpoint(
    config: RunConfig,
    mut architecture: Architecture,
    state: &State,
) -> Result<Trained, AgentError> {
    architecture.permutation_seed = state.files.permutation_seed;
    let element = config.environment.spec().element;
    let inspector = Inspector::of_state(&config.agent, &architecture, element, &state.agent)?;
    let (permutation_seed, source) = (architecture.permutation_seed, Source::Checkpoint(state.agent.steps()));
    Ok(Trained { config, inspector: Some(inspector), permutation_seed, source })
}
