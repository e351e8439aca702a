//! Agents as bytes: their settings, weights and scores.

use crate::DemoError;
use crate::rounding::Rounded;
use serde::{Deserialize, Serialize};
use softmoe_nets::{Parameter, ParameterList};

/// The first bytes of a pack. The last of them is the version of the format.
const MAGIC: &[u8; 8] = b"softmoe\x01";

/// The agents of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// The agents, in the order in which the page lists them.
    pub agents: Vec<PackedAgent>,
}

/// A trained agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackedAgent {
    /// The text of its `run.ron`.
    pub run: String,
    /// The seed of the token permutation. Only shuffled tokens use it.
    pub permutation_seed: u64,
    /// Agent steps of its training.
    pub agent_steps: u64,
    /// Mean return of the run's final evaluation, and its number of episodes; `None` for a run that has not finished.
    pub score: Option<(f64, usize)>,
    /// Mean return of the same episodes with the rounded weights; `None` if the weights are not rounded or there is no score.
    pub packed_score: Option<f64>,
    /// A tensor for each parameter of the network, in the order of its parameter list.
    pub tensors: Vec<Tensor>,
}

/// The values of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tensor {
    /// A noise scale, whose values are left out: the agents play with their noise off.
    Noise,
    /// 32 bits per value.
    Full(Vec<f32>),
    /// 8 bits per value.
    Rounded(Rounded),
}

/// Bits per weight of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// All 32.
    Full,
    /// 8: see [`rounding`](crate::rounding).
    Eight,
}

impl Pack {
    /// The pack as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, MAGIC.to_vec()).expect("a pack can always be serialized")
    }

    /// Reads a pack.
    ///
    /// # Errors
    /// [`DemoError::Pack`] if the bytes are not a pack of this version, or if more bytes follow it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DemoError> {
        let problem = |problem: &str| DemoError::Pack(problem.to_owned());
        let bytes = bytes.strip_prefix(MAGIC).ok_or_else(|| problem("it does not begin as one"))?;
        match postcard::take_from_bytes(bytes) {
            Ok((pack, [])) => Ok(pack),
            Ok((_, rest)) => Err(problem(&format!("{} bytes follow its end", rest.len()))),
            Err(error) => Err(problem(&error.to_string())),
        }
    }
}

/// The tensors of a network's `weights`, which are in the order of `parameters`.
///
/// # Panics
/// If there are fewer weights than the parameters have.
pub fn tensors(parameters: &ParameterList, weights: &[f32], precision: Precision) -> Vec<Tensor> {
    let tensor = |parameter: &Parameter| {
        let values = &weights[parameter.range.clone()];
        match (precision, &parameter.shape[..]) {
            _ if is_noise(parameter) => Tensor::Noise,
            (Precision::Eight, [_, .., columns]) => Tensor::Rounded(Rounded::new(values, *columns)),
            _ => Tensor::Full(values.to_vec()),
        }
    };
    parameters.iter().map(tensor).collect()
}

/// The weights of a network, in the order of `parameters`, with zeros for the noise scales.
///
/// # Errors
/// The first difference in words, if the tensors do not fit `parameters`.
pub fn weights(parameters: &ParameterList, tensors: &[Tensor]) -> Result<Vec<f32>, String> {
    let expected = parameters.iter().count();
    if tensors.len() != expected {
        return Err(format!("it has {} tensors, the network {expected} parameters", tensors.len()));
    }
    let mut weights = vec![0.0; parameters.len()];
    for (parameter, tensor) in parameters.iter().zip(tensors) {
        let columns = parameter.shape.last().copied().unwrap_or(0);
        let values = match tensor {
            Tensor::Noise if is_noise(parameter) => continue,
            Tensor::Noise => return Err(format!("`{}` has no values", parameter.name)),
            Tensor::Full(values) => values.clone(),
            Tensor::Rounded(rounded) if rounded.scales.len() != columns || columns == 0 => {
                let given = rounded.scales.len();
                return Err(format!("`{}` has {given} columns instead of {columns}", parameter.name));
            }
            Tensor::Rounded(rounded) => rounded.values(),
        };
        let place = &mut weights[parameter.range.clone()];
        if values.len() != place.len() {
            let (name, given) = (&parameter.name, values.len());
            return Err(format!("`{name}` has {given} values instead of {}", place.len()));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("`{}` holds {value}", parameter.name));
        }
        place.copy_from_slice(&values);
    }
    Ok(weights)
}

/// Whether a parameter is the noise scale of a noisy layer.
fn is_noise(parameter: &Parameter) -> bool {
    parameter.name.ends_with("_sigma")
}
