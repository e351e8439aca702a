//! What can be typed.

use clap::{Args, Parser, Subcommand};
use softmoe_spec::MOST_SEEDS;
use std::path::PathBuf;

/// The tasks of this workspace.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Train the agents of a figure, draw it and judge the paper's claim
    ///
    /// Finished runs are reused and interrupted ones resumed, so that the same command can be typed again.
    Reproduce(Options),
    /// List the figures with their profiles and arms
    List,
    /// Print a shell's completions
    ///
    /// A shell takes `cargo xtask` for cargo's own arguments. These completions are of a
    /// command `xtask`: define it beside them, e.g. in ~/.bashrc:
    ///
    ///     xtask() { cargo xtask "$@"; }
    ///
    ///     source <(cargo xtask completions bash)
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The figure, e.g. fig3
    pub(crate) figure: String,
    /// Print the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The size of the experiment
    #[arg(long, value_name = "NAME", default_value = "quick")]
    pub(crate) profile: String,
    /// Only these games, separated by commas [default: the profile's]
    #[arg(long, value_name = "GAME,..", value_delimiter = ',')]
    pub(crate) games: Option<Vec<String>>,
    /// Only these arms (and the random policy), separated by commas [default: all]
    #[arg(long, value_name = "ARM,..", value_delimiter = ',')]
    pub(crate) arms: Option<Vec<String>>,
    /// How many seeds [default: the profile's]
    #[arg(long, value_name = "N", value_parser = seeds)]
    pub(crate) seeds: Option<u64>,
    /// Agent steps of a run [default: the profile's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) steps: Option<u64>,
    /// Runs at a time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<u64>,
    /// Change a value in every run that has it, e.g. agent.n_step=5 (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Where `runs/` and `results/` lie
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

fn seeds(text: &str) -> Result<u64, String> {
    match at_least_one(text)? {
        number if number > MOST_SEEDS => Err(format!("must be at most {MOST_SEEDS}")),
        number => Ok(number),
    }
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number of at least 1, e.g. 40_000".into()),
    }
}
