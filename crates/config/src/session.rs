//! A session of a run: one process that trained it, and what that process computed with.

use crate::AgentSteps;
use serde::{Deserialize, Serialize};

/// Session of a run: one process, from its start to the checkpoint or the result that it left. A run that was resumed has
/// several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Commit that the program was built from, in hexadecimal; none if it was built without git.
    pub commit: Option<String>,
    /// Whether the program was built from files that differ from that commit.
    pub dirty: bool,
    /// Instruction set of the CPU engine, e.g. `avx2`; none on another device, and for the random policy.
    pub instruction_set: Option<String>,
    /// Name of the machine.
    pub host: Option<String>,
    /// Threads.
    pub threads: usize,
    /// Device, e.g. `cpu` or `cuda:0`.
    pub device: String,
    /// Name of the processor or of the graphics card, if the system tells it.
    pub device_name: Option<String>,
    /// Agent steps at the start of the session.
    pub first_step: AgentSteps,
    /// Start of the session, as in RFC 3339, e.g. `2026-01-31T12:00:00Z`.
    pub started: String,
    /// End of the session; none if the process was killed.
    pub ended: Option<String>,
    /// Largest resident memory of the process in bytes, at its end.
    pub peak_memory: Option<u64>,
}

impl Session {
    /// The commit in a word: its first twelve digits, `+changes` if it was dirty; none without git.
    pub fn build(&self) -> Option<String> {
        let commit = self.commit.as_ref()?;
        let short: String = commit.chars().take(12).collect();
        Some(if self.dirty { format!("{short}+changes") } else { short })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_named_by_its_commit() {
        let commit = Some("0123456789abcdef0123456789abcdef01234567".to_owned());
        let clean = Session { commit, ..Session::default() };
        assert_eq!(clean.build().as_deref(), Some("0123456789ab"));
        assert_eq!(Session { dirty: true, ..clean }.build().as_deref(), Some("0123456789ab+changes"));
        assert_eq!(Session::default().build(), None);
    }
}
