//! The lock on a run's directory.

use anyhow::{Context, bail};
use fs4::TryLockError;
use softmoe_config::RunDirectory;
use std::fs::File;

/// Keeps a second worker away from the run; released when this process ends, however it ends.
pub(crate) fn lock(directory: &RunDirectory) -> anyhow::Result<File> {
    let path = directory.lock();
    let file = File::create(&path).with_context(|| {
        format!(
            "cannot write {}: the run's results go into that directory; make it writable, or run elsewhere \
             (`--out DIR` of `cargo xtask reproduce`)",
            path.display()
        )
    })?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another worker trains the run in {}; wait for it, or stop it", directory.path().display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
