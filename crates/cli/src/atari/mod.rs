//! `cargo xtask atari`: sets up the files of the Arcade Learning Environment and lists its games.

mod archive;
mod download;

use crate::output;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use softmoe_atari::{ARCHIVE, ARCHIVE_SHA256, AtariGame, Files, GameSet, NotSetUp, VERSION};
use std::fs;
use std::path::{Path, PathBuf};

/// The licence notice, printed when the files are first installed.
const NOTICE: &str = "\
The Arcade Learning Environment (ALE) and its emulator Stella are under the GNU General Public License, version 2 only. A program built with
the feature `atari` may be used freely, but distributed only under the terms of that licence. The games of MinAtar are under version 3 or
later, which is incompatible with version 2 only: a program with both may be built and used, but not distributed. The ROMs come with ALE's
package; the rights to them belong to their owners.";

/// Tasks about Atari.
#[derive(Debug, Subcommand)]
pub(crate) enum AtariTask {
    /// Download the Arcade Learning Environment and its ROMs, check them, and install them for builds
    ///
    /// Needs Python with pip. pip downloads the source distribution of ale-py, with its own settings (index, certificates, proxies).
    /// If the files are already there, they are checked and nothing is downloaded.
    Setup(SetupOptions),
    /// List all games, or the games of a set
    List {
        /// atari20, atari100k or atari60 [default: all games]
        set: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct SetupOptions {
    /// Take the archive from this directory (or this file) instead of downloading it
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

/// Runs the task.
pub(crate) fn atari(task: &AtariTask) -> Result<()> {
    match task {
        AtariTask::Setup(options) => setup(&Files::usual()?, options),
        AtariTask::List { set } => list(set.as_deref()),
    }
}

fn setup(files: &Files, options: &SetupOptions) -> Result<()> {
    let directory = files.directory();
    let mut is_first = false;
    match files.check() {
        Ok(()) => match archive::check(directory) {
            Ok(()) => {
                output::line(format_args!("ALE {VERSION} is set up in {}", directory.display()));
                return Ok(());
            }
            Err(reason) => output::error_line(format_args!(
                "The files in {} are damaged ({reason}) and will be replaced",
                directory.display()
            )),
        },
        Err(NotSetUp::Missing(_)) => {
            let is_empty =
                |directory: &Path| directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
            if directory.exists() && !is_empty(directory) {
                bail!(
                    "{} holds files that are not ALE's: move them away, or name another directory with {}",
                    directory.display(),
                    softmoe_atari::VARIABLE
                );
            }
            is_first = true;
        }
        Err(NotSetUp::Other(_)) => output::error_line(format_args!(
            "The files in {} belong to another version and will be replaced",
            directory.display()
        )),
        Err(error) => return Err(error.into()),
    }
    let parent = directory.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    // In the same parent directory, so that one rename installs all files.
    let scratch = tempfile::Builder::new().prefix(".ale-").tempdir_in(parent);
    let scratch = scratch.with_context(|| format!("cannot write to {}", parent.display()))?;
    let archive = match &options.from {
        Some(from) => given(from)?,
        None => download::fetch(scratch.path())?,
    };
    archive::verify(&archive)?;
    if is_first {
        output::error_line(format_args!("{NOTICE}\n"));
    }
    let unpacked = scratch.path().join("unpacked");
    archive::unpack(&archive, &unpacked)?;
    archive::check(&unpacked).map_err(|reason| anyhow::anyhow!("{ARCHIVE} is incomplete: {reason}"))?;
    let stamp = Files::at(&unpacked).stamp();
    fs::write(&stamp, format!("{ARCHIVE_SHA256}\n"))
        .with_context(|| format!("cannot write {}", stamp.display()))?;
    replace(&unpacked, directory, scratch.path())?;
    output::line(format_args!(
        "ALE {VERSION} with {} games is set up in {}",
        AtariGame::ALL.len(),
        directory.display()
    ));
    Ok(())
}

/// The archive that the user provides.
fn given(from: &Path) -> Result<PathBuf> {
    let archive = if from.is_dir() { from.join(ARCHIVE) } else { from.to_owned() };
    if !archive.is_file() {
        bail!(
            "there is no {}: `--from` takes a directory with {ARCHIVE}, or that file. On a machine with a network: \
             pip download --no-deps --no-binary ale-py ale-py=={VERSION}",
            archive.display()
        );
    }
    Ok(archive)
}

/// Replaces `directory` with the unpacked directory.
fn replace(unpacked: &Path, directory: &Path, scratch: &Path) -> Result<()> {
    let failed = || format!("cannot put the files into {}", directory.display());
    let old = scratch.join("old");
    if directory.exists() {
        fs::rename(directory, &old).with_context(failed)?;
    }
    fs::rename(unpacked, directory)
        .inspect_err(|_| {
            let _ = fs::rename(&old, directory);
        })
        .with_context(failed)
}

fn list(set: Option<&str>) -> Result<()> {
    let games = match set {
        None => AtariGame::ALL,
        Some(name) => {
            let names = GameSet::ALL.map(GameSet::name);
            softmoe_config::names::known("set of games", name, names)?;
            GameSet::ALL.into_iter().find(|set| set.name() == name).map_or(AtariGame::ALL, GameSet::games)
        }
    };
    for game in games {
        output::line(format_args!("{game}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::at(directory.path().join("ale"));
        let options = |from: &Path| SetupOptions { from: Some(from.to_owned()) };
        let error = setup(&files, &options(directory.path())).unwrap_err().to_string();
        assert!(error.contains("`--from` takes a directory with ale_py-0.12.1.tar.gz"), "{error}");
        fs::write(directory.path().join(ARCHIVE), "no archive").unwrap();
        let error = setup(&files, &options(directory.path())).unwrap_err().to_string();
        assert!(error.contains("SHA-256") && error.contains(ARCHIVE_SHA256), "{error}");
        assert!(!files.directory().exists(), "a failed setup leaves nothing");
        let left: Vec<_> = directory.path().read_dir().unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("thesis.tex"), "").unwrap();
        let files = Files::at(directory.path());
        let error = setup(&files, &SetupOptions { from: None }).unwrap_err().to_string();
        assert!(error.contains("holds files that are not ALE's"), "{error}");
        assert!(directory.path().join("thesis.tex").exists());
    }
}
