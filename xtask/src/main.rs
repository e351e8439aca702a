//! `cargo xtask`: plans the runs of a figure, starts a worker for each, watches them, asks for the report.
//!
//! | module | what it knows |
//! |---|---|
//! | `cli` | what can be typed |
//! | `catalog` | where the experiments lie |
//! | `plan` | which runs an invocation asks for, and what is left to do |
//! | `store` | the directories of the runs: what is finished, what is in the way |
//! | `estimate` | how long it will take |
//! | `bench` | measuring ours and other people's software in turn |
//! | `binaries` | building the worker, the reporter and what measures |
//! | `worker` | one worker process |
//! | `pool` | as many of them as there are jobs |
//! | `progress` | what the user sees meanwhile |
//! | `output` | printing |
//! | `interrupt` | Ctrl-C |
//! | `report` | the figure, the table and the verdict |
//! | `describe` | what an arm's network is made of |
//! | `draw` | a figure without runs |
//! | `reproduce` | all of these, in order |
#![deny(missing_docs)]

mod bench;
mod binaries;
mod catalog;
mod cli;
mod cores;
mod describe;
mod draw;
mod estimate;
mod interrupt;
mod memory;
mod output;
mod plan;
mod pool;
mod progress;
mod report;
mod reproduce;
mod store;
mod time;
mod worker;

use clap::{CommandFactory, Parser};
use cli::{Cli, Task};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Reproduce(options) => reproduce::reproduce(&options),
        Task::Describe(options) => describe::describe(&options).map(|()| ExitCode::SUCCESS),
        Task::Bench(options) => bench::bench(&options),
        Task::List => catalog::list().map(|()| ExitCode::SUCCESS),
        Task::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "xtask", &mut script);
            output::line(format_args!("{}", String::from_utf8_lossy(&script)));
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| {
        output::error_line(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
