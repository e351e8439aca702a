//! The files of a report, each written atomically.

use super::{Report, bars, curves, table};
use crate::plot::{PlotError, to_png, to_svg};
use crate::statistics::{Bootstrap, Streams};
use softmoe_agents::AgentError;
use softmoe_config::ConfigError;
use softmoe_config::file::write_atomically;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An error in writing a report.
#[derive(Debug, Error)]
pub enum WriteError {
    /// A figure could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The drawing does not exist, or its sizes do not fit together.
    #[error(transparent)]
    Spec(#[from] ConfigError),
    /// A network of the drawing cannot be built.
    #[error(transparent)]
    Network(#[from] AgentError),
    /// The scores could not be written as CSV.
    #[error("cannot write scores.csv")]
    Csv(#[from] csv::Error),
    /// A file could not be written.
    #[error("cannot write {} (give a directory that can be written to with --out)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Writes `figure.svg`, `figure.png`, `curves.svg`, `curves.png`, `table.md`, `scores.csv` and `verdict.md`
/// into `directory`, which is made if it is missing. Returns their paths.
///
/// # Errors
///
/// If a figure cannot be drawn or a file cannot be written; earlier files are whole.
pub fn write(
    report: &Report,
    directory: &Path,
    bootstrap: &Bootstrap,
    streams: Streams,
) -> Result<Vec<PathBuf>, WriteError> {
    let (bars, curves) = (bars(report), curves(report, bootstrap, streams));
    let files = [
        ("figure.svg", to_svg(&bars)?.into_bytes()),
        ("figure.png", to_png(&bars)?),
        ("curves.svg", to_svg(&curves)?.into_bytes()),
        ("curves.png", to_png(&curves)?),
        ("table.md", table::markdown(report).into_bytes()),
        ("scores.csv", table::scores_csv(report)?),
        ("verdict.md", table::verdict_markdown(report).into_bytes()),
    ];
    write_all(directory, files)
}

/// Writes files with these names and contents into `directory`, which is made if it is missing.
pub(super) fn write_all<const N: usize>(
    directory: &Path,
    files: [(&str, Vec<u8>); N],
) -> Result<Vec<PathBuf>, WriteError> {
    let failed = |path: &Path, source| WriteError::File { path: path.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = directory.join(name);
        write_atomically(&path, &bytes).map_err(|source| failed(&path, source))?;
        written.push(path);
    }
    Ok(written)
}
