//! The start of a run: new, from a checkpoint, or from a file of weights.

use crate::RunError;
use crate::atomic::remove_leftovers;
use crate::checkpoint::{Checkpoints, FilesState, State};
use crate::environment::Maker;
use crate::monitor::Monitor;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, ReplayConfig, Training, instruction_set, networks};
use softmoe_config::{AgentSteps, Architecture, Device, RunConfig, RunDirectory};
use softmoe_nets::weights::WeightsFile;
use std::error::Error;
use std::path::Path;

/// Options of a run outside its configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The device to compute on. A run may be resumed on another one.
    pub device: Device,
    /// A file of weights that a new run begins with.
    pub weights: Option<&'a Path>,
}

/// A run that can be stepped, with its checkpoints.
pub(crate) struct Started {
    pub(crate) training: Training,
    pub(crate) architecture: Architecture,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) files: FilesState,
    /// The step of the checkpoint from which the run resumes.
    pub(crate) resumed: Option<AgentSteps>,
}

/// Makes the run of `config`, from its newest readable checkpoint if there is one. A new run begins with the weights of
/// `options`, if given.
pub(crate) fn start(
    config: &RunConfig,
    mut architecture: Architecture,
    directory: &RunDirectory,
    options: &Options<'_>,
    make: &Maker<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Started, RunError> {
    let (seeds, spec) = (Seeds::new(config.seed), config.environment.spec());
    let instruction_set = instruction_set(config.instruction_set)?;
    let new_training = |agent| {
        let environment = make(&config.environment, seeds.seed(Role::Environment))?;
        Ok::<_, RunError>(Training::new(agent, environment, &config.training, seeds))
    };
    remove_leftovers(directory.path());
    remove_leftovers(&directory.checkpoints());
    let mut checkpoints = Checkpoints::new(directory.checkpoints());
    let replay = ReplayConfig::new(&config.agent, &spec)?;
    let found = checkpoints.load(config, &replay, |message| monitor.warn(message))?;

    if let Some((State { agent, training, files, .. }, replay)) = found {
        architecture.permutation_seed = files.permutation_seed;
        let agent = Agent::resume(options.device, &config.agent, &architecture, &spec, seeds, agent, replay)?;
        let mut resumed = new_training(agent.with_instruction_set(instruction_set))?;
        resumed.restore(training)?;
        if let Some(path) = options.weights.filter(|path| files.initial_weights != Some(name_of(path))) {
            monitor.warn(&format!(
                "the run goes on from its checkpoint; the weights in {} are ignored, since only a new run begins with \
                 given weights",
                path.display()
            ));
        }
        let resumed_at = Some(resumed.agent().steps());
        return Ok(Started { training: resumed, architecture, checkpoints, files, resumed: resumed_at });
    }

    let mut files = FilesState::default();
    let weights = match options.weights {
        None => None,
        Some(path) => {
            files.initial_weights = Some(name_of(path));
            Some((path, read_weights(path, &mut architecture)?))
        }
    };
    files.permutation_seed = architecture.permutation_seed;
    let agent = Agent::new_on(options.device, &config.agent, &architecture, &spec, seeds)?;
    let mut agent = agent.with_instruction_set(instruction_set);
    if let Some((path, file)) = weights {
        agent.load_weights(&file).map_err(|error| refused(path, error))?;
    }
    Ok(Started { training: new_training(agent)?, architecture, checkpoints, files, resumed: None })
}

/// Reads the weights at `path`. `architecture` takes the permutation of shuffled tokens that they were trained with.
fn read_weights(path: &Path, architecture: &mut Architecture) -> Result<WeightsFile, RunError> {
    let bytes = std::fs::read(path).map_err(|source| {
        let hint = "name the weights.safetensors of a finished run";
        RunError::File { action: "read", path: path.to_owned(), hint, source }
    })?;
    let file = WeightsFile::read(&bytes).map_err(|error| refused(path, error))?;
    let of_file: Architecture = file.architecture().parse().map_err(|error| refused(path, error))?;
    architecture.permutation_seed = of_file.permutation_seed;
    if networks::permutations(architecture) != *file.permutations() {
        return Err(refused(path, "the permutation of its tokens is not the one that its seed draws"));
    }
    Ok(file)
}

fn refused(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> RunError {
    RunError::InitialWeights { path: path.to_owned(), source: source.into() }
}

/// The path of a file, as it is recorded.
fn name_of(path: &Path) -> String {
    path.display().to_string()
}
