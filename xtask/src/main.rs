//! `cargo xtask`: the front end of softmoe in a clone, with the tasks of its maintainers.
#![deny(missing_docs)]

use softmoe_cli::FrontEnd;
use std::process::ExitCode;

fn main() -> ExitCode {
    softmoe_cli::main(FrontEnd::Workspace)
}
