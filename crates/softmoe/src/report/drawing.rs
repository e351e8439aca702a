//! Figures without runs: drawings of the networks of their arms.

use super::WriteError;
use super::data::{FORMAT, FigureData, NetworkData, TextTable};
use super::files::{DATA, faces, json, write_all};
use crate::description::{Description, Layer, Part};
use crate::plot::{Architectures, Block, Column, Dress, Family, Heading, Mark};
use softmoe_config::words::{count, thousands};
use softmoe_config::{EncoderSpec, Experiment};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Writes `figure.svg`, `figure.png`, `figure.pdf`, `table.md` and `report.json` of a drawing of `experiment` into `directory`, which is made if
/// it is missing. Returns their paths.
///
/// # Errors
///
/// If there is no such drawing or network, if it cannot be drawn, or if a file cannot be written.
pub fn draw(
    experiment: &Experiment,
    name: &str,
    directory: &Path,
    dress: Dress,
) -> Result<Vec<PathBuf>, WriteError> {
    let drawing = experiment.drawing(name)?;
    let (mut networks, mut tables) = (Vec::new(), Vec::new());
    let mut table = format!("# {}\n\n{}\n", experiment.title, drawing.purpose);
    for arm in &experiment.arms {
        let architecture = experiment.drawn(name, &arm.name)?;
        let description = Description::of(&architecture)?;
        let _ = write!(table, "\n## {}\n\n{}", arm.label, description.markdown());
        let header = ["layer", "output", "parameters", "multiply-adds"].map(str::to_owned).to_vec();
        let layers = TextTable { header, rows: description.rows(), note: String::new() };
        tables.push(NetworkData { label: arm.label.clone(), layers });
        networks.push(Column {
            label: arm.label.clone(),
            mark: super::mark(experiment, &arm.name).unwrap_or(Mark::of(Family::Other)),
            blocks: blocks(&description, architecture.network.encoder),
            totals: vec![
                format!("{} parameters", thousands(description.parameters)),
                format!("{} multiply-adds a sample", thousands(description.multiply_adds)),
            ],
        });
    }
    let picture = Architectures {
        heading: Heading {
            title: experiment.title.clone(),
            caption: format!(
                "{} · {name} · {} A box shows a layer, the shape of its output, and its number of parameters, also as a bar \
                 at its foot; white boxes are the same in all.",
                experiment.figure, drawing.purpose
            ),
        },
        networks,
    };
    let data = FigureData {
        format: FORMAT,
        figure: experiment.figure.clone(),
        profile: name.to_owned(),
        title: experiment.title.clone(),
        purpose: drawing.purpose.clone(),
        caption: picture.heading.caption.clone(),
        results: None,
        networks: tables,
    };
    let mut files = Vec::from(faces("figure", &picture, dress)?);
    files.push((DATA.to_owned(), json(&data)?));
    files.push(("table.md".to_owned(), table.into_bytes()));
    write_all(directory, files)
}

/// The boxes of a network: the observation, the whole encoder, then every layer, with ReLUs joined to the layer before them.
fn blocks(description: &Description, encoder: EncoderSpec) -> Vec<Block> {
    let of_encoder = || description.layers.iter().filter(|layer| layer.part == Part::Encoder);
    let convolutions = of_encoder().filter(|layer| layer.name.starts_with("Conv2d")).count();
    let name = match encoder {
        EncoderSpec::MinAtar => "MinAtar",
        EncoderSpec::MinAtarDeep => "deep MinAtar",
        EncoderSpec::MinAtarResidual { .. } => "residual MinAtar",
        EncoderSpec::Nature => "Nature CNN",
        EncoderSpec::Impala { .. } => "Impala",
        EncoderSpec::Dense { .. } => "Dense",
    };
    let block = |name: String, output: &[usize], parameters: usize, shared: bool| Block {
        name,
        output: output.to_vec(),
        parameters,
        shared,
    };
    let mut blocks = vec![
        block("observation".into(), &description.observation, 0, true),
        block(
            format!("{name} encoder, {}", count(convolutions, "convolution")),
            &encoder.feature_map(),
            of_encoder().map(|layer| layer.parameters).sum(),
            true,
        ),
    ];
    for Layer { name, output, parameters, part, .. } in &description.layers {
        match (part, blocks.last_mut()) {
            (Part::Encoder, _) => {}
            (_, Some(before)) if name == "ReLU" => before.name += ", ReLU",
            _ => blocks.push(block(name.clone(), output, *parameters, false)),
        }
    }
    blocks
}
