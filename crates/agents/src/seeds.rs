//! Seeds of a run, split by role: a change in the draws of one part changes no other part.

use rand::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// The use of a stream of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The training environment.
    Environment,
    /// Exploration: the agent's random actions.
    Exploration,
    /// Noise of the noisy layers.
    Noise,
    /// Samples from the replay.
    Replay,
    /// Initial weights.
    Weights,
    /// The permutation of shuffled tokens.
    Permutation,
    /// Draws of the intervention after this number of updates.
    Intervention(u64),
    /// The transitions of an evaluation's diagnostics, counted from 0.
    Diagnostics(u64),
    /// The transitions of the diagnostics before the first update.
    InitialDiagnostics,
    /// The environment of an evaluation, counted from 0.
    Evaluation(u64),
    /// The random actions in an evaluation.
    EvaluationActions(u64),
}

/// The seeds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds(u64);

impl Seeds {
    /// The seeds of the run with the seed `seed`.
    pub fn new(seed: u64) -> Self {
        Seeds(seed)
    }

    /// The seed of a role: an output of SplitMix64, so that neighbouring seeds and roles are unrelated.
    pub fn seed(self, role: Role) -> u64 {
        let (stream, index) = match role {
            Role::Environment => (0, 0),
            Role::Exploration => (1, 0),
            Role::Noise => (2, 0),
            Role::Replay => (3, 0),
            Role::Weights => (4, 0),
            Role::Evaluation(index) => (5, index),
            Role::EvaluationActions(index) => (6, index),
            Role::Permutation => (7, 0),
            Role::Intervention(updates) => (8, updates),
            Role::Diagnostics(index) => (9, index),
            Role::InitialDiagnostics => (10, 0),
        };
        let hashed = |seed: u64| SplitMix64::seed_from_u64(seed).next_u64();
        hashed(hashed(hashed(self.0) ^ stream) ^ index)
    }

    /// The generator of a role.
    pub fn rng(self, role: Role) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.seed(role))
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, Seeds};
    use std::collections::BTreeSet;

    #[test]
    fn every_run_and_role_has_a_seed_of_its_own() {
        let roles = [
            Role::Environment,
            Role::Exploration,
            Role::Noise,
            Role::Replay,
            Role::Weights,
            Role::InitialDiagnostics,
        ];
        let mut seen = BTreeSet::new();
        for run in 0..100 {
            let seeds = Seeds::new(run);
            let evaluations = (0..100).flat_map(|i| {
                [Role::Evaluation(i), Role::EvaluationActions(i), Role::Intervention(i), Role::Diagnostics(i)]
            });
            assert!(roles.into_iter().chain(evaluations).all(|role| seen.insert(seeds.seed(role))));
        }
    }
}
