//! Units of time in an experiment.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A number of agent steps: one step is one action chosen, however many frames it is repeated for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentSteps(pub u64);

impl fmt::Display for AgentSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
