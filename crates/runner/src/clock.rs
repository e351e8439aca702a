//! The clock for the timing of runs.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time since the first call in this process.
pub(crate) fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
