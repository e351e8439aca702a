//! Descriptions of networks, as a table and as JSON.

use crate::text;
use comfy_table::CellAlignment;
use serde::Serialize;
use softmoe_agents::{AgentError, networks};
use softmoe_config::words::thousands;
use softmoe_config::{Architecture, HeadSpec};
use std::fmt::Write as _;

/// Description of a network by its layers.
///
/// ```
/// use softmoe::description::Description;
///
/// let flat = "(network: (encoder: minatar, body: flat(), hidden: 128), observation: (10, 10, 4), actions: 6, \
///              head: categorical(atoms: 51, dueling: true, noisy: true))";
/// let description = Description::of(&flat.parse()?)?;
/// assert_eq!(description.parameters, 355_098);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The network as text: [`Architecture`] in RON.
    pub architecture: String,
    /// Sizes of an observation: height, width, channels.
    pub observation: [usize; 3],
    /// The layers, in order.
    pub layers: Vec<Layer>,
    /// Trained parameters of all layers.
    pub parameters: usize,
    /// Multiply-adds of all layers, for one sample.
    pub multiply_adds: usize,
}

/// One layer, or a part of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Name and settings.
    pub name: String,
    /// The part of the network that the layer belongs to.
    pub part: Part,
    /// Shape of one sample's output.
    pub output: Vec<usize>,
    /// Trained parameters.
    pub parameters: usize,
    /// Multiply-adds of products and convolutions in the forward pass of one sample.
    pub multiply_adds: usize,
}

/// A part of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// From the observation to the feature map.
    Encoder,
    /// From the feature map to the input of the head.
    Body,
    /// The network's outputs.
    Head,
}

impl Description {
    /// The network of `architecture`, built as for a run.
    ///
    /// # Errors
    ///
    /// There is no such network.
    pub fn of(architecture: &Architecture) -> Result<Self, AgentError> {
        let rows = networks::build(architecture)?.describe();
        let map = architecture.network.encoder.feature_map();
        // The feature map is the last of its shape: bodies have fewer axes.
        let encoder = rows.iter().rposition(|row| row.output == map).map_or(0, |last| last + 1);
        let head = rows.len() - 1;
        let part = |row: usize| match row {
            row if row < encoder => Part::Encoder,
            row if row < head => Part::Body,
            _ => Part::Head,
        };
        // A Q head is built as a categorical head with a single atom.
        let is_q = matches!(architecture.head, HeadSpec::Q { .. });
        let name = |name: String| if is_q { name.replace("categorical head", "Q head") } else { name };
        let layers: Vec<Layer> = rows
            .into_iter()
            .enumerate()
            .map(|(row, layer)| Layer {
                part: part(row),
                name: name(layer.name),
                output: layer.output,
                parameters: layer.parameters,
                multiply_adds: layer.multiply_adds,
            })
            .collect();
        Ok(Description {
            architecture: architecture.to_string(),
            observation: architecture.observation,
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            layers,
        })
    }

    /// A table of at most `columns` characters: layer, output, parameters, multiply-adds; and the totals.
    pub fn table(&self, columns: u16) -> String {
        let mut table = text::table(columns);
        table.set_header(["layer", "output", "parameters", "multiply-adds"]);
        table.add_row(["observation", &sizes(&self.observation), "", ""]);
        for layer in &self.layers {
            table.add_row([
                layer.name.clone(),
                sizes(&layer.output),
                if layer.parameters == 0 { String::new() } else { thousands(layer.parameters) },
                if layer.multiply_adds == 0 { String::new() } else { thousands(layer.multiply_adds) },
            ]);
        }
        table.add_row(["total", "", &thousands(self.parameters), &thousands(self.multiply_adds)]);
        for index in 2..4 {
            if let Some(column) = table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }

    /// The same table in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = "| layer | output | parameters | multiply-adds |\n|---|---|--:|--:|\n".to_owned();
        for cells in self.rows() {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text
    }

    /// The rows of that table: name, output, parameters and multiply-adds of the observation, of each layer and of all.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let row = |name: &str, output: &str, numbers: [usize; 2]| {
            let [parameters, multiply_adds] =
                numbers.map(|number| if number == 0 { String::new() } else { thousands(number) });
            vec![name.to_owned(), output.to_owned(), parameters, multiply_adds]
        };
        let mut rows = vec![row("observation", &sizes(&self.observation), [0, 0])];
        for layer in &self.layers {
            rows.push(row(&layer.name, &sizes(&layer.output), [layer.parameters, layer.multiply_adds]));
        }
        rows.push(row("total", "", [self.parameters, self.multiply_adds]));
        rows
    }
}

/// `11 x 11 x 32`.
pub fn sizes(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}
