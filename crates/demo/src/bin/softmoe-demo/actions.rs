//! Computes the actions of a page's agents natively.

use crate::embed;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use softmoe_console::output;
use softmoe_demo::pack::Pack;
use softmoe_demo::protocol::Request;
use softmoe_demo::stage::Stage;
use softmoe_nets::kernels::InstructionSet;
use std::fs;
use std::path::PathBuf;

/// Which actions to print.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The page
    page: PathBuf,
    /// Steps to play with each agent
    #[arg(long, value_name = "N", default_value_t = 1000)]
    steps: usize,
}

/// The first actions in the episodes of an agent's score, and the returns of the episodes that end within them.
#[derive(Serialize)]
struct Played {
    agent: usize,
    actions: Vec<usize>,
    returns: Vec<f64>,
}

/// Plays each agent, and prints its actions and returns.
pub(crate) fn print(options: &Options) -> Result<()> {
    let path = options.page.display();
    let page = fs::read_to_string(&options.page).with_context(|| format!("cannot read {path}"))?;
    let pack = embed::of_page(&page, "agents")
        .with_context(|| format!("{path} is not a page of `cargo xtask demo`"))?;
    let portable: InstructionSet = "portable".parse()?;
    let mut stage = Stage::new(Pack::from_bytes(&pack)?)?.with_instruction_set(portable);
    let mut all = Vec::new();
    for agent in 0..stage.facts().len() {
        let mut next = stage.ask(Request::NewGame { agent, seed: None })?.next;
        let mut actions = Vec::with_capacity(options.steps);
        for _ in 0..options.steps {
            actions.push(next);
            next = stage.ask(Request::Step { action: None })?.next;
        }
        all.push(Played { agent, actions, returns: stage.returns().to_vec() });
    }
    output::line(format_args!("{}", serde_json::to_string(&all)?));
    Ok(())
}
