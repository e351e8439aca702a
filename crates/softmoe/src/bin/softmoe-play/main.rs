//! Shows a trained run playing, as a film in a file or in the terminal. No file in the run's directory changes.

mod files;
mod keys;
mod session;
mod terminal;

use anyhow::{Context, bail};
use clap::Parser;
use files::Files;
use mimalloc::MiMalloc;
use session::Session;
use softmoe_config::error::with_causes;
use softmoe_config::{RunConfig, RunDirectory};
use softmoe_console::output;
use softmoe_console::play::PlayOptions;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Large blocks begin at whole cache lines, as in the worker.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Watch a trained run play its game, or play it yourself.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The run's directory, e.g. runs/quick/softmoe-4/breakout/seed-0
    run: PathBuf,
    #[command(flatten)]
    options: PlayOptions,
}

fn main() -> ExitCode {
    let Arguments { run, options } = Arguments::parse();
    play(RunDirectory::new(run), &options).unwrap_or_else(|error| {
        output::error_line(format_args!("error: {}", with_causes(error.as_ref())));
        ExitCode::FAILURE
    })
}

fn play(directory: RunDirectory, options: &PlayOptions) -> anyhow::Result<ExitCode> {
    let config = RunConfig::read(&directory.run_ron())
        .with_context(|| format!("{} is no run", directory.path().display()))?;
    let asks_for_files = options.gif.is_some() || options.mp4.is_some() || options.png.is_some();
    if !asks_for_files && !stdout().is_terminal() {
        let asked = match (options.human, options.terminal) {
            (true, _) => "`--human` needs a terminal",
            (_, true) => "`--terminal` needs a terminal",
            _ => "the game cannot be shown",
        };
        bail!(
            "{asked}: standard output is none. Write a file instead: `--gif FILE`, `--mp4 FILE`, or a contact sheet with `--png FILE`"
        );
    }
    if asks_for_files {
        let files = Files::check(options, &directory)?;
        files::write(Session::new(&config, &directory, options)?, &files, options)
    } else {
        terminal::show(Session::new(&config, &directory, options)?, options)
    }
}
