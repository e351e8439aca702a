//! The lock of a run: keeps a second worker away, on this host by `flock`, on others by a lease.
//!
//! [`softmoe_config::lease`] describes the lease. A worker that was silent for longer than
//! [`SILENT_AFTER`], e.g. because its host was suspended, loses its lease to the next one. It
//! notices at its next heartbeat or [`RunLock::check`], and must end without writing.

use softmoe_config::file::TEMPORARY_PREFIX;
use softmoe_config::lease::{BEAT, Machine, SILENT_AFTER};
use softmoe_config::{FoundLease, Lease, RunDirectory};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// An error of locking a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another worker trains the run.
    #[error(
        "another worker trains the run in {}{}; wait for it, or stop it", directory.display(),
        holder.as_ref().map(|found| described(found)).unwrap_or_default()
    )]
    Held {
        /// The directory of the run.
        directory: PathBuf,
        /// The lease of the other worker, if it has one.
        holder: Option<Box<FoundLease>>,
    },
    /// A file of the lock cannot be written.
    #[error("cannot write {}; {}", path.display(), remedy(source))]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The thread of the heartbeats cannot be started.
    #[error(
        "cannot start the thread of the lease's heartbeats; allow this user more processes (`ulimit -u`)"
    )]
    Thread(#[source] io::Error),
}

/// What helps against an error of writing a file of the lock.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::FileTooLarge => "raise the limit of file sizes (`ulimit -f`)",
        _ => {
            "the run's results go into that directory: make it writable, or run elsewhere (`cargo xtask reproduce --out DIR`)"
        }
    }
}

/// The holder in words.
fn described(found: &FoundLease) -> String {
    let seconds = found.age(SystemTime::now()).as_secs();
    match &found.lease {
        Some(lease) => format!(": {lease}, last heartbeat {seconds} s ago"),
        None => format!(": {}, last heartbeat {seconds} s ago", found.path.display()),
    }
}

/// Times of the heartbeats.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two heartbeats.
    pub beat: Duration,
    /// Time without a heartbeat after which the holder counts as gone.
    pub silent_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { beat: BEAT, silent_after: SILENT_AFTER }
    }
}

/// The lock of a run, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    directory: RunDirectory,
    generation: u64,
    lost: Arc<AtomicBool>,
    /// Ends the heartbeats when it is dropped.
    stop: Option<Sender<()>>,
    heartbeats: Option<JoinHandle<()>>,
    /// Holds `flock`, where that works. Released last.
    _file: File,
}

impl RunLock {
    /// Locks the run in `directory`. While another worker has it, tries again until `patience` is over or `goes_on` is false.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another worker still trains the run.
    pub fn acquire(
        directory: &RunDirectory,
        pace: Pace,
        patience: Duration,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<RunLock, LockError> {
        let started = Instant::now();
        let mut watch = Watch { pace, seen: BTreeMap::new() };
        loop {
            match watch.attempt(directory) {
                Err(LockError::Held { .. }) if started.elapsed() < patience && goes_on() => {
                    std::thread::sleep(Duration::from_secs(2).min(pace.beat / 2));
                }
                result => return result,
            }
        }
    }

    /// Whether another worker has taken over the run, as far as the heartbeats know. Then nothing may be written any more.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the run still belongs to this worker; looks at the files. To be asked before anything is overwritten.
    pub fn check(&self) -> bool {
        if !is_held(&self.directory, self.generation) {
            self.lost.store(true, Ordering::Relaxed);
        }
        !self.is_lost()
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.heartbeats.take() {
            let _ = thread.join();
        }
        if !self.is_lost() {
            // What stays behind is seen to be of a process that has ended, or falls silent.
            let _ = fs::remove_file(self.directory.lease(self.generation));
        }
    }
}

/// Whether the lease of that generation is there, and no later one. A directory that is gone takes nothing over.
fn is_held(directory: &RunDirectory, generation: u64) -> bool {
    let is_there = |path: PathBuf| path.symlink_metadata().is_ok();
    !is_there(directory.lease(generation + 1))
        && (is_there(directory.lease(generation)) || !directory.path().exists())
}

/// Attempts to lock a run, and the heartbeats that were seen on the way.
struct Watch {
    pace: Pace,
    /// The last heartbeat of each lease, and when it was first seen, by this process's own clock.
    seen: BTreeMap<PathBuf, (Option<u64>, Instant)>,
}

impl Watch {
    fn attempt(&mut self, directory: &RunDirectory) -> Result<RunLock, LockError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LockError::File { path, source }
        };
        let held = |holder: Option<FoundLease>| LockError::Held {
            directory: directory.path().to_owned(),
            holder: holder.map(Box::new),
        };
        // FLOCK
        let path = directory.lock();
        let file = File::create(&path).map_err(failed(&path))?;
        let flock = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(held(directory.leases().pop())),
            // The file system does not have it.
            Err(TryLockError::Error(_)) => false,
        };
        // LEASE
        let mut temporary = temporary_in(directory.path()).map_err(failed(directory.path()))?;
        let now = temporary.as_file().metadata().and_then(|metadata| metadata.modified());
        let now = now.map_err(failed(temporary.path()))?;
        let before = directory.leases();
        if let Some(alive) = before.iter().find(|found| self.is_alive(found, now, flock)) {
            return Err(held(Some(alive.clone())));
        }
        let generation = before.last().map_or(1, |newest| newest.generation + 1);
        let lease = directory.lease(generation);
        if !create(&mut temporary, &lease).map_err(failed(&lease))? {
            return Err(held(directory.leases().pop()));
        }
        // Somebody who found another state of the directory may have taken another generation: then both give way.
        let is_other = |found: &FoundLease| {
            found.generation != generation && !before.iter().any(|old| old.path == found.path)
        };
        if let Some(other) = directory.leases().into_iter().find(is_other) {
            let _ = fs::remove_file(&lease);
            return Err(held(Some(other)));
        }
        for old in before {
            let _ = fs::remove_file(old.path);
        }
        self.hold(directory, generation, file)
    }

    fn hold(&self, directory: &RunDirectory, generation: u64, file: File) -> Result<RunLock, LockError> {
        let lost = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = mpsc::channel();
        let heart =
            Heart { directory: directory.clone(), generation, lost: Arc::clone(&lost), beat: self.pace.beat };
        let thread = std::thread::Builder::new().name("heartbeats".into());
        let heartbeats = thread.spawn(move || heart.beat(&stopped));
        let mut lock = RunLock {
            directory: directory.clone(),
            generation,
            lost,
            stop: Some(stop),
            heartbeats: None,
            _file: file,
        };
        lock.heartbeats = Some(heartbeats.map_err(LockError::Thread)?);
        Ok(lock)
    }

    /// Whether the holder of a lease lives; `flock` tells whether this process has that lock. Where clocks cannot be trusted, a heartbeat
    /// that does not change for long enough decides.
    fn is_alive(&mut self, found: &FoundLease, now: SystemTime, flock: bool) -> bool {
        let lease = found.lease.as_ref();
        let runs_here = lease.and_then(Lease::runs_here);
        if flock && runs_here.is_none() && lease.is_some_and(|lease| lease.is_of_this_system(&host())) {
            // A holder that lives on this system, in another container, would have kept `flock`.
            return false;
        }
        let beat = lease.map(|lease| lease.beat);
        let seen = self.seen.entry(found.path.clone()).or_insert((beat, Instant::now()));
        if seen.0 != beat {
            *seen = (beat, Instant::now());
        }
        let is_silent = seen.1.elapsed() >= self.pace.silent_after;
        found.is_alive(now, self.pace.silent_after) && (runs_here == Some(true) || !is_silent)
    }
}

/// An empty temporary file that others may read as any new file.
fn temporary_in(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Gives the empty file `temporary` the text of a lease, and the name `lease` too, unless that exists; whether it did so.
fn create(temporary: &mut tempfile::NamedTempFile, lease: &Path) -> io::Result<bool> {
    let text = own_lease(0).text()?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    match fs::hard_link(temporary.path(), lease) {
        Ok(()) => Ok(true),
        // Somebody else has the name, or has the lock already and has cleaned up.
        Err(error) if [io::ErrorKind::AlreadyExists, io::ErrorKind::NotFound].contains(&error.kind()) => {
            Ok(false)
        }
        // A file system without hard links: the name is taken first, and the text written after it.
        Err(_) => match OpenOptions::new().write(true).create_new(true).open(lease) {
            Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Rewrites the lease from time to time.
struct Heart {
    directory: RunDirectory,
    generation: u64,
    lost: Arc<AtomicBool>,
    beat: Duration,
}

impl Heart {
    fn beat(&self, stopped: &mpsc::Receiver<()>) {
        let mut lease = own_lease(0);
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(self.beat) {
            if !is_held(&self.directory, self.generation) {
                self.lost.store(true, Ordering::Relaxed);
                return;
            }
            lease.beat += 1;
            // In place, by one write of the same length: a reader finds the old text or the new one. A missed heartbeat is no fault.
            let written = OpenOptions::new().write(true).open(self.directory.lease(self.generation));
            let _ = written.and_then(|mut file| file.write_all(lease.text()?.as_bytes()));
        }
    }
}

/// The lease of this process.
fn own_lease(beat: u64) -> Lease {
    let process = std::process::id();
    Lease {
        host: host(),
        process,
        machine: Machine::of(process),
        job: job(),
        started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        beat,
    }
}

/// The job of SLURM that this process belongs to, e.g. `1234_5` for a task of an array.
fn job() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let of_array =
        || Some(format!("{}_{}", variable("SLURM_ARRAY_JOB_ID")?, variable("SLURM_ARRAY_TASK_ID")?));
    of_array().or_else(|| variable("SLURM_JOB_ID"))
}

/// The name of this host.
fn host() -> String {
    sysinfo::System::host_name().unwrap_or_else(|_| "unknown".into())
}
