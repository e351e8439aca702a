//! Prioritized replay around an environment of your own: a narrow ledge with a reward at its far end, and tabular
//! Q-learning from the transitions of a random walk along it.
//!
//! ```sh
//! cargo run --release -p softmoe-replay --example own_environment
//! ```
//!
//! The example prints the number of updates until the values are known, with prioritized and with uniform replay. As in
//! the blind cliff walk of Schaul et al. (arXiv 1511.05952, section 3.1), almost every episode ends early and without
//! reward. Only a few transitions are informative, each once its successor's value is known, and they have the largest
//! errors. Prioritized replay needs little more than one pass over all transitions.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, ReplayError, Sampling};

/// At each cell half of the remaining walks end, so that one in 2,048 is rewarded.
const CELLS: usize = 11;
const DISCOUNT: f64 = 0.95;
const BATCH_SIZE: usize = 8;
const STEP_SIZE: f64 = 0.25;
/// Steps of the random walk.
const WALK: usize = 20_000;
/// Largest number of updates.
const MOST_UPDATES: u64 = 100_000;

/// Steps to the right lead to a reward of 1; with a step to the left the agent falls.
struct Ledge {
    cell: usize,
}

impl Ledge {
    /// The observation: one byte.
    fn frame(&self) -> [u8; 1] {
        [self.cell as u8]
    }

    /// Goes left (0) or right (1). Returns the reward, and whether the episode is over.
    fn step(&mut self, action: u8) -> (f32, EpisodeEnd) {
        self.cell += 1;
        match action {
            1 if self.cell == CELLS => (1.0, EpisodeEnd::Terminal),
            1 => (0.0, EpisodeEnd::Continues),
            _ => (0.0, EpisodeEnd::Terminal),
        }
    }
}

/// Value of both actions in every cell.
struct Table([[f64; 2]; CELLS]);

impl Table {
    fn values(&self, frame: u8) -> [f64; 2] {
        self.0[usize::from(frame)]
    }

    /// Learns from a batch, and returns the error of each transition.
    fn update(&mut self, batch: &Batch) -> Vec<f64> {
        let error_of = |(transition, &action): (usize, &u8)| {
            let [left, right] = self.values(batch.next_states[transition]);
            // DISCOUNT, or 0 after the end of an episode.
            let discount = f64::from(batch.discounts[transition]);
            let target = f64::from(batch.rewards[transition]) + discount * left.max(right);
            target - self.values(batch.states[transition])[usize::from(action)]
        };
        let errors: Vec<f64> = batch.actions.iter().enumerate().map(error_of).collect();
        // This environment is deterministic, so that frequent draws do not bias the values. Otherwise, weight the errors by
        // `batch.probabilities` (section 3.4 of the paper).
        for (transition, error) in errors.iter().enumerate() {
            let (cell, action) = (batch.states[transition], batch.actions[transition]);
            self.0[usize::from(cell)][usize::from(action)] += STEP_SIZE * error;
        }
        errors
    }

    /// Whether the values of going right are correct to a hundredth: a reward of 1, discounted by the distance.
    fn knows_the_way(&self) -> bool {
        let steps = (0..CELLS as i32).rev();
        self.0.iter().zip(steps).all(|([_, right], steps)| (right - DISCOUNT.powi(steps)).abs() < 0.01)
    }
}

/// Updates until the values are known; `None` if they never are.
fn learn(sampling: Sampling, seed: u64) -> Result<Option<u64>, ReplayError> {
    let layout =
        Layout { capacity: WALK, frame_len: 1, channels: 1, stack: 1, n_step: 1, discount: DISCOUNT };
    let mut replay = Replay::new(layout, sampling)?;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);

    let mut ledge = Ledge { cell: 0 };
    for _ in 0..WALK {
        let frame = ledge.frame();
        let action = rng.random_range(0..2);
        let (reward, end) = ledge.step(action);
        replay.push(&frame, action, reward, end);
        if end != EpisodeEnd::Continues {
            ledge = Ledge { cell: 0 };
        }
    }

    let mut batch = Batch::new(BATCH_SIZE, &layout);
    let mut table = Table([[0.0; 2]; CELLS]);
    for update in 1..=MOST_UPDATES {
        replay.sample(&mut rng, &mut batch)?;
        // Never zero, so that every transition stays likely.
        let priorities: Vec<f64> = table.update(&batch).iter().map(|error| error.abs() + 1e-5).collect();
        replay.update_priorities(&batch.ids, &priorities)?;
        if table.knows_the_way() {
            return Ok(Some(update));
        }
    }
    Ok(None)
}

fn main() -> Result<(), ReplayError> {
    println!("updates of {BATCH_SIZE} transitions until the way along {CELLS} cells is known:");
    println!("seed  prioritized  uniform");
    for seed in 0..5 {
        let updates = |sampling| -> Result<String, ReplayError> {
            Ok(learn(sampling, seed)?.map_or("never".into(), |updates| updates.to_string()))
        };
        let prioritized = updates(Sampling::Prioritized)?;
        println!("{seed:>4}  {prioritized:>11}  {:>7}", updates(Sampling::Uniform)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_found_and_sooner_with_priorities() {
        for seed in 0..3 {
            let prioritized = learn(Sampling::Prioritized, seed).unwrap().unwrap();
            let uniform = learn(Sampling::Uniform, seed).unwrap().unwrap();
            assert!(prioritized < uniform, "seed {seed}: {prioritized} and {uniform} updates");
        }
    }
}
