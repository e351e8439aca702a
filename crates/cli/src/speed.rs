//! Speed of this machine, in multiply-adds a second of one core, measured once for each build of the worker.

use crate::binaries;
use softmoe_config::RunConfig;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A slow machine (AVX2, 2.6 GHz), until the worker is built and can measure this one.
const USUAL: f64 = 25e9;

/// Speed of a core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    pub(crate) multiply_adds_per_second: f64,
    /// Whether it is this machine's.
    pub(crate) is_measured: bool,
}

impl Speed {
    /// The measured speed, or a usual one. Takes a second after the worker was built; the result is kept beside it.
    pub(crate) fn of_this_machine() -> Speed {
        let measured = binaries::built_worker().and_then(|worker| kept(&worker).or_else(|| measure(&worker)));
        Speed { multiply_adds_per_second: measured.unwrap_or(USUAL), is_measured: measured.is_some() }
    }

    /// Seconds of an agent step of `config` on one core; `None` for a network whose cost is not known.
    pub(crate) fn seconds_a_step(self, config: &RunConfig) -> Option<f64> {
        Some(config.multiply_adds_a_step()? / self.multiply_adds_per_second)
    }
}

/// The file that keeps the speed that `worker` measured.
fn keep(worker: &Path) -> PathBuf {
    worker.with_extension("speed")
}

fn kept(worker: &Path) -> Option<f64> {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let is_newer = modified(&keep(worker))? > modified(worker)?;
    let speed: f64 = fs::read_to_string(keep(worker)).ok()?.trim().parse().ok()?;
    (is_newer && is_a_speed(speed)).then_some(speed)
}

fn measure(worker: &Path) -> Option<f64> {
    let mut command = Command::new(worker);
    command.arg("calibrate").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let speed: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    // Where it cannot be kept, it is measured again.
    let _ = fs::write(keep(worker), format!("{speed}\n"));
    is_a_speed(speed).then_some(speed)
}

fn is_a_speed(speed: f64) -> bool {
    speed.is_finite() && speed > 0.0
}
