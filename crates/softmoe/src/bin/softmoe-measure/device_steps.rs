//! Training steps on a device, beside the results of `peers/gpu_train_step.py`.

use crate::networks;
use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use softmoe_agents::check_device;
use softmoe_config::Device;
use softmoe_config::protocol::TrainStepLine;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The device: flex, wgpu, cuda or cuda:N
    #[arg(long)]
    device: Device,
    /// Only the networks whose names contain this text, e.g. minatar
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Steps of each of the three rounds
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Output of `peers/gpu_train_step.py` on the same machine, for comparison
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
}

/// Framework and updates a second: with a wait after each step, and queued.
type Peer = (String, [f64; 2]);

/// The peers' rates by network.
fn read(text: &str) -> BTreeMap<String, Vec<Peer>> {
    let mut peers: BTreeMap<String, Vec<Peer>> = BTreeMap::new();
    for (framework, net, rates) in
        text.lines().filter_map(TrainStepLine::read).filter_map(TrainStepLine::rates)
    {
        peers.entry(net).or_default().push((framework, rates));
    }
    peers
}

/// Prints our updates a second and the peers'.
pub(crate) fn report(options: &Options) -> Result<()> {
    check_device(options.device)?;
    let names: Vec<&str> = networks::names()
        .filter(|name| options.only.as_ref().is_none_or(|only| name.contains(only.as_str())))
        .collect();
    if names.is_empty() {
        let all: Vec<&str> = networks::names().collect();
        bail!("no network has `{}` in its name: {}", options.only.as_deref().unwrap_or(""), all.join(", "));
    }
    let peers = match &options.peers {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            read(&text)
        }
        None => BTreeMap::new(),
    };
    let frameworks: Vec<&String> = {
        let mut found: Vec<&String> = peers.values().flatten().map(|(framework, _)| framework).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let ours = ["network".to_owned(), format!("ours, {}", options.device)];
    table.set_header(ours.into_iter().chain(frameworks.iter().map(|name| name.to_string())));
    for name in names {
        let cell = |[waited, queued]: [f64; 2]| format!("{waited:.0} / {queued:.0}");
        let mut row = vec![name.to_owned(), cell(networks::on_device(name, options.device, options.steps)?)];
        for framework in &frameworks {
            let of = peers.get(name).into_iter().flatten().find(|(known, _)| known == *framework);
            row.push(of.map_or("-".into(), |(_, rates)| cell(*rates)));
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = "Updates a second of 32 observations (forward, backward, Adam): waiting for each / queued without waiting.";
    let _ = writeln!(std::io::stdout(), "{text}\n\n{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_lines_are_read_and_all_else_is_passed_over() {
        let text = r#"{"host": "a processor"}
            {"framework": "torch", "net": "sgemm", "gflops": 1}
            {"framework": "jax", "skipped": "jax is not installed"}
            {"framework": "torch-graph", "net": "minatar-flat", "params": 7, "train_ms_min": 0.5, "train_queued_ms": 0.25}
            not JSON"#;
        let peers = read(text);
        assert_eq!(peers.len(), 1);
        assert_eq!(peers["minatar-flat"], [("torch-graph".to_owned(), [2000.0, 4000.0])]);
    }
}
