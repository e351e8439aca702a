//! Directories and temporary files of a run.

use softmoe_config::file::TEMPORARY_PREFIX;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Puts the directory entry of a new file on disk.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Makes a directory inside one that exists. If the run's own directory is gone, nothing of it is made again.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

/// Removes the half-written files that a killed process left in `directory`. No process may be writing there.
pub fn remove_leftovers(directory: &Path) {
    // A leftover that cannot be removed harms nothing.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
