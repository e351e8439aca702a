//! The Python that the peers' scripts run with: a virtual environment, made on first use.

use crate::{catalog, output};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What pip is asked for, in this order: files in `peers/`, and options.
const REQUIREMENTS: [(&str, &[&str]); 2] =
    [("requirements.txt", &[]), ("requirements-no-deps.txt", &["--no-deps"])];
/// Written last into a virtual environment that we made: what it holds.
const STAMP: &str = "softmoe-peers";

/// The interpreter; or why there are no peers.
pub(crate) type Python = std::result::Result<PathBuf, String>;

/// The interpreter of the virtual environment `given`, or of our own. Whatever is missing is made.
pub(crate) fn python(given: Option<&Path>) -> Result<Python> {
    let Some(directory) = given.map(Path::to_owned).or_else(cache) else {
        return Ok(Err("there is no directory for a virtual environment: name one with `--venv DIR`".into()));
    };
    let wanted = requirements()?;
    let holds = fs::read_to_string(directory.join(STAMP)).ok();
    if holds.as_deref() == Some(&wanted) {
        return Ok(Ok(interpreter(&directory)));
    }
    // One that somebody else made is taken as it is.
    if given.is_some() && holds.is_none() && interpreter(&directory).is_file() {
        return Ok(Ok(interpreter(&directory)));
    }
    let is_empty = |directory: &Path| directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if given.is_some() && holds.is_none() && directory.exists() && !is_empty(&directory) {
        bail!(
            "{} is no virtual environment: it holds no {}. Name one with `--venv DIR`, or a directory that is not there \
             yet to have it made",
            directory.display(),
            interpreter(Path::new("")).display()
        );
    }
    Ok(make(&directory, &wanted).map(|()| interpreter(&directory)).map_err(|error| format!("{error:#}")))
}

fn make(directory: &Path, wanted: &str) -> Result<()> {
    let works = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let Some(system) = ["python3", "python"].into_iter().find(works) else {
        bail!("there is no Python: neither `python3` nor `python` runs");
    };
    output::error_line(format_args!(
        "Making a Python environment for the peers in {}: several minutes and gigabytes, once.",
        directory.display()
    ));
    // What an earlier attempt left is no start.
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot clear {}", directory.display()))?;
    }
    run(system.as_ref(), &["-m", "venv"].map(OsStr::new), directory.as_os_str())?;
    for (file, options) in REQUIREMENTS {
        let mut arguments = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        arguments.extend(options);
        arguments.push("--requirement");
        let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        run(interpreter(directory).as_os_str(), &arguments, scripts().join(file).as_os_str())?;
    }
    let stamp = directory.join(STAMP);
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Runs Python; what it says of an error is seen at once.
fn run(python: &OsStr, arguments: &[&OsStr], last: &OsStr) -> Result<()> {
    let mut command = Command::new(python);
    // Standard output is for the table.
    command.args(arguments).arg(last).stdin(Stdio::null()).stdout(Stdio::null());
    let words: Vec<_> = arguments.iter().chain([&last]).map(|word| word.to_string_lossy()).collect();
    let status = command.status().with_context(|| format!("cannot start {}", python.display()))?;
    if !status.success() {
        bail!("`python {}` failed ({status}): see its messages above", words.join(" "));
    }
    Ok(())
}

/// Where the scripts lie.
pub(crate) fn scripts() -> PathBuf {
    catalog::workspace().join("peers")
}

/// The text of all requirements.
fn requirements() -> Result<String> {
    let mut text = String::new();
    for (file, _) in REQUIREMENTS {
        let path = scripts().join(file);
        text += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(text)
}

fn interpreter(directory: &Path) -> PathBuf {
    directory.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Our own directory among the user's caches.
fn cache() -> Option<PathBuf> {
    let directory = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = directory("XDG_CACHE_HOME").or_else(|| directory("LOCALAPPDATA")).or_else(|| {
        Some(directory("HOME")?.join(if cfg!(target_vendor = "apple") { "Library/Caches" } else { ".cache" }))
    })?;
    Some(caches.join("softmoe-rl").join("peers"))
}
