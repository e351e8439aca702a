//! Signals that ask a program to stop or to save.
//!
//! One stop often arrives as several signals. A closed terminal sends SIGHUP, and so does its shell; schedulers send SIGTERM to every
//! process of a job; `timeout` sends its signal to the program and then to the program's process group. So SIGTERM and SIGHUP mean the
//! same however often they come. Only a person who presses Ctrl-C again asks for more.
//!
//! A signal that was ignored when the program started stays ignored: SIGHUP under `nohup`, SIGINT in the background of a script.

use std::io;
use std::time::{Duration, Instant};

/// A request to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Stop at a checkpoint: SIGTERM or SIGHUP.
    Terminate,
    /// Ctrl-C (SIGINT), pressed for the n-th time, counted from 1.
    Interrupt(usize),
    /// Save a checkpoint and continue: SIGUSR1 or SIGUSR2, by which schedulers announce the end of a job's time.
    Save,
}

/// Time within which several SIGINT are one press of Ctrl-C. A person who presses again has read what the first one did.
pub const ONE_PRESS: Duration = Duration::from_millis(500);

/// Counter of the times that Ctrl-C was pressed.
#[derive(Debug, Default)]
struct Presses {
    number: usize,
    last: Option<Instant>,
}

impl Presses {
    /// The number of presses with a SIGINT `now`, or `None` if it belongs to the last press.
    fn count(&mut self, now: Instant) -> Option<usize> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < ONE_PRESS) {
            return None;
        }
        self.last = Some(now);
        self.number += 1;
        Some(self.number)
    }
}

/// Calls `react` with each request from now on, on a thread of its own.
///
/// A file that would grow beyond the limit of file sizes (`ulimit -f`, SIGXFSZ) is then an error of its write instead of the end of
/// the process.
///
/// # Errors
///
/// If the system refuses the handlers or the thread.
#[cfg(unix)]
pub fn listen(mut react: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
    let ignored = ignored();
    let heeded = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
    let all = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ];
    let mut signals = signal_hook::iterator::Signals::new(all.iter().filter(|signal| heeded(signal)))?;
    let mut presses = Presses::default();
    let hear = move || {
        for signal in signals.forever() {
            match signal {
                SIGTERM | SIGHUP => react(Request::Terminate),
                SIGUSR1 | SIGUSR2 => react(Request::Save),
                SIGINT => {
                    if let Some(number) = presses.count(Instant::now()) {
                        react(Request::Interrupt(number));
                    }
                }
                _ => {}
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(hear).map(drop)
}

/// Calls `react` with each request from now on, on a thread of its own.
///
/// # Errors
///
/// If the system refuses the handler or the thread.
#[cfg(not(unix))]
pub fn listen(mut react: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
    let mut presses = Presses::default();
    let hear = move || {
        if let Some(number) = presses.count(Instant::now()) {
            react(Request::Interrupt(number));
        }
    };
    ctrlc::set_handler(hear).map_err(io::Error::other)
}

/// The signals that were ignored when the program started, a bit each. Other systems than Linux do not tell: then none.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_of_one_stop_are_one_press() {
        let (start, mut presses) = (Instant::now(), Presses::default());
        let mut after = |milliseconds| presses.count(start + Duration::from_millis(milliseconds));
        assert_eq!([after(0), after(1), after(400)], [Some(1), None, None]);
        assert_eq!([after(700), after(900), after(1_300)], [Some(2), None, Some(3)]);
    }
}
