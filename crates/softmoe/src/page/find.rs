//! The results below a directory, and the films beside their runs.

use super::PageError;
use crate::report::DATA;
use crate::report::data::{FORMAT, FigureData, ScoreData};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use softmoe_config::names::known;
use std::fs;
use std::path::{Path, PathBuf};

/// A figure in one profile, with the files around it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its data.
    pub data: FigureData,
    /// The text of its `report.json`.
    pub text: String,
    /// The picture of a drawing, as SVG.
    pub drawing: Option<String>,
    /// Links to the other files of the results, with their names.
    pub files: Vec<Link>,
    /// Links to the films of its runs.
    pub films: Vec<Film>,
}

/// A link from the page to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name of the file.
    pub name: String,
    /// Its address, relative to the page.
    pub address: String,
}

/// A film of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// Name of the arm.
    pub arm: String,
    /// The game.
    pub game: String,
    /// The seed.
    pub seed: u64,
    /// The file.
    pub link: Link,
}

/// The results below a directory.
#[derive(Clone, Debug)]
pub struct Found {
    /// The figures, those of the paper by their numbers first.
    pub figures: Vec<Figure>,
    /// Directories with results of a version that wrote no data for the page.
    pub without_data: Vec<PathBuf>,
}

/// Extensions of films.
const FILMS: [&str; 4] = ["gif", "mp4", "webm", "apng"];
/// Bytes that stay as they are in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The results in `root/results/<figure>/<profile>`, of every profile or of `profiles`.
///
/// # Errors
///
/// There are none, there are none of a profile, or a file cannot be read.
pub fn find(root: &Path, profiles: &[String]) -> Result<Found, PageError> {
    let mut found = Found { figures: Vec::new(), without_data: Vec::new() };
    let mut names: Vec<(String, String)> = Vec::new();
    for figure in directories(&root.join("results")) {
        names.extend(
            directories(&root.join("results").join(&figure)).into_iter().map(|of| (figure.clone(), of)),
        );
    }
    let has_results = |(figure, profile): &(String, String)| {
        let directory = root.join("results").join(figure).join(profile);
        directory.join(DATA).exists() || directory.join("table.md").exists()
    };
    names.retain(has_results);
    if names.is_empty() {
        return Err(PageError::NoResults(root.to_owned()));
    }
    for asked in profiles {
        let mut there: Vec<&str> = names.iter().map(|(_, profile)| profile.as_str()).collect();
        there.sort_unstable();
        there.dedup();
        known("profile with results", asked, there)?;
    }
    names.retain(|(_, profile)| profiles.is_empty() || profiles.contains(profile));
    // The paper's figures by their numbers, then the others by their names.
    let number = |name: &str| name.strip_prefix("fig").and_then(|number| number.parse::<u32>().ok());
    names.sort_by_key(|(figure, profile)| {
        (number(figure).unwrap_or(u32::MAX), figure.clone(), profile.clone())
    });
    for (figure, profile) in names {
        let directory = root.join("results").join(&figure).join(&profile);
        if !directory.join(DATA).exists() {
            found.without_data.push(directory);
            continue;
        }
        found.figures.push(read(root, &directory, &["..", "results", &figure, &profile])?);
    }
    Ok(found)
}

/// The figure in `directory`, whose address from the page has these parts.
fn read(root: &Path, directory: &Path, address: &[&str]) -> Result<Figure, PageError> {
    let path = directory.join(DATA);
    let text = fs::read_to_string(&path).map_err(|source| PageError::Read { path: path.clone(), source })?;
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let failed = |source| PageError::Parse { path: path.clone(), source };
    let Version { format } = serde_json::from_str(&text).map_err(failed)?;
    if format != FORMAT {
        return Err(PageError::Format { path, format });
    }
    let data: FigureData = serde_json::from_str(&text).map_err(failed)?;
    let drawing = directory.join("figure.svg");
    let drawing = data.results.is_none().then(|| fs::read_to_string(&drawing)).transpose();
    let drawing = drawing.map_err(|source| PageError::Read { path: directory.join("figure.svg"), source })?;
    let link = |name: String| Link { address: encoded(address.iter().copied().chain([name.as_str()])), name };
    let films = data.results.iter().flat_map(|results| &results.scores);
    let films = films.flat_map(|run| films_of(root, &data.profile, run)).collect();
    let files = files(directory).into_iter().map(link).collect();
    Ok(Figure { text: text.trim_end().to_owned(), drawing, files, films, data })
}

/// The films beside a run.
fn films_of(root: &Path, profile: &str, run: &ScoreData) -> Vec<Film> {
    let seed = format!("seed-{}", run.seed);
    let parts = ["runs", profile, &run.arm, &run.game, &seed];
    let directory = parts.iter().fold(root.to_owned(), |path, part| path.join(part));
    let extension =
        |name: &str| Path::new(name).extension().and_then(|end| end.to_str()).map(str::to_lowercase);
    let is_film = |name: &String| extension(name).is_some_and(|end| FILMS.contains(&end.as_str()));
    let film = |name: String| Film {
        arm: run.arm.clone(),
        game: run.game.clone(),
        seed: run.seed,
        link: Link { address: encoded([".."].into_iter().chain(parts).chain([name.as_str()])), name },
    };
    files(&directory).into_iter().filter(is_film).map(film).collect()
}

/// An address of these parts.
fn encoded<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().map(|part| utf8_percent_encode(part, PLAIN).to_string());
    parts.collect::<Vec<_>>().join("/")
}

/// The names of the directories in `parent`, sorted.
fn directories(parent: &Path) -> Vec<String> {
    names(parent, |path| path.is_dir())
}

/// The names of the files in `parent`, sorted; hidden ones are left out.
fn files(parent: &Path) -> Vec<String> {
    names(parent, |path| path.is_file())
}

fn names(parent: &Path, is_one: impl Fn(&Path) -> bool) -> Vec<String> {
    let entries = parent.read_dir().into_iter().flatten().flatten().filter(|entry| is_one(&entry.path()));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}
