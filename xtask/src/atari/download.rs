//! Downloads the source distribution with pip. pip's settings (index, certificates, proxies) apply.

use crate::output;
use anyhow::{Context, Result, bail};
use softmoe_atari::{ARCHIVE, SETUP, VERSION};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Build tools that pip needs to read the package's metadata. The package's own list would download gigabytes.
const BUILD_TOOLS: [&str; 2] = ["scikit-build-core", "cmake"];

/// Downloads the archive into `scratch`.
pub(super) fn fetch(scratch: &Path) -> Result<PathBuf> {
    let Some(system) = ["python3", "python"].into_iter().find(|name| runs(name)) else {
        bail!(
            "there is no Python: neither `python3` nor `python` runs. Install it, or get {ARCHIVE} elsewhere and type `{SETUP} --from DIR`"
        );
    };
    output::error_line(format_args!("Fetching {ARCHIVE} (11 MB) with pip, in about half a minute."));
    let environment = scratch.join("python");
    run(system.as_ref(), &["-m", "venv"], Some(&environment))
        .context("on Debian and Ubuntu, `venv` is in the package python3-venv")?;
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"];
    let network = || {
        format!(
            "pip reached no index: check the network and pip's settings (`pip config list`), or get {ARCHIVE} on another machine and \
             type `{SETUP} --from DIR`"
        )
    };
    let install: Vec<&str> = pip.into_iter().chain(["install"]).chain(BUILD_TOOLS).collect();
    run(python.as_os_str(), &install, None).with_context(network)?;
    let package = format!("ale-py=={VERSION}");
    let arguments =
        ["download", "--no-deps", "--no-binary", "ale-py", "--no-build-isolation", &package, "--dest"];
    let download: Vec<&str> = pip.into_iter().chain(arguments).collect();
    run(python.as_os_str(), &download, Some(scratch)).with_context(network)?;
    let archive = scratch.join(ARCHIVE);
    if !archive.is_file() {
        bail!("pip has fetched {package}, but no {ARCHIVE}: get it elsewhere and type `{SETUP} --from DIR`");
    }
    Ok(archive)
}

fn runs(name: &str) -> bool {
    let mut command = Command::new(name);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs Python. Its error messages go to the terminal.
fn run(python: &OsStr, arguments: &[&str], last: Option<&Path>) -> Result<()> {
    let mut command = Command::new(python);
    command.args(arguments).args(last).stdin(Stdio::null()).stdout(Stdio::null());
    let name = || PathBuf::from(python).display().to_string();
    let status = command.status().with_context(|| format!("cannot start {}", name()))?;
    if !status.success() {
        bail!("`python {}` failed ({status}): see its messages above", arguments.join(" "));
    }
    Ok(())
}
