//! Check of a run's replay against the memory of the machine, before it is filled.

use softmoe_config::RunConfig;
use softmoe_config::words::gigabytes;
use softmoe_replay::Layout;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};
use thiserror::Error;

/// Advice for a replay that is too large.
const INSTEAD: &str =
    "make `agent.replay_capacity` smaller, or set `agent.replay_compressed` = true, which changes no result";

/// Error for a replay that does not fit this machine's memory.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the replay of {frames} frames takes {} when it is full, but this process can have {} at most: {INSTEAD}",
    gigabytes(*.needed), gigabytes(*.total))]
pub struct TooLarge {
    /// Its capacity in frames.
    pub frames: usize,
    /// Its size in bytes.
    pub needed: u64,
    /// Memory of the machine in bytes, or the limit of the control group.
    pub total: u64,
}

/// The memory that is available to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in total.
    pub total: u64,
    /// Free bytes.
    pub available: u64,
}

impl Memory {
    /// The memory of this process: the machine's, or its control group's. Zeros if the system does not report it.
    pub fn now() -> Self {
        let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let Ok(system) = System::new_with_specifics(kind) else { return Memory { total: 0, available: 0 } };
        let (mut total, mut available) = (system.total_memory(), system.available_memory());
        if let Some(group) = system.cgroup_limits() {
            (total, available) = (total.min(group.total_memory), available.min(group.free_memory));
        }
        Memory { total, available }
    }

    /// Checks the replay of `config`. Returns a warning if it does not fit the free memory.
    ///
    /// The frames of a compressed replay are left out, since their size is unknown in advance.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if it does not fit the total memory.
    pub fn check(self, config: &RunConfig) -> Result<Option<String>, TooLarge> {
        let Some(learning) = config.agent.learning() else { return Ok(None) };
        // Single frames are stored, and stacked in samples.
        let spec = config.environment.spec();
        let layout = Layout {
            capacity: learning.replay_capacity,
            frame_len: spec.frame_bytes(),
            channels: 1,
            stack: spec.stack,
            n_step: learning.n_step,
            discount: learning.discount,
        };
        let needed = if learning.replay_compressed { layout.bytes_beside_frames() } else { layout.bytes() };
        if self.total > 0 && needed > self.total {
            return Err(TooLarge { frames: layout.capacity, needed, total: self.total });
        }
        let short = self.total > 0 && needed > self.available;
        Ok(short.then(|| {
            format!(
                "the replay of {} frames takes {} when it is full, and {} are available now; unless other programs \
                 free memory, the system will kill the run: {INSTEAD}",
                layout.capacity,
                gigabytes(needed),
                gigabytes(self.available)
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::{
        AgentConfig, AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig,
        MinAtarGame, NetworkSpec, RunVersion, TrainingConfig,
    };

    /// A replay of 5 million frames of Breakout, 400 bytes each: 2.2 GB.
    fn config(replay_compressed: bool) -> RunConfig {
        let agent = LearningConfig {
            replay_capacity: 5_000_000,
            replay_compressed,
            ..LearningConfig::rainbow_minatar()
        };
        RunConfig {
            version: RunVersion,
            profile: "quick".into(),
            arm: "arm".into(),
            seed: 1,
            environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
            agent: AgentConfig::Learning(agent),
            network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 16 },
            training: TrainingConfig {
                agent_steps: AgentSteps(1),
                evaluation_period: AgentSteps(1),
                evaluation_episodes: 1,
                final_evaluation_episodes: 1,
                checkpoint_period: AgentSteps(1),
            },
            instruction_set: InstructionSet::Auto,
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_may_not_is_warned_of() {
        let memory = |total, available| Memory { total, available };
        let error = memory(2_000_000_000, 2_000_000_000).check(&config(false)).unwrap_err().to_string();
        for part in [
            "5000000 frames",
            "2.21 GB",
            "2.00 GB at most",
            "`agent.replay_capacity`",
            "`agent.replay_compressed`",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(memory(3_000_000_000, 2_500_000_000).check(&config(false)), Ok(None));
        assert_eq!(memory(2_000_000_000, 2_000_000_000).check(&config(true)), Ok(None));
        let warning = memory(3_000_000_000, 1_000_000_000).check(&config(false)).unwrap().unwrap();
        assert!(
            warning.contains("1.00 GB are available") && warning.contains("`agent.replay_capacity`"),
            "{warning}"
        );
        // The system does not report its memory.
        assert_eq!(memory(0, 0).check(&config(false)), Ok(None));
    }

    #[test]
    fn this_machine_has_memory() {
        let memory = Memory::now();
        assert!(memory.total > 0 && memory.available > 0 && memory.available <= memory.total, "{memory:?}");
    }
}
