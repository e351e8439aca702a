//! Downloads the source distribution with pip. pip's settings (index, certificates, proxies) apply.

use crate::front_end;
use crate::output;
use anyhow::{Context, Result, bail};
use softmoe_atari::{ARCHIVE, VERSION};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The module that pip asks for the metadata of a source distribution of ale-py.
const BACKEND: &str = "scikit_build_core/build.py";

/// Downloads the archive into `scratch`.
///
/// pip downloads no source distribution without the package's name and version from the package's build backend. The real backend needs
/// CMake and installs gigabytes. The stub gives pip the two.
pub(super) fn fetch(scratch: &Path) -> Result<PathBuf> {
    let name = front_end::name();
    let Some(python) = ["python3", "python"].into_iter().find(|name| runs(name, &["--version"])) else {
        bail!(
            "there is no Python: neither `python3` nor `python` runs. Install it, or get {ARCHIVE} elsewhere and type `{name} atari setup --from DIR`"
        );
    };
    if !runs(python, &["-m", "pip", "--version"]) {
        bail!(
            "`{python} -m pip` does not run: install pip (on Debian and Ubuntu, the package python3-pip), or get {ARCHIVE} elsewhere and type \
             `{name} atari setup --from DIR`"
        );
    }
    let stub = scratch.join("backend");
    write_backend(&stub)?;
    output::error_line(format_args!("Fetching {ARCHIVE} (11 MB) with pip."));
    let package = format!("ale-py=={VERSION}");
    let arguments = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "download",
        "--no-deps",
        "--no-binary",
        "ale-py",
        "--no-build-isolation",
        "--ignore-requires-python",
        &package,
        "--dest",
    ];
    let mut command = Command::new(python);
    command.args(arguments).arg(scratch).env("PYTHONPATH", search_path(&stub)?);
    // pip's error messages go to the terminal.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {python}"))?;
    if !status.success() {
        bail!(
            "pip did not download {package} ({status}); its messages are above. Check the network and pip's settings (`pip config list`), \
             or get {ARCHIVE} on another machine and type `{name} atari setup --from DIR`"
        );
    }
    let archive = scratch.join(ARCHIVE);
    if !archive.is_file() {
        bail!(
            "pip has fetched {package}, but no {ARCHIVE}: get it elsewhere and type `{name} atari setup --from DIR`"
        );
    }
    Ok(archive)
}

/// Writes the stub of the build backend below `directory`.
fn write_backend(directory: &Path) -> Result<()> {
    let module = directory.join(BACKEND);
    let text = format!(
        r#"import os

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    name = "ale_py-{VERSION}.dist-info"
    os.mkdir(os.path.join(directory, name))
    with open(os.path.join(directory, name, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\nName: ale-py\nVersion: {VERSION}\n")
    return name
"#
    );
    let package = module.parent().unwrap_or(directory);
    fs::create_dir_all(package).with_context(|| format!("cannot make {}", package.display()))?;
    for (path, text) in [(package.join("__init__.py"), ""), (module, &text)] {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Python's search path with `first` before the user's.
fn search_path(first: &Path) -> Result<OsString> {
    let users = env::var_os("PYTHONPATH").unwrap_or_default();
    let paths = env::split_paths(&users).filter(|path| !path.as_os_str().is_empty());
    env::join_paths(std::iter::once(first.to_owned()).chain(paths))
        .context("the data directory's path has a colon")
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
