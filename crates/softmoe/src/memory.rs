//! Check of a run's replay against the memory of the machine, before it is filled.

use softmoe_config::RunConfig;
use softmoe_config::words::gigabytes;
use softmoe_console::memory::Memory;
use softmoe_replay::Layout;
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

/// Checks the replay of `config` against `memory`. Returns a warning if it does not fit the free memory.
///
/// The frames of a compressed replay are left out, since their size is unknown in advance.
///
/// # Errors
///
/// [`TooLarge`] if it does not fit the total memory.
pub fn check(memory: Memory, config: &RunConfig) -> Result<Option<String>, TooLarge> {
    let Memory { total, available } = memory;
    let (Some(learning), Some(filled)) = (config.agent.learning(), config.replay_frames()) else {
        return Ok(None);
    };
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
    let bytes = |layout: Layout| {
        if learning.replay_compressed { layout.bytes_beside_frames() } else { layout.bytes() }
    };
    // All of it is reserved at once, and used as it is filled.
    let reserved = bytes(layout);
    if total > 0 && reserved > total {
        return Err(TooLarge { frames: layout.capacity, needed: reserved, total });
    }
    let needed = bytes(Layout { capacity: filled, ..layout });
    let short = total > 0 && needed > available;
    Ok(short.then(|| {
        format!(
            "the replay of {filled} frames takes {} when it is full, and {} are available now; unless other programs \
             free memory, the system will kill the run: {INSTEAD}",
            gigabytes(needed),
            gigabytes(available)
        )
    }))
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
                agent_steps: AgentSteps(10_000_000),
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
        let error = check(memory(2_000_000_000, 2_000_000_000), &config(false)).unwrap_err().to_string();
        for part in [
            "5000000 frames",
            "2.21 GB",
            "2.00 GB at most",
            "`agent.replay_capacity`",
            "`agent.replay_compressed`",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(check(memory(3_000_000_000, 2_500_000_000), &config(false)), Ok(None));
        assert_eq!(check(memory(2_000_000_000, 2_000_000_000), &config(true)), Ok(None));
        let warning = check(memory(3_000_000_000, 1_000_000_000), &config(false)).unwrap().unwrap();
        assert!(
            warning.contains("1.00 GB are available") && warning.contains("`agent.replay_capacity`"),
            "{warning}"
        );
        // The system does not report its memory.
        assert_eq!(check(memory(0, 0), &config(false)), Ok(None));
    }
}
