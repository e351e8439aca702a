//! `cargo xtask`: plans the runs of a figure, starts a worker for each, watches them, and calls the reporter.
//!
//! | module | contents |
//! |---|---|
//! | `cli` | the command line |
//! | `catalog` | the experiments |
//! | `plan` | the runs of a command, and those that are left to do |
//! | `store` | the directories of the runs: finished, resumable, or in the way |
//! | `estimate` | the remaining time |
//! | `bench` | measurements of ours and of other software, in turn |
//! | `binaries` | builds of the worker, the reporter and the measuring program |
//! | `worker` | one worker process |
//! | `pool` | all worker processes, one per job |
//! | `launcher` | runs that a scheduler starts: their list, batch scripts, submission |
//! | `progress` | the display of progress |
//! | `line` | lines that fit a terminal |
//! | `output` | printing |
//! | `hints` | commands that messages tell to type |
//! | `interrupt` | signals |
//! | `publish` | figures of the documentation |
//! | `report` | the figure, the table and the verdict |
//! | `describe` | the layers of an arm's network |
//! | `draw` | figures without runs |
//! | `reproduce` | plan, build, run, report |
//! | `train` | one run of any agent, network and game |
//! | `atari` | the emulator's files and games |
//! | `compare` | the scores of two directories side by side |
//! | `status` | the state of the runs below a directory |
//! | `speed` | the speed of this machine |
//! | `list` | figures, arms, rules, times |
#![deny(missing_docs)]

mod atari;
mod bench;
mod binaries;
mod catalog;
mod cli;
mod compare;
mod cores;
mod cost;
mod describe;
mod devices;
mod draw;
mod estimate;
mod hints;
mod interrupt;
mod launcher;
mod line;
mod list;
mod memory;
mod output;
mod plan;
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
mod worker;

use clap::{CommandFactory, Parser};
use cli::{Cli, Task};
use softmoe_config::error::with_causes;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Reproduce(options) => reproduce::reproduce(&options),
        Task::Train(options) => train::train(&options),
        Task::Atari(task) => atari::atari(&task).map(|()| ExitCode::SUCCESS),
        Task::Status(options) => status::status(&options).map(|()| ExitCode::SUCCESS),
        Task::Watch(options) => status::watch(&options).map(|()| ExitCode::SUCCESS),
        Task::Compare(options) => compare::compare(&options).map(|()| ExitCode::SUCCESS),
        Task::Publish(options) => publish::publish(&options).map(|()| ExitCode::SUCCESS),
        Task::Describe(options) => describe::describe(&options).map(|()| ExitCode::SUCCESS),
        Task::Bench(options) => bench::bench(&options),
        Task::List(options) => list::list(&options).map(|()| ExitCode::SUCCESS),
        Task::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "xtask", &mut script);
            output::line(format_args!("{}", String::from_utf8_lossy(&script)));
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| {
        output::error_line(format_args!("error: {}", with_causes(error.as_ref())));
        ExitCode::FAILURE
    })
}
