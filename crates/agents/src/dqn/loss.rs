//! DQN's target and losses (Mnih et al. 2015, doi 10.1038/nature14236), as pure functions.
//!
//! Suffixes give the time: `_tm1` belongs to the state in which the action was taken, `_t` to the state n steps later.

/// The action with the largest value; of equal values, the lowest action.
pub fn greedy(q_values: &[f32]) -> usize {
    let mut best = 0;
    for (action, q) in q_values.iter().enumerate() {
        if *q > q_values[best] {
            best = action;
        }
    }
    best
}

/// The target of Q-learning, r_t + discount_t q_target_t, where `q_target_t` is the target network's value of the next
/// state's greedy action.
///
/// The target network chooses that action; in double Q-learning (van Hasselt et al. 2016, arXiv 1509.06461, equation 4)
/// the online network does. `discount_t` is gamma^n, or 0 at a terminal.
pub fn target(q_target_t: f32, r_t: f32, discount_t: f32) -> f32 {
    r_t + discount_t * q_target_t
}

/// The squared error of one transition, (target - q_tm1)^2, and its derivative by q_tm1.
pub fn squared_error(target: f32, q_tm1: f32) -> (f32, f32) {
    let error = target - q_tm1;
    (error * error, -2.0 * error)
}

/// The Huber loss of one transition and its derivative by q_tm1: half the squared error up to an error of 1, linear
/// beyond, which clips the derivative (Mnih et al. 2015, methods).
pub fn huber(target: f32, q_tm1: f32) -> (f32, f32) {
    let error = target - q_tm1;
    let loss = if error.abs() <= 1.0 { 0.5 * error * error } else { error.abs() - 0.5 };
    (loss, -error.clamp(-1.0, 1.0))
}
