//! The Python environment of the peers' scripts, made on first use.

use crate::{catalog, output};
use anyhow::{Context, Result, bail};
use softmoe_config::error::with_causes;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Calls of pip, in this order: files in `peers/`, and options.
const REQUIREMENTS: [(&str, &[&str]); 2] =
    [("requirements.txt", &[]), ("requirements-no-deps.txt", &["--no-deps"])];
/// File that is written last into a virtual environment of ours; it holds the requirements.
const STAMP: &str = "softmoe-peers";

/// The interpreter, or the reason for having no peers.
pub(crate) type Python = std::result::Result<PathBuf, String>;

/// The interpreter of the virtual environment `given`, or of our own, which is made if it is missing.
pub(crate) fn python(given: Option<&Path>) -> Result<Python> {
    let Some(directory) = given.map(Path::to_owned).or_else(cache) else {
        return Ok(Err("there is no directory for a virtual environment: name one with `--venv DIR`".into()));
    };
    let wanted = requirements()?;
    let holds = fs::read_to_string(directory.join(STAMP)).ok();
    if holds.as_deref() == Some(&wanted) {
        return Ok(Ok(interpreter(&directory)));
    }
    // A foreign environment is used without changes.
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
    Ok(make(&directory, &wanted)
        .map(|()| interpreter(&directory))
        .map_err(|error| with_causes(error.as_ref())))
}

/// Our own virtual environment, if it was made.
pub(crate) fn made() -> Option<PathBuf> {
    cache().filter(|directory| directory.join(STAMP).is_file())
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
    // Remove the remains of an earlier attempt.
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

/// Runs Python; its error messages go to the terminal.
fn run(python: &OsStr, arguments: &[&OsStr], last: &OsStr) -> Result<()> {
    let mut command = Command::new(python);
    // Standard output is reserved for the table.
    command.args(arguments).arg(last).stdin(Stdio::null()).stdout(Stdio::null());
    let words: Vec<_> = arguments.iter().chain([&last]).map(|word| word.to_string_lossy()).collect();
    let status = command.status().with_context(|| format!("cannot start {}", python.display()))?;
    if !status.success() {
        bail!("`python {}` failed ({status}): see its messages above", words.join(" "));
    }
    Ok(())
}

/// The directory of the scripts.
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

/// Our directory among the user's caches.
fn cache() -> Option<PathBuf> {
    let directory = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = directory("XDG_CACHE_HOME").or_else(|| directory("LOCALAPPDATA")).or_else(|| {
        Some(directory("HOME")?.join(if cfg!(target_vendor = "apple") { "Library/Caches" } else { ".cache" }))
    })?;
    Some(caches.join("softmoe-rl").join("peers"))
}
