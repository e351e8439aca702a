//! Building the worker and the reporter.

use crate::catalog;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A directory that holds both programs already, instead of building them.
const DIRECTORY: &str = "SOFTMOE_BINARIES";

/// Where the programs lie.
pub(crate) struct Binaries {
    /// Does one run.
    pub(crate) worker: PathBuf,
    /// Draws the figure and judges the claim.
    pub(crate) reporter: PathBuf,
}

/// Builds the programs, unless `SOFTMOE_BINARIES` names a directory that holds them.
pub(crate) fn build() -> Result<Binaries> {
    if let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) {
        let find = |name: &str| {
            let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if !path.is_file() {
                bail!("{DIRECTORY} is {} but holds no `{name}`: unset it to build one", directory.display());
            }
            Ok(path)
        };
        return Ok(Binaries { worker: find("softmoe-run")?, reporter: find("softmoe-report")? });
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(&cargo);
    build.args(["build", "--release", "--package", "softmoe-bench", "--bins"]);
    build.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    build.arg(catalog::workspace().join("Cargo.toml"));
    let mut child = build
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}` to build the worker", cargo.display()))?;
    let (mut worker, mut reporter) = (None, None);
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            let line = line.context("cannot read what cargo builds")?;
            match executable(&line) {
                Some((name, path)) if name == "softmoe-run" => worker = Some(path),
                Some((name, path)) if name == "softmoe-report" => reporter = Some(path),
                _ => {}
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("the worker could not be built ({status}): see cargo's messages above");
    }
    let (Some(worker), Some(reporter)) = (worker, reporter) else {
        bail!("softmoe-bench builds no `softmoe-run` and `softmoe-report`: is the checkout complete?");
    };
    Ok(Binaries { worker, reporter })
}

/// The name and path of the program that one of cargo's messages announces.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages() {
        // The form that the Cargo book gives under "External tools: artifact messages".
        let message = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"crate_types":["bin"],
            "name":"softmoe-run"},"filenames":["/t/softmoe-run"],"executable":"/t/softmoe-run","fresh":true}"#;
        assert_eq!(executable(message), Some(("softmoe-run".into(), PathBuf::from("/t/softmoe-run"))));
        let library = r#"{"reason":"compiler-artifact","target":{"name":"softmoe_spec"},"executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("Compiling"), None);
    }
}
