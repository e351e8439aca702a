//! The clock that runs are timed by.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time since this process first asked.
pub(crate) fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
