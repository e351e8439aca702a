//! `softmoe-run describe`: the layers of a network.

use anyhow::Context;
use clap::Args;
use softmoe::description::Description;
use softmoe::text;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_config::RunConfig;
use softmoe_console::output;
use softmoe_nets::weights::WeightsFile;
use std::path::PathBuf;

/// A network to describe.
#[derive(Args, Debug)]
pub(crate) struct Describe {
    /// A run.ron; a weights.safetensors; or `-` for a network in RON on standard input, e.g. (network: (encoder: minatar, body: flat(),
    /// hidden: 128), head: q(dueling: false, noisy: false), observation: (10, 10, 4), actions: 6)
    network: PathBuf,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints the layers of a network.
pub(crate) fn describe(options: &Describe) -> anyhow::Result<()> {
    let architecture = if options.network.as_os_str() == "-" {
        let text = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        text.trim().parse()?
    } else if options.network.extension().is_some_and(|extension| extension == "safetensors") {
        let path = options.network.display();
        let bytes = std::fs::read(&options.network).with_context(|| format!("cannot read {path}"))?;
        let file = WeightsFile::read(&bytes).with_context(|| format!("cannot read {path}"))?;
        file.architecture()
            .parse()
            .with_context(|| format!("{path} has a network that this program does not know"))?
    } else {
        let rule = "`describe` takes a run.ron, a weights.safetensors, or `-` for standard input";
        let config = RunConfig::read(&options.network).context(rule)?;
        let seeds = Seeds::new(config.seed);
        config
            .architecture(seeds.seed(Role::Permutation))
            .with_context(|| format!("the arm `{}` has no network: it acts at random", config.arm))?
    };
    let description = Description::of(&architecture)?;
    let text = match options.json {
        true => serde_json::to_string_pretty(&description)?,
        false => description.table(text::columns()),
    };
    output::line(format_args!("{text}"));
    Ok(())
}
