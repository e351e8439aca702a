//! Command-line arguments.

use crate::cores::Cores;
use clap::{Args, Parser, Subcommand};
use softmoe_config::{Device, MOST_SEEDS};
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
    /// Train the agents of a figure, draw it and test the paper's claim
    ///
    /// Finished runs are reused and interrupted ones resumed: run the same command again at any time. A figure without runs (fig2) is drawn at once.
    Reproduce(Options),
    /// List the figures with their profiles and arms
    List,
    /// Print the network of an arm: layers, output shapes, parameters, multiply-adds
    Describe(DescribeOptions),
    /// Measure the speed of this software and of its peers, in turn, on the same core
    ///
    /// Prints ratios and targets, and writes them to a file. The peers (Dopamine, JAX, PyTorch, MinAtar, cpprb) run in a Python environment,
    /// which is made on first use. Without Python, only this software is measured. The whole bench takes about 15 minutes.
    Bench(BenchOptions),
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
pub(crate) struct DescribeOptions {
    /// The arm, e.g. softmoe-4 (`cargo xtask list` names all)
    pub(crate) arm: String,
    /// The figure that has the arm [default: the first that has it]
    #[arg(long, value_name = "FIGURE")]
    pub(crate) figure: Option<String>,
    /// The size of the experiment [default: quick]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another encoder: minatar, nature or impala; the last two on Atari's 84x84 pixels, with hidden width 512
    #[arg(long, value_name = "ENCODER")]
    pub(crate) encoder: Option<String>,
    /// The game, which decides channels and actions [default: the profile's first]
    #[arg(long, value_name = "GAME")]
    pub(crate) game: Option<String>,
    /// Change a value, e.g. network.body.slots=tokens (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BenchOptions {
    /// Only the works whose names match, e.g. 'step/minatar*' or replay/atari/sample [default: all]
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Option<String>,
    /// Rounds of each work; the best round counts [default: 5, with --quick 2]
    #[arg(long, value_name = "N", value_parser = rounds)]
    pub(crate) rounds: Option<u64>,
    /// The core to run on. With several, e.g. 0,1, a network uses all of them, and each runs a whole run of its own [default: the last]
    #[arg(long, value_name = "K,..")]
    pub(crate) cpu: Option<Cores>,
    /// Measure an agent on a device instead: cpu, flex, wgpu, cuda or cuda:N. The works are then networks, e.g. --only 'nature*'
    #[arg(long, value_name = "DEVICE", conflicts_with = "cpu")]
    pub(crate) device: Option<Device>,
    /// Measure this software only
    #[arg(long)]
    pub(crate) no_peers: bool,
    /// The Python environment of the peers, made if it is missing [default: softmoe-rl/peers in the user's cache directory]
    #[arg(long, value_name = "DIR", conflicts_with = "no_peers")]
    pub(crate) venv: Option<PathBuf>,
    /// Output file, in JSON
    #[arg(long, value_name = "FILE", default_value = "bench.json")]
    pub(crate) out: PathBuf,
    /// A subset of the works, smaller and in fewer rounds: about two minutes
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The figure, e.g. fig3
    pub(crate) figure: String,
    /// Print the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The size of the experiment [default: quick; every drawing for a figure without runs]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Only these games, separated by commas [default: the profile's]
    #[arg(long, value_name = "GAME,..", value_delimiter = ',')]
    pub(crate) games: Option<Vec<String>>,
    /// Only these arms (and the random policy), separated by commas [default: all]
    #[arg(long, value_name = "ARM,..", value_delimiter = ',')]
    pub(crate) arms: Option<Vec<String>>,
    /// Another agent in every arm, e.g. dqn_minatar or der_minatar; the profile's settings still apply [default: the profile's]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Number of seeds [default: the profile's]
    #[arg(long, value_name = "N", value_parser = seeds)]
    pub(crate) seeds: Option<u64>,
    /// Length of a run in agent steps [default: the profile's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) steps: Option<u64>,
    /// Number of runs at a time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<u64>,
    /// Device of the runs: cpu, flex, wgpu, cuda or cuda:N; the worker is built for it [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<Device>,
    /// Change a value in every run that has it, e.g. agent.n_step=5 (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Directory of `runs/` and `results/`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

/// Most rounds of a benchmark.
const MOST_ROUNDS: u64 = 100;

/// The default profile.
pub(crate) const USUAL_PROFILE: &str = "quick";

impl Options {
    /// The profile's name.
    pub(crate) fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or(USUAL_PROFILE)
    }

    /// Given options that apply to runs only.
    pub(crate) fn about_runs(&self) -> Vec<&'static str> {
        let given = [
            ("--games", self.games.is_some()),
            ("--arms", self.arms.is_some()),
            ("--agent", self.agent.is_some()),
            ("--seeds", self.seeds.is_some()),
            ("--steps", self.steps.is_some()),
            ("--jobs", self.jobs.is_some()),
            ("--device", self.device.is_some()),
            ("--set", !self.set.is_empty()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}

fn seeds(text: &str) -> Result<u64, String> {
    match at_least_one(text)? {
        number if number > MOST_SEEDS => Err(format!("must be at most {MOST_SEEDS}")),
        number => Ok(number),
    }
}

fn rounds(text: &str) -> Result<u64, String> {
    match at_least_one(text)? {
        number if number > MOST_ROUNDS => Err(format!("must be at most {MOST_ROUNDS}")),
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
