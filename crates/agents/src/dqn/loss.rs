//! DQN's target and losses (Mnih et al. 2015, doi 10.1038/nature14236), as pure functions.
//!
//! Names tell the time: `_tm1` belongs to the state that the action was taken in, `_t` to the one n steps later.

/// The action of the largest value; of equals, the lowest.
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
/// The target network's own values say which action that is; in double Q-learning (van Hasselt et al. 2016, arXiv
/// 1509.06461, equation 4) the online network's do. `discount_t` is gamma^n, or 0 at a terminal.
pub fn target(q_target_t: f32, r_t: f32, discount_t: f32) -> f32 {
    r_t + discount_t * q_target_t
}

/// The squared error of one transition, (target - q_tm1)^2, and its derivative by q_tm1.
pub fn squared_error(target: f32, q_tm1: f32) -> (f32, f32) {
    let error = target - q_tm1;
    (error * error, -2.0 * error)
}

/// The Huber loss of one transition and its derivative by q_tm1: half the square of errors of at most 1, whose
/// derivative is clipped beyond (Mnih et al. 2015, methods).
pub fn huber(target: f32, q_tm1: f32) -> (f32, f32) {
    let error = target - q_tm1;
    let loss = if error.abs() <= 1.0 { 0.5 * error * error } else { error.abs() - 0.5 };
    (loss, -error.clamp(-1.0, 1.0))
}
