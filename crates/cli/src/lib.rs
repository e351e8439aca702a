//! The front end of softmoe: plans the runs of a figure, starts a worker for each, watches them, and calls the reporter.
//!
//! Two programs call [`main`]: `cargo xtask` in a clone, and the installed `softmoe`.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     softmoe_cli::main(softmoe_cli::FrontEnd::Installed)
//! }
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `cli` | the command line |
//! | `front_end` | which of the two programs this is |
//! | `catalog` | the experiments |
//! | `plan` | the runs of a command, and those that are left to do |
//! | `store` | the directories of the runs: finished, resumable, or in the way |
//! | `estimate` | the remaining time |
//! | `bench` | measurements of this software and of other software, in turn |
//! | `binaries` | builds of the worker, the reporter and the measuring program |
//! | `worker` | one worker process |
//! | `pool` | all worker processes, one per job |
//! | `launcher` | runs that a scheduler starts: their list, batch scripts, submission |
//! | `progress` | the display of progress |
//! | `line` | lines that fit a terminal |
//! | `output` | printing |
//! | `hints` | commands that messages suggest |
//! | `interrupt` | signals |
//! | `publish` | figures of the documentation |
//! | `report` | the figure, the table and the verdict |
//! | `page` | all figures as one page |
//! | `describe` | the layers of an arm's network |
//! | `draw` | figures without runs |
//! | `reproduce` | plan, build, run, report |
//! | `train` | one run of any agent, network and game |
//! | `play` | showing a trained run, and scoring it again |
//! | `demo` | trained agents in a web page |
//! | `wasm` | the WebAssembly program of that page |
//! | `atari` | the emulator's files and games |
//! | `compare` | the scores of two directories side by side |
//! | `status` | the state of the runs below a directory |
//! | `speed` | the speed of this machine |
//! | `list` | figures, arms, rules, times |
//! | `doctor` | this machine: its parts, and those that are missing |
//! | `package` | packages of all crates |
//! | `manual` | shell completions and manual pages |
#![deny(missing_docs)]

mod atari;
mod bench;
mod binaries;
mod catalog;
mod cli;
mod compare;
mod cores;
mod cost;
mod demo;
mod describe;
mod devices;
mod doctor;
mod draw;
mod estimate;
mod front_end;
mod hints;
mod interrupt;
mod launcher;
mod line;
mod list;
mod manual;
mod memory;
mod output;
mod package;
mod page;
mod plan;
mod play;
mod pool;
mod power;
mod progress;
mod publish;
mod report;
mod reproduce;
mod speed;
mod status;
mod store;
mod time;
mod train;
mod wasm;
mod worker;

pub use front_end::FrontEnd;

use clap::FromArgMatches;
use cli::{Cli, Task};
use softmoe_config::error::with_causes;
use std::process::ExitCode;

/// Does what the arguments of this process ask for, as the front end `program`.
pub fn main(program: FrontEnd) -> ExitCode {
    program.set();
    let matches = cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    run(cli.task).unwrap_or_else(|error| {
        output::error_line(format_args!("error: {}", with_causes(error.as_ref())));
        ExitCode::FAILURE
    })
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    if FrontEnd::this() == FrontEnd::Installed
        && let Task::Bench(_) | Task::Demo(_) | Task::Package { .. } | Task::Publish(_) = task
    {
        anyhow::bail!("this task needs a clone of the repository: type `cargo xtask ..` there");
    }
    match task {
        Task::Reproduce(options) => return reproduce::reproduce(&options),
        Task::Train(options) => return train::train(&options),
        Task::Bench(options) => return bench::bench(&options),
        Task::Play(task) => return play::play(&task),
        Task::Evaluate(options) => return play::evaluate(&options),
        Task::Atari(task) => atari::atari(&task)?,
        Task::Status(options) => status::status(&options)?,
        Task::Watch(options) => status::watch(&options)?,
        Task::Compare(options) => compare::compare(&options)?,
        Task::Report(options) => page::page(&options)?,
        Task::Demo(options) => demo::demo(&options)?,
        Task::Package { all } => return package::package(all),
        Task::Publish(options) => publish::publish(&options)?,
        Task::Describe(options) => describe::describe(&options)?,
        Task::List(options) => list::list(&options)?,
        Task::Doctor(options) => doctor::doctor(&options)?,
        Task::Completions { shell } => manual::completions(shell)?,
        Task::Man { directory } => manual::pages(&directory)?,
    }
    Ok(ExitCode::SUCCESS)
}
