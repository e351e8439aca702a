//! Puts trained agents, their games and the page around them into one HTML file.

mod actions;
mod embed;
mod page;

use clap::{Parser, Subcommand};
use softmoe_console::output;
use std::process::ExitCode;

/// Put trained MinAtar agents into a web page, or play them as the page does
#[derive(Debug, Parser)]
#[command(name = "softmoe-demo", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the page
    Page(page::Options),
    /// Print the actions and returns of each agent of a page, as JSON
    ///
    /// They are computed natively, with the portable kernels, which round as WebAssembly does.
    Actions(actions::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Page(options) => page::write(&options),
        Task::Actions(options) => actions::print(&options),
    };
    result.map_or_else(
        |error| {
            output::error_line(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}
