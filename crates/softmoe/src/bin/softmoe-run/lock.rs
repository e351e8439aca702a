//! The lock on a run's directory, and the end of a worker that has lost it.

use softmoe_config::{Phase, RunDirectory};
use softmoe_runner::lock::{LockError, Pace, RunLock};
use softmoe_runner::{Monitor, Progress};
use std::time::Duration;

/// Keeps a second worker away from the run; while another has it, waits for `patience` or until `goes_on` is false.
pub(crate) fn lock(
    directory: &RunDirectory,
    patience: Duration,
    goes_on: impl FnMut() -> bool,
) -> Result<RunLock, LockError> {
    RunLock::acquire(directory, Pace::default(), patience, goes_on)
}

/// A monitor that ends the process, without a checkpoint, once another worker has taken over the run.
pub(crate) struct Guarded<'a, M> {
    pub(crate) monitor: &'a mut M,
    pub(crate) lock: &'a RunLock,
    pub(crate) directory: &'a RunDirectory,
}

impl<M: Monitor> Guarded<'_, M> {
    fn end(&mut self) -> ! {
        let directory = self.directory.path().display();
        // Who removes the directory removes the lease before it is gone, and leaves none of another worker.
        let reason = if self.directory.leases().is_empty() {
            format!(
                "cannot write {directory}: it was removed or moved while the run was going; put it back, or plan the run anew"
            )
        } else {
            format!(
                "this worker was silent for so long that another one has taken over the run in {directory}; it ends without a checkpoint"
            )
        };
        self.monitor.warn(&reason);
        std::process::exit(1)
    }
}

impl<M: Monitor> Monitor for Guarded<'_, M> {
    fn report(&mut self, progress: &Progress) {
        // Before files of the run are written.
        if progress.phase != Phase::Train && !self.lock.check() {
            self.end();
        }
        self.monitor.report(progress);
    }

    fn warn(&mut self, message: &str) {
        self.monitor.warn(message);
    }

    fn keep_going(&mut self) -> bool {
        if self.lock.is_lost() {
            self.end();
        }
        self.monitor.keep_going()
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.monitor.wants_checkpoint()
    }
}
