//! The files of a report, each written atomically.

use super::data::FigureData;
use super::entry::{Drawn, data};
use super::{Report, bars, curves, efficiency, forest, improvement, profiles, table};
use crate::plot::{Dress, Picture, PlotError, to_pdf, to_png, to_svg};
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
    #[error("cannot write scores.csv or aggregates.csv")]
    Csv(#[from] csv::Error),
    /// The report could not be written as JSON.
    #[error("cannot write report.json")]
    Json(#[from] serde_json::Error),
    /// A file could not be written.
    #[error("cannot write {} (give a directory that can be written to with --out)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Writes the pictures, each as SVG, PNG and PDF, and `table.md`, `scores.csv`, `aggregates.csv`, `verdict.md` and `report.json`
/// into `directory`, which is
/// made if it is missing. Returns their paths.
///
/// | picture | shows |
/// |---|---|
/// | `figure` | interquartile mean of every arm |
/// | `rules` | the judgement of every rule (none without rules) |
/// | `curves` | returns over the course of training, game by game |
/// | `efficiency` | interquartile mean over the course of training |
/// | `profiles` | performance profiles |
/// | `improvement` | probability of every arm to be better than its reference |
///
/// # Errors
///
/// If a figure cannot be drawn or a file cannot be written; earlier files are whole.
pub fn write(
    report: &Report,
    directory: &Path,
    bootstrap: &Bootstrap,
    streams: Streams,
    dress: Dress,
) -> Result<Vec<PathBuf>, WriteError> {
    let drawn = Drawn {
        figure: bars(report),
        rules: (!report.verdict.judgements.is_empty()).then(|| forest(report)),
        improvement: improvement(report),
        curves: curves(report, bootstrap, streams),
        efficiency: efficiency(report, bootstrap, streams),
        profiles: profiles(report, bootstrap, streams),
    };
    let mut files = Vec::new();
    files.extend(faces("figure", &drawn.figure, dress)?);
    if let Some(rules) = &drawn.rules {
        files.extend(faces("rules", rules, dress)?);
    }
    files.extend(faces("curves", &drawn.curves, dress)?);
    files.extend(faces("efficiency", &drawn.efficiency, dress)?);
    files.extend(faces("profiles", &drawn.profiles, dress)?);
    files.extend(faces("improvement", &drawn.improvement, dress)?);
    files.push(("table.md".to_owned(), table::markdown(report).into_bytes()));
    files.push(("scores.csv".to_owned(), table::scores_csv(report)?));
    files.push(("aggregates.csv".to_owned(), table::aggregates_csv(report)?));
    files.push(("verdict.md".to_owned(), table::verdict_markdown(report).into_bytes()));
    files.push((DATA.to_owned(), json(&data(report, &drawn))?));
    write_all(directory, files)
}

/// File name of the report as data.
pub const DATA: &str = "report.json";

/// The bytes of [`DATA`].
pub(super) fn json(data: &FigureData) -> Result<Vec<u8>, WriteError> {
    let mut bytes = serde_json::to_vec(data)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The files of a picture.
pub(super) fn faces(
    name: &str,
    picture: &impl Picture,
    dress: Dress,
) -> Result<[(String, Vec<u8>); 3], PlotError> {
    Ok([
        (format!("{name}.svg"), to_svg(picture, dress)?.into_bytes()),
        (format!("{name}.png"), to_png(picture, dress)?),
        (format!("{name}.pdf"), to_pdf(picture, dress)?),
    ])
}

/// Writes files with these names and contents into `directory`, which is made if it is missing.
pub(super) fn write_all(directory: &Path, files: Vec<(String, Vec<u8>)>) -> Result<Vec<PathBuf>, WriteError> {
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
