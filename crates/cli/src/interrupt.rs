//! Signals to the runner, which passes them on to the workers.
//!
//! Workers are in process groups of their own. A Ctrl-C in the terminal reaches only the runner; a scheduler may send its signals to the
//! workers too, which does no harm.

use anyhow::{Context, Result};
use softmoe_config::protocol::INTERRUPTED;
use softmoe_console::signals::{self, ONE_PRESS, Request};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

static TERMINATED: AtomicBool = AtomicBool::new(false);
static PRESSES: AtomicUsize = AtomicUsize::new(0);
static SAVES: AtomicUsize = AtomicUsize::new(0);

/// Presses of Ctrl-C that end this process, whatever its workers do.
const AT_ALL_COSTS: usize = 3;

/// Listens for signals from now on; once is enough.
pub(crate) fn install() -> Result<()> {
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    if IS_INSTALLED.swap(true, SeqCst) {
        return Ok(());
    }
    let react = |request| match request {
        Request::Terminate => TERMINATED.store(true, SeqCst),
        Request::Save => drop(SAVES.fetch_add(1, SeqCst)),
        Request::Interrupt(presses) => {
            PRESSES.store(presses, SeqCst);
            if presses > AT_ALL_COSTS {
                std::process::exit(INTERRUPTED.into());
            }
        }
    };
    signals::listen(react).context("cannot listen for signals")
}

/// Whether a signal has asked to stop.
pub(crate) fn is_asked() -> bool {
    TERMINATED.load(SeqCst) || PRESSES.load(SeqCst) > 0
}

/// The signals that workers have been sent.
#[derive(Default)]
pub(crate) struct PassedOn {
    terminated: bool,
    presses: usize,
    pressed: Option<Instant>,
    saves: usize,
}

impl PassedOn {
    /// Passes on to `workers` whatever has arrived since the last call. The third Ctrl-C kills them. With each worker comes whether it
    /// listens for signals already: before that, it would be killed by a request to save.
    pub(crate) fn pass_on<'a>(&mut self, workers: impl Iterator<Item = (&'a mut Child, bool)>) {
        let terminate = TERMINATED.load(SeqCst) && !self.terminated;
        let save = SAVES.load(SeqCst) > self.saves;
        // A worker that hears two presses too soon after each other takes them for one.
        let is_apart = self.pressed.is_none_or(|pressed| pressed.elapsed() > 2 * ONE_PRESS);
        let press = PRESSES.load(SeqCst) > self.presses && is_apart;
        if !(terminate || save || press) {
            return;
        }
        let kill = press && PRESSES.load(SeqCst) >= AT_ALL_COSTS;
        for (worker, listens) in workers {
            if kill {
                let _ = worker.kill();
                continue;
            }
            let save = save && listens;
            send(
                worker,
                [(save, Request::Save), (terminate, Request::Terminate), (press, Request::Interrupt(1))],
            );
        }
        self.terminated |= terminate;
        self.saves = SAVES.load(SeqCst);
        if press {
            self.pressed = Some(Instant::now());
            self.presses = if kill { AT_ALL_COSTS } else { self.presses + 1 };
        }
    }
}

/// Sends a worker the signals of the requests that are `true`.
#[cfg(unix)]
fn send(worker: &Child, requests: [(bool, Request); 3]) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let Ok(id) = i32::try_from(worker.id()) else { return };
    for (_, request) in requests.into_iter().filter(|(is_new, _)| *is_new) {
        let signal = match request {
            Request::Terminate => Signal::SIGTERM,
            Request::Interrupt(_) => Signal::SIGINT,
            Request::Save => Signal::SIGUSR1,
        };
        // The worker may have just ended by itself.
        let _ = kill(Pid::from_raw(id), signal);
    }
}

/// The console has passed the signal on itself.
#[cfg(not(unix))]
fn send(_worker: &Child, _requests: [(bool, Request); 3]) {}

/// Whether a process ended by a signal that asks to stop, before it listened for signals, or because it was killed after `presses`.
#[cfg(unix)]
pub(crate) fn has_obeyed(status: ExitStatus) -> bool {
    use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let killed = PRESSES.load(SeqCst) >= AT_ALL_COSTS && signal == Some(SIGKILL as i32);
    killed || [SIGHUP, SIGINT, SIGTERM].iter().any(|obeyed| signal == Some(*obeyed as i32))
}

/// Whether a process ended by a signal that asks to stop.
#[cfg(not(unix))]
pub(crate) fn has_obeyed(status: ExitStatus) -> bool {
    status.code().is_none()
}
