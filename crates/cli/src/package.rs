//! `cargo xtask package`: packages every crate, and builds the packages away from the repository.

use crate::{catalog, output, play};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Runs the script that does it.
pub(crate) fn package(all: bool) -> Result<ExitCode> {
    let script = catalog::workspace().join("scripts/package-check.sh");
    let mut command = Command::new(&script);
    command.args(all.then_some("all"));
    output::line(format_args!("{}", script.display()));
    play::run(command, &script)
}
