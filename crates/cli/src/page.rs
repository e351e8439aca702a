//! `cargo xtask report`: the reporter writes every figure that has results into one page.

use crate::cli::ReportOptions;
use crate::{binaries, front_end, store};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Writes the page.
pub(crate) fn page(options: &ReportOptions) -> Result<()> {
    let ReportOptions { profile, out } = options;
    store::check_out(out)?;
    // Missing results are reported before anything is built.
    if !out.join("results").is_dir() {
        bail!(
            "there are no results in {}: make some first, e.g. `{} reproduce fig3 --profile smoke`, or name the directory that \
             contains `results/` with `--out DIR`",
            out.display(),
            front_end::name()
        );
    }
    let reporter = binaries::reporter()?;
    let mut command = Command::new(&reporter);
    command.arg("page").arg(out);
    command.args(profile.iter().flat_map(|name| ["--profile", name]));
    let status = command.status().with_context(|| format!("cannot start {}", reporter.display()))?;
    if !status.success() {
        bail!("the page could not be written ({status})");
    }
    Ok(())
}
