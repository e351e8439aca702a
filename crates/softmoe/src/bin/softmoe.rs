//! `softmoe`: plans the runs of a figure, trains them, plots the figure and judges the claim.

use softmoe_cli::FrontEnd;
use std::process::ExitCode;

fn main() -> ExitCode {
    softmoe_cli::main(FrontEnd::Installed)
}
