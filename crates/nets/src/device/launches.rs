//! Count of kernel launches, from the lines of cubecl's log.

use cubecl::config::profiling::ProfilingLogLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Another thread writes the log. It is complete if two reads at this interval agree.
const LOOK: Duration = Duration::from_millis(200);

/// The log of the kernels that this process launches on graphics cards. Logging makes each launch slower: use it for
/// counts, not for times.
#[derive(Debug)]
pub struct Launches {
    file: PathBuf,
}

impl Launches {
    /// Starts a log in `file`.
    ///
    /// # Panics
    /// If this process has used such a device before.
    pub fn log_in(file: PathBuf) -> Self {
        let mut config = CubeClRuntimeConfig::default();
        config.profiling.logger.level = ProfilingLogLevel::Minimal;
        config.profiling.logger.file = Some(file.clone());
        CubeClRuntimeConfig::set(config);
        Launches { file }
    }

    /// Number of launches so far. Wait for the device first.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn so_far(&self) -> io::Result<u64> {
        let mut before = None;
        loop {
            let text = std::fs::read_to_string(&self.file)?;
            let lines = text.lines().filter(|line| line.starts_with("Executing ")).count();
            if before == Some(lines) {
                return Ok(lines as u64);
            }
            before = Some(lines);
            std::thread::sleep(LOOK);
        }
    }
}
