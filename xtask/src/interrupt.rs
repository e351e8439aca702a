//! Ctrl-C: the first asks the workers to stop at a checkpoint, the second ends them at once.

use anyhow::{Context, Result};
use softmoe_config::protocol::INTERRUPTED;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

/// Counts the signals that ask to stop (Ctrl-C, termination, a closed terminal) from now on; once is enough.
pub(crate) fn install() -> Result<()> {
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    if IS_INSTALLED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    ctrlc::set_handler(|| {
        // The third signal always ends this process.
        if SIGNALS.fetch_add(1, Ordering::SeqCst) >= 2 {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot watch for Ctrl-C")
}

/// Number of signals so far.
pub(crate) fn signals() -> usize {
    SIGNALS.load(Ordering::SeqCst)
}

/// Asks a worker to stop at a checkpoint.
///
/// Workers are in process groups of their own. A Ctrl-C in the terminal reaches only the runner, so that each worker is
/// asked exactly once.
#[cfg(unix)]
pub(crate) fn pass_on(worker: &Child) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    if let Ok(id) = i32::try_from(worker.id()) {
        // The worker may have just ended by itself.
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
}

/// The console has passed the signal on itself.
#[cfg(not(unix))]
pub(crate) fn pass_on(_worker: &Child) {}
