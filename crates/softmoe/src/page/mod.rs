//! The page: every figure that has results below a directory, in one HTML file that needs no other.
//!
//! This module computes nothing. Numbers and texts come from the `report.json` that [`report::write`](crate::report::write) writes beside
//! a figure's other files. The page contains these files unchanged, as JSON.

mod embedded;
mod figure;
mod find;
mod front;
mod html;
mod rows;

pub use find::{Found, find};

use softmoe_config::file::write_atomically;
use softmoe_config::names::UnknownName;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An error in writing the page.
#[derive(Debug, Error)]
pub enum PageError {
    /// No figure has results.
    #[error(
        "there are no results in {}: make some first, e.g. with `reproduce fig3 --profile smoke`, or name the directory that \
         contains `results/` with `--out DIR`",
        _0.display()
    )]
    NoResults(PathBuf),
    /// No figure has results of that profile.
    #[error(transparent)]
    UnknownProfile(#[from] UnknownName),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file is no report.
    #[error(
        "{} is not what this version writes; make it again with `reproduce`, which reuses finished runs, or remove it",
        path.display()
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A file has another format.
    #[error(
        "{} has format {format}, and this version reads format {}; make it again with `reproduce`, which reuses finished runs",
        path.display(),
        crate::report::data::FORMAT
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The page cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Writes `report/index.html` in `root`, the directory with `results` and `runs`, and returns its path. Only figures in `profiles` are
/// shown, if there are any.
///
/// # Errors
///
/// There are no such results, a file cannot be read, or the page cannot be written.
pub fn write(root: &Path, profiles: &[String]) -> Result<(PathBuf, Found), PageError> {
    let found = find(root, profiles)?;
    let path = root.join("report").join("index.html");
    let failed = |source| PageError::Write { path: path.clone(), source };
    std::fs::create_dir_all(root.join("report")).map_err(failed)?;
    write_atomically(&path, html::page(&found.figures).as_bytes()).map_err(failed)?;
    Ok((path, found))
}
