//! Command-line arguments.

use crate::atari::AtariTask;
use crate::cores::Cores;
use crate::devices::Devices;
use crate::front_end::FrontEnd;
use crate::launcher::LauncherOptions;
use clap::builder::{PathBufValueParser, StyledStr, TypedValueParser};
use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use softmoe_config::words::whole_number;
use softmoe_config::{Device, MOST_SEEDS, Sweep};
use softmoe_console::play::PlayOptions;
use std::path::{Path, PathBuf};

/// Reproduce the figures of the paper, train agents and inspect networks
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// Help of `completions` in a clone.
const COMPLETIONS: &str = "Print shell completions, with the names of figures, arms, games and settings

Shells complete `cargo xtask` as a cargo subcommand. The completions printed here are for a command named `xtask`, so define that too, e.g. in
~/.bashrc:

    xtask() { cargo xtask \"$@\"; }
    source <(cargo xtask completions bash)";

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Train the agents of a figure, plot it and test the paper's claim
    ///
    /// Finished runs are reused and interrupted runs are resumed, so it is safe to rerun the command at any time. A figure that needs no training (fig2) is drawn immediately.
    Reproduce(Box<Options>),
    /// Train one agent on one game: any agent, network, encoder and game
    ///
    /// The run is a directory like that of any other: `OUT/runs/train/<agent>-<encoder>-<network>/<game>/seed-<k>`. A run that was stopped or killed
    /// resumes from its last checkpoint when the command is repeated.
    Train(TrainOptions),
    /// Fetch the emulator of the Atari 2600 with its games, or list them
    #[command(subcommand)]
    Atari(AtariTask),
    /// Watch a trained run play its game: as a GIF, MP4 or contact sheet, or in the terminal
    ///
    /// Shows, beside the game, the dispatch weights of each expert over the tokens, and the value of each action with the distribution of its
    /// return. An unfinished run plays with the weights of its newest checkpoint. No file in the run's directory changes.
    Play(PlayTask),
    /// Score a trained run again, on the episodes of its score or on others
    ///
    /// No file in the run's directory changes.
    Evaluate(EvaluateOptions),
    /// Print which runs are done, running, failed and waiting
    ///
    /// Reads run directories alone: it works beside `reproduce`, after it, and on another machine that sees the files.
    Status(StatusOptions),
    /// Print the same every few seconds, until no run is left
    Watch(WatchOptions),
    /// Write every figure that has results into one page, OUT/report/index.html
    ///
    /// The page needs no other file and no network. It shows the latest output of `reproduce`, and links to the films beside the runs.
    Report(ReportOptions),
    /// Write a web page in which trained MinAtar agents play
    ///
    /// The page is one file, about 2 MB for three agents, and needs no server. The games and networks in it run as WebAssembly, for which Rust
    /// needs a target: type `rustup target add wasm32-unknown-unknown` once. If no RUN is given, the page shows the finished run of `--profile`
    /// with the lowest seed for each game and arm.
    Demo(DemoOptions),
    /// List the figures with their runs, times and arms, or one figure with its arms, rules and settings
    List(ListOptions),
    /// Print the network of an arm: layers, output shapes, parameters, multiply-adds
    Describe(DescribeOptions),
    /// Put the scores of two directories side by side
    Compare(CompareOptions),
    /// Copy a figure, its table and its verdict into docs/FIGURE
    ///
    /// All runs must be of one commit without changes. The commit is noted in docs/published.ron; a test fails once the numbers change.
    Publish(PublishOptions),
    /// Benchmark this software against Dopamine, JAX, PyTorch, MinAtar and cpprb
    ///
    /// The two sides alternate on the same core. Prints speed ratios and targets, and writes them to a file. The other libraries run in a
    /// Python environment that is created on first use; without Python, only this software is measured. A full run takes about 15 minutes.
    Bench(BenchOptions),
    /// Package every crate as for a registry, and build the packages away from the repository
    ///
    /// The light crates' tests run in their packages; with --all, the tests of the other crates are compiled too. Runs `scripts/package-check.sh`.
    Package {
        /// Compile the tests of the large crates as well, which takes minutes
        #[arg(long)]
        all: bool,
    },
    /// Check this machine: compiler, processor, devices, games, Python, disk and memory
    ///
    /// Each line says what a part is for, and how to get it if it is missing. Nothing is installed or changed.
    Doctor(DoctorOptions),
    /// Print shell completions, with the names of figures, arms, games and settings
    #[command(long_about = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command
    Man {
        /// The directory for the pages, e.g. ~/.local/share/man/man1
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// The command line of this front end.
///
/// The installed program has its own name in every text, and hides the tasks that need a clone.
pub(crate) fn command() -> Command {
    let command = Cli::command();
    if FrontEnd::this() == FrontEnd::Workspace {
        return command;
    }
    let hidden = |command: Command, task: &&str| command.mut_subcommand(task, |task| task.hide(true));
    let completions = "Print shell completions, with the names of figures, arms, games and settings\n\n\
                       In ~/.bashrc, for example:\n\n    source <(softmoe completions bash)";
    let command = command.name("softmoe").bin_name("softmoe");
    let command = OF_A_CLONE.iter().fold(command, hidden);
    renamed(command).mut_subcommand("completions", |task| task.long_about(completions))
}

/// The tasks that need a clone.
const OF_A_CLONE: [&str; 4] = ["bench", "demo", "package", "publish"];

/// The command with the installed program's name in its texts.
fn renamed(command: Command) -> Command {
    let renamed_text = |text: Option<&StyledStr>| {
        text.map(|text| text.to_string().replace(FrontEnd::Workspace.name(), FrontEnd::Installed.name()))
    };
    let (about, long_about) = (renamed_text(command.get_about()), renamed_text(command.get_long_about()));
    let command = command.mut_args(|argument| {
        let (help, long_help) = (renamed_text(argument.get_help()), renamed_text(argument.get_long_help()));
        let argument = match help {
            Some(help) => argument.help(help),
            None => argument,
        };
        match long_help {
            Some(help) => argument.long_help(help),
            None => argument,
        }
    });
    let command = match about {
        Some(about) => command.about(about),
        None => command,
    };
    let command = match long_about {
        Some(about) => command.long_about(about),
        None => command,
    };
    command.mut_subcommands(renamed)
}

#[derive(Args, Debug)]
pub(crate) struct DoctorOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory that will contain `runs/`; the free space of its disk is printed
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct TrainOptions {
    /// The agent: dqn, rainbow, der, or the random policy (random)
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: String,
    /// The game, e.g. Pong, or breakout of MinAtar
    #[arg(long, value_name = "GAME")]
    pub(crate) game: String,
    /// The suite of the game: atari, minatar or gym
    #[arg(long, value_name = "SUITE", default_value = "atari")]
    pub(crate) suite: String,
    /// The network, by the name of an arm, e.g. flat or softmoe-4 (`cargo xtask list` names all)
    #[arg(long, value_name = "ARM", default_value = "flat")]
    pub(crate) network: String,
    /// The encoder: nature, impala, minatar, minatar_deep, minatar_residual or dense [default: impala for Atari, that of the suite elsewhere]
    #[arg(long, value_name = "ENCODER")]
    pub(crate) encoder: Option<String>,
    /// Length of the run in agent steps, e.g. 40000, 100k or 2M
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "100k", allow_negative_numbers = true)]
    pub(crate) steps: u64,
    /// The seed
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MOST_FIRST_SEED))]
    pub(crate) seed: u64,
    /// Evaluations during the run, equally spaced
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "10", allow_negative_numbers = true)]
    pub(crate) evaluations: u64,
    /// Episodes of the final evaluation, whose mean return is the score
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "10", allow_negative_numbers = true)]
    pub(crate) episodes: u64,
    /// Device to train on: cpu, flex, wgpu, cuda or cuda:N; builds the worker with support for it [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<Device>,
    /// Override a setting, e.g. agent.n_step=5 or environment.noop_max=0 (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Write the run's configuration and stop
    #[arg(long)]
    pub(crate) prepare: bool,
    /// Directory that contains `runs/`
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = PathBufValueParser::new().map(not_an_option))]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct PlayTask {
    /// The run's directory, e.g. runs/quick/softmoe-4/breakout/seed-0
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) options: PlayOptions,
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateOptions {
    /// The run's directory, e.g. runs/quick/softmoe-4/breakout/seed-0
    pub(crate) run: PathBuf,
    /// Episodes [default: as many as the run's score has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) episodes: Option<u64>,
    /// Seed of the episodes [default: the run's seed, which gives the episodes of its score]
    #[arg(long, value_name = "SEED")]
    pub(crate) seed: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct StatusOptions {
    /// Only the arms of this figure [default: all arms]
    pub(crate) figure: Option<String>,
    /// Only this profile [default: all profiles]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Directory that contains `runs/`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct WatchOptions {
    #[command(flatten)]
    pub(crate) status: StatusOptions,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
}

#[derive(Args, Debug)]
pub(crate) struct CompareOptions {
    /// Directory A, which contains `runs/`
    #[arg(value_name = "A")]
    pub(crate) left: PathBuf,
    /// Directory B
    #[arg(value_name = "B")]
    pub(crate) right: PathBuf,
    /// Only this profile [default: all profiles]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReportOptions {
    /// Only this profile (may be repeated) [default: all profiles]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// Directory that contains `runs/` and `results/`
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = PathBufValueParser::new().map(not_an_option))]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DemoOptions {
    /// Run directories, or directories that contain runs, e.g. runs/quick/softmoe-4/breakout/seed-0
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Profile of the runs
    #[arg(long, value_name = "NAME", default_value = USUAL_PROFILE, conflicts_with = "runs")]
    pub(crate) profile: String,
    /// Only these games, separated by commas [default: all that have runs]
    #[arg(long, value_name = "GAME,..", value_delimiter = ',', conflicts_with = "runs")]
    pub(crate) games: Option<Vec<String>>,
    /// Only these arms, separated by commas [default: flat, softmoe-4 and softmoe-1-x4]
    #[arg(long, value_name = "ARM,..", value_delimiter = ',', conflicts_with = "runs")]
    pub(crate) arms: Option<Vec<String>>,
    /// Only runs with this seed [default: the lowest seed of each arm and game]
    #[arg(long, value_name = "SEED", conflicts_with = "runs")]
    pub(crate) seed: Option<u64>,
    /// Bits per weight: 8, rounded, or 32, unchanged, which makes the page about three times as large
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = clap::builder::PossibleValuesParser::new(["8", "32"]))]
    pub(crate) bits: String,
    /// Directory that contains `runs/`
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = PathBufValueParser::new().map(not_an_option))]
    pub(crate) out: PathBuf,
    /// Page to write [default: demo/index.html in the directory of `--out`]
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().map(not_an_option))]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct PublishOptions {
    /// The figure, e.g. fig3
    pub(crate) figure: String,
    /// Profile of its runs
    #[arg(long, value_name = "NAME", default_value = USUAL_PROFILE)]
    pub(crate) profile: String,
    /// Directory that contains `runs/` and `results/`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// The figure, e.g. fig3 [default: all]
    pub(crate) figure: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DescribeOptions {
    /// The arm, e.g. softmoe-4 (`cargo xtask list` names all)
    pub(crate) arm: String,
    /// Figure in which to look up the arm [default: the first figure that has it]
    #[arg(long, value_name = "FIGURE")]
    pub(crate) figure: Option<String>,
    /// Profile, i.e. size of the experiment [default: quick]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Use another encoder: minatar, minatar_deep, minatar_residual, nature or impala (nature and impala with 84x84 Atari observations and hidden width 512)
    #[arg(long, value_name = "ENCODER")]
    pub(crate) encoder: Option<String>,
    /// Game, which determines the number of channels and actions [default: the profile's first]
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
    /// Run only the benchmarks that match, e.g. 'step/minatar*' or replay/atari/sample [default: all]
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Option<String>,
    /// Rounds per benchmark; the best round is reported [default: 5, or 2 with --quick]
    #[arg(long, value_name = "N", value_parser = rounds, allow_negative_numbers = true)]
    pub(crate) rounds: Option<u64>,
    /// Cores to pin to, e.g. 1 or 0,1. Network benchmarks use all of them; end-to-end benchmarks start one run per core [default: the last core]
    #[arg(long, value_name = "K,..")]
    pub(crate) cpu: Option<Cores>,
    /// Benchmark an agent on a device instead: cpu, flex, wgpu, cuda or cuda:N. --only then selects networks, e.g. --only 'nature*'
    #[arg(long, value_name = "DEVICE", conflicts_with = "cpu")]
    pub(crate) device: Option<Device>,
    /// Measure this software only
    #[arg(long)]
    pub(crate) no_peers: bool,
    /// Python environment for the other libraries, created if missing [default: softmoe-rl/peers in the user's cache directory]
    #[arg(long, value_name = "DIR", conflicts_with = "no_peers")]
    pub(crate) venv: Option<PathBuf>,
    /// Output file, in JSON
    #[arg(long, value_name = "FILE", default_value = "bench.json")]
    pub(crate) out: PathBuf,
    /// Run fewer and smaller benchmarks with fewer rounds (about two minutes)
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// The figure, e.g. fig3, or `all` for all figures of the profile, one after the other
    #[arg(required_unless_present = "experiment")]
    pub(crate) figure: Option<String>,
    /// Take the experiment from this file, wherever it is, instead of a figure of the paper
    #[arg(long, value_name = "FILE", conflicts_with = "figure")]
    pub(crate) experiment: Option<PathBuf>,
    /// Print the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Profile, i.e. size of the experiment [default: quick; for a figure without training, all its drawings]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Only these games, separated by commas [default: the profile's]
    #[arg(long, value_name = "GAME,..", value_delimiter = ',')]
    pub(crate) games: Option<Vec<String>>,
    /// Only these arms (and the random policy), separated by commas [default: all]
    #[arg(long, value_name = "ARM,..", value_delimiter = ',')]
    pub(crate) arms: Option<Vec<String>>,
    /// Train another agent in every arm, e.g. dqn_minatar or der_minatar; the profile's settings still apply [default: the profile's]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Number of seeds [default: the profile's]
    #[arg(long, value_name = "N", value_parser = seeds, allow_negative_numbers = true)]
    pub(crate) seeds: Option<u64>,
    /// The first seed, e.g. 3 to add to the runs of seeds 0 to 2 [default: 0]
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..=MOST_FIRST_SEED))]
    pub(crate) first_seed: Option<u64>,
    /// Length of a run in agent steps, e.g. 40000, 100k or 2M [default: the profile's]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) steps: Option<u64>,
    /// Number of parallel runs [default: the number of cores; 1 for each graphics card]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) jobs: Option<u64>,
    /// Device to train on: cpu, flex, wgpu, cuda, cuda:N or several cards, as in cuda:0,cuda:1; builds the worker with support for it [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<Devices>,
    /// Override a setting in every run that has it, e.g. agent.n_step=5 (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Make an arm of each value of a setting, e.g. agent.n_step=1,3,5 gives flat-n-step-1 and so on (may be repeated)
    #[arg(long, value_name = "KEY=VALUE,..")]
    pub(crate) sweep: Vec<Sweep>,
    /// Take finished runs from this directory too, so that they need not be made again (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub(crate) merge: Vec<PathBuf>,
    /// Refuse a report on runs of different builds or instruction sets, and of a build that has no commit
    #[arg(long)]
    pub(crate) strict: bool,
    /// Draw figures without title and caption, for papers
    #[arg(long)]
    pub(crate) bare: bool,
    /// Directory that contains `runs/` and `results/`
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = PathBufValueParser::new().map(not_an_option))]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) cluster: LauncherOptions,
}

/// Greatest first seed: seeds are in the names of directories, and added to.
const MOST_FIRST_SEED: u64 = 1_000_000_000;

/// Most rounds of a benchmark.
const MOST_ROUNDS: u64 = 100;

/// The default profile.
pub(crate) const USUAL_PROFILE: &str = "quick";

impl Options {
    /// The profile's name.
    pub(crate) fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or(USUAL_PROFILE)
    }

    /// The options that apply to drawings too.
    pub(crate) fn drawing(options: &Options) -> Options {
        Options {
            dry_run: options.dry_run,
            bare: options.bare,
            out: options.out.clone(),
            ..Options::default()
        }
    }

    /// Given options that apply to runs only.
    pub(crate) fn about_runs(&self) -> Vec<&'static str> {
        let given = [
            ("--games", self.games.is_some()),
            ("--arms", self.arms.is_some()),
            ("--agent", self.agent.is_some()),
            ("--seeds", self.seeds.is_some()),
            ("--first-seed", self.first_seed.is_some()),
            ("--sweep", !self.sweep.is_empty()),
            ("--merge", !self.merge.is_empty()),
            ("--steps", self.steps.is_some()),
            ("--jobs", self.jobs.is_some()),
            ("--launcher", self.cluster.launcher.is_some()),
            ("--prepare", self.cluster.prepare),
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

/// The path in a form that no program takes for an option: `-x` as `./-x`.
fn not_an_option(path: PathBuf) -> PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path }
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match whole_number(text) {
        Some(0) => Err("must be at least 1".into()),
        Some(number) => Ok(number),
        None => Err("must be a whole number of at least 1, e.g. 40_000, 100k or 2M".into()),
    }
}
