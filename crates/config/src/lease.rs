//! The lease of a run: which process on which host trains it.
//!
//! `flock` keeps a second worker away where it works, but on network file systems it may not reach other hosts. A worker therefore also
//! holds a lease: a small file in the run's directory, `lease-<generation>`, which it rewrites every [`BEAT`] while it lives. To take
//! over a lease, a worker creates the next generation, which only one can do; it never removes a file that somebody else may hold.
//!
//! Ages compare two timestamps of the same file system, so the clocks of the hosts do not matter to a worker. A reader that must not
//! write compares with its own clock instead.

use crate::{RunDirectory, file};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time between two heartbeats.
pub const BEAT: Duration = Duration::from_secs(30);

/// Time without a heartbeat after which the holder counts as gone: five missed ones.
pub const SILENT_AFTER: Duration = Duration::from_secs(150);

const PREFIX: &str = "lease-";

/// The holder of a run, as the file of the lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Name of the host.
    pub host: String,
    /// Number of the process.
    pub process: u32,
    /// The running system that `process` belongs to; none where the system does not tell.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// The scheduler's name of the job, e.g. `1234_5`.
    #[serde(default)]
    pub job: Option<String>,
    /// Start of the process in seconds since 1970, by the host's clock.
    pub started: u64,
    /// Heartbeats so far.
    pub beat: u64,
}

/// A process of a running system, so that a reader on the same one can tell whether the process still exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Identifier of the system's start; another after each boot.
    pub boot: String,
    /// The namespace of process numbers, which differs between containers.
    pub namespace: String,
    /// Start of the process in ticks since boot: a later process of the same number has another.
    pub ticks: u64,
}

impl Machine {
    /// The machine and the start of the process with that number on it; none if the process has ended, or where the system does not
    /// tell.
    pub fn of(process: u32) -> Option<Machine> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name of the program, in parentheses, may have spaces. After it come the state and, as the twentieth field, the start
        // (proc(5)).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let has_ended = ["Z", "X"].contains(fields.first()?);
        let ticks = fields.get(19)?.parse().ok()?;
        (!has_ended).then_some(Machine { boot, namespace, ticks })
    }

    /// Whether `other` is of the same running system.
    fn is_beside(&self, other: &Machine) -> bool {
        self.boot == other.boot && self.namespace == other.namespace
    }
}

/// Length of a lease's text without its end of line, so that a heartbeat covers the one before.
const LENGTH: usize = 511;

impl Lease {
    /// The text of the file: RON in one line, filled with spaces to a fixed length.
    ///
    /// # Errors
    ///
    /// None that is known: every lease can be written as RON.
    pub fn text(&self) -> io::Result<String> {
        let text = ron::to_string(self).map_err(io::Error::other)?;
        Ok(format!("{text:<LENGTH$}\n"))
    }

    /// Whether the holder's process runs on this very system; `None` if it belongs to another system, or nothing is known of it.
    pub fn runs_here(&self) -> Option<bool> {
        let machine = self.machine.as_ref()?;
        let here = Machine::of(std::process::id())?;
        here.is_beside(machine).then(|| Machine::of(self.process).as_ref() == Some(machine))
    }

    /// Whether the holder belongs to the running system of this process, in whatever container; `host` is this one's name, which
    /// decides where the system does not tell more.
    pub fn is_of_this_system(&self, host: &str) -> bool {
        match (&self.machine, Machine::of(std::process::id())) {
            (Some(machine), Some(here)) => machine.boot == here.boot,
            (None, None) => self.host == host,
            _ => false,
        }
    }
}

/// As in a message, e.g. `process 12 on node-7 (job 1234_5)`.
impl std::fmt::Display for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)?;
        self.job.as_ref().map_or(Ok(()), |job| write!(f, " (job {job})"))
    }
}

/// A lease found in a run's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLease {
    /// Its file.
    pub path: PathBuf,
    /// Its generation.
    pub generation: u64,
    /// Its content; none while it is being written, or if it cannot be read.
    pub lease: Option<Lease>,
    /// Its last heartbeat, by the clock of the file system.
    pub modified: SystemTime,
}

impl FoundLease {
    /// Whether the holder still lives at `now`, by the clock of the file system.
    pub fn is_alive(&self, now: SystemTime, silent_after: Duration) -> bool {
        match self.lease.as_ref().and_then(Lease::runs_here) {
            Some(runs) => runs,
            None => self.age(now) < silent_after,
        }
    }

    /// Time since the last heartbeat; none for one in the future.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.modified).unwrap_or_default()
    }
}

impl RunDirectory {
    /// The file of the lease of that generation.
    pub fn lease(&self, generation: u64) -> PathBuf {
        self.path().join(format!("{PREFIX}{generation}"))
    }

    /// The leases in the directory, the newest last. There are several only while one is taken over.
    pub fn leases(&self) -> Vec<FoundLease> {
        let entries = self.path().read_dir().into_iter().flatten().flatten();
        let generations = entries.filter_map(|entry| generation(entry.file_name().to_str()?));
        let mut generations: Vec<u64> = generations.collect();
        generations.sort_unstable();
        generations.into_iter().filter_map(|generation| read(self.lease(generation), generation)).collect()
    }

    /// The lease of the worker that trains the run now, judged by this host's clock; changes nothing.
    pub fn holder(&self) -> Option<FoundLease> {
        let newest = self.leases().pop()?;
        newest.is_alive(SystemTime::now(), SILENT_AFTER).then_some(newest)
    }
}

/// Generation of the lease with that file name.
fn generation(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// Reads a lease; none if it was given up in the meantime.
fn read(path: PathBuf, generation: u64) -> Option<FoundLease> {
    // Opened before its time is asked for: a network file system then asks its server.
    let mut file = File::open(&path).ok()?;
    let modified = file.metadata().ok()?.modified().ok()?;
    let mut text = String::new();
    let lease = file.read_to_string(&mut text).ok().and_then(|_| parse(&path, &text));
    Some(FoundLease { path, generation, lease, modified })
}

fn parse(path: &Path, text: &str) -> Option<Lease> {
    file::parse(path, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(machine: Option<Machine>, process: u32) -> Lease {
        Lease { host: "node-7".into(), process, machine, job: Some("12_3".into()), started: 0, beat: 0 }
    }

    fn found(lease: Option<Lease>, modified: SystemTime) -> FoundLease {
        FoundLease { path: "lease-1".into(), generation: 1, lease, modified }
    }

    #[test]
    fn a_holder_on_another_machine_lives_until_its_heartbeats_are_missed() {
        let now = SystemTime::now();
        let elsewhere = Machine { boot: "other".into(), namespace: "pid:[1]".into(), ticks: 1 };
        for machine in [None, Some(elsewhere)] {
            let at = |modified| found(Some(lease(machine.clone(), std::process::id())), modified);
            assert!(at(now - SILENT_AFTER + BEAT).is_alive(now, SILENT_AFTER));
            assert!(!at(now - SILENT_AFTER).is_alive(now, SILENT_AFTER));
            // A clock that was set back makes nobody dead.
            assert!(at(now + SILENT_AFTER).is_alive(now, SILENT_AFTER));
        }
        assert!(found(None, now).is_alive(now, SILENT_AFTER));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_holder_on_this_machine_lives_as_long_as_its_process() {
        let (now, this) = (SystemTime::now(), std::process::id());
        let machine = Machine::of(this).unwrap();
        let old = now - 10 * SILENT_AFTER;
        assert!(found(Some(lease(Some(machine.clone()), this)), old).is_alive(now, SILENT_AFTER));
        // Its number was given to another process.
        let reused = Machine { ticks: machine.ticks + 1, ..machine.clone() };
        assert!(!found(Some(lease(Some(reused), this)), now).is_alive(now, SILENT_AFTER));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let of_child = found(Some(lease(Machine::of(child.id()), child.id())), now);
        assert!(of_child.is_alive(now, SILENT_AFTER));
        child.kill().unwrap();
        // It has ended before anybody waits for it.
        let started = std::time::Instant::now();
        while of_child.is_alive(now, SILENT_AFTER) {
            assert!(started.elapsed() < Duration::from_secs(60), "the process does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert!(!of_child.is_alive(now, SILENT_AFTER));
    }

    #[test]
    fn the_newest_lease_is_the_holder() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::new(root.path());
        assert_eq!(run.holder(), None);
        for (name, text) in [("lease-9", "(host"), ("lease-10", ""), ("lease-x", ""), ("lease", "")] {
            fs::write(root.path().join(name), text).unwrap();
        }
        assert_eq!(run.leases().iter().map(|found| found.generation).collect::<Vec<_>>(), [9, 10]);
        let whole = lease(None, 12);
        fs::write(run.lease(11), whole.text().unwrap()).unwrap();
        assert_eq!(run.holder().unwrap().lease, Some(whole.clone()));
        assert_eq!(whole.to_string(), "process 12 on node-7 (job 12_3)");
    }
}
