//! How many kernels devices were given: the lines of the log that cubecl keeps of them.

use cubecl::config::profiling::ProfilingLogLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The log is written by a thread of its own: two looks at it, so far apart, tell whether that is done.
const LOOK: Duration = Duration::from_millis(200);

/// The kernels that this process launches on graphics cards, logged in a file. Each takes longer then: it is for counts,
/// not for times.
#[derive(Debug)]
pub struct Launches {
    file: PathBuf,
}

impl Launches {
    /// Logs them in `file` from now on.
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

    /// How many so far. To be asked when the device has been waited for.
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
