//! The lock of a run: by `flock`, and by the lease where that does not reach.

use softmoe_config::lease::Machine;
use softmoe_config::{Lease, RunDirectory};
use softmoe_runner::lock::{LockError, Pace, RunLock};
use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// Fast heartbeats, and none of the host's load makes them missed.
const PACE: Pace = Pace { beat: Duration::from_millis(20), silent_after: Duration::from_secs(60) };

/// Longer than the ticks of the clock that dates files, which is behind the other one by up to one.
const TICK: Duration = Duration::from_millis(100);

fn directory() -> (tempfile::TempDir, RunDirectory) {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::new(root.path());
    (root, run)
}

fn acquire(run: &RunDirectory) -> Result<RunLock, LockError> {
    RunLock::acquire(run, PACE, Duration::ZERO, || true)
}

/// Acquires a lock as on a file system where `flock` does not reach: each worker has a file of its own.
fn acquire_without_flock(run: &RunDirectory) -> Result<RunLock, LockError> {
    let _ = fs::remove_file(run.lock());
    acquire(run)
}

/// Leaves the lease of `lease`'s process, with its last heartbeat at `modified`.
fn leave(run: &RunDirectory, generation: u64, lease: &Lease, modified: SystemTime) {
    let path = run.lease(generation);
    fs::write(&path, lease.text().unwrap()).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

fn elsewhere() -> Lease {
    let machine = Machine { boot: "other".into(), namespace: "pid:[1]".into(), ticks: 1 };
    let (host, job) = ("node-7".into(), Some("12_3".into()));
    Lease { host, process: std::process::id(), machine: Some(machine), job, started: 0, beat: 0 }
}

#[test]
fn the_second_worker_is_refused_with_and_without_flock() {
    let (_root, run) = directory();
    let lock = acquire(&run).unwrap();
    for refused in [acquire(&run), acquire_without_flock(&run)] {
        let message = refused.unwrap_err().to_string();
        let this = format!(": process {} on ", std::process::id());
        assert!(message.contains("another worker trains the run in") && message.contains(&this), "{message}");
    }
    assert!(lock.check());
    drop(lock);
    assert_eq!(run.leases(), []);
    drop(acquire(&run).unwrap());
}

#[test]
fn the_lease_names_its_holder_and_beats() {
    let (_root, run) = directory();
    let lock = acquire(&run).unwrap();
    let beat = || run.holder().unwrap().lease.unwrap().beat;
    let started = Instant::now();
    while beat() < 2 {
        assert!(started.elapsed() < Duration::from_secs(60), "no heartbeat");
        std::thread::sleep(Duration::from_millis(5));
    }
    let holder = run.holder().unwrap();
    assert_eq!((holder.generation, holder.lease.unwrap().process), (1, std::process::id()));
    assert!(!lock.is_lost());
}

#[cfg(target_os = "linux")]
#[test]
fn the_lease_of_a_process_that_was_killed_here_is_taken_over_at_once() {
    let (_root, run) = directory();
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let lease = Lease { process: child.id(), machine: Machine::of(child.id()), ..elsewhere() };
    leave(&run, 4, &lease, SystemTime::now());
    assert!(matches!(acquire(&run), Err(LockError::Held { holder: Some(_), .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = acquire(&run).unwrap();
    assert_eq!(run.leases().iter().map(|found| found.generation).collect::<Vec<_>>(), [5]);
    drop(lock);
    assert_eq!(run.leases(), []);
}

#[test]
fn the_lease_of_another_host_counts_until_its_heartbeats_are_missed() {
    let (_root, run) = directory();
    let now = SystemTime::now();
    leave(&run, 1, &elsewhere(), now - PACE.silent_after / 2);
    let message = acquire(&run).unwrap_err().to_string();
    assert!(message.contains("on node-7 (job 12_3), last heartbeat 3"), "{message}");
    leave(&run, 1, &elsewhere(), now - PACE.silent_after - TICK);
    let lock = acquire(&run).unwrap();
    assert!(lock.check());
    // A file that cannot be read is of somebody who writes it just now, or long ago did.
    drop(lock);
    fs::write(run.lease(1), "(host: ").unwrap();
    assert!(matches!(acquire(&run), Err(LockError::Held { .. })));
}

#[test]
fn a_lease_with_a_future_date_and_no_heartbeat_is_taken_over() {
    let (_root, run) = directory();
    leave(&run, 1, &elsewhere(), SystemTime::now() + Duration::from_secs(86_400));
    let pace = Pace { silent_after: Duration::from_millis(200), ..PACE };
    assert!(RunLock::acquire(&run, pace, Duration::ZERO, || true).is_err());
    // It waits no longer than it is asked to, and for a heartbeat no longer than `silent_after`.
    assert!(RunLock::acquire(&run, pace, Duration::from_secs(60), || false).is_err());
    RunLock::acquire(&run, pace, Duration::from_secs(60), || true).unwrap();
}

#[test]
fn a_worker_that_slept_finds_that_it_has_lost_the_run() {
    let (_root, run) = directory();
    let pace = Pace { beat: Duration::from_secs(3_600), ..PACE };
    let slept = RunLock::acquire(&run, pace, Duration::ZERO, || true).unwrap();
    // The next worker is on another host, for which this process does not exist.
    leave(&run, 1, &elsewhere(), SystemTime::now() - PACE.silent_after - TICK);
    let next = acquire_without_flock(&run).unwrap();
    assert!(!slept.is_lost() && !slept.check() && slept.is_lost());
    drop(slept);
    assert!(next.check(), "what the other leaves is not removed");
}

#[test]
fn a_heartbeat_finds_that_the_run_was_taken_over() {
    let (_root, run) = directory();
    let slept = acquire(&run).unwrap();
    leave(&run, 2, &elsewhere(), SystemTime::now());
    let started = Instant::now();
    while !slept.is_lost() {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody notices");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(slept);
    assert_eq!(run.leases().iter().map(|found| found.generation).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn of_many_that_take_over_a_stale_lease_one_succeeds() {
    let (_root, run) = directory();
    leave(&run, 1, &elsewhere(), SystemTime::now() - PACE.silent_after - TICK);
    let locks: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| acquire_without_flock(&run).ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(locks.into_iter().flatten().count(), 1);
}
