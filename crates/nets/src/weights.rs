//! Weights as [safetensors](https://huggingface.co/docs/safetensors) files, which other programs read: a named tensor
//! for each parameter, and the network's architecture in the header.
//!
//! ```
//! use softmoe_nets::layers::Linear;
//! use softmoe_nets::weights::{Permutations, WeightsFile, write};
//! use softmoe_nets::Builder;
//!
//! let mut builder = Builder::new();
//! Linear::new(&mut builder, "head", 2, 1);
//! let list = builder.parameters();
//! let bytes = write("a linear head", list.named(&[0.5, -0.5, 0.0]), &Permutations::new())?;
//!
//! let file = WeightsFile::read(&bytes)?;
//! assert_eq!(file.architecture(), "a linear head");
//! assert_eq!(file.values(list)?, [0.5, -0.5, 0.0]);
//!
//! // Another network: the error says which tensor differs, and how.
//! let mut builder = Builder::new();
//! Linear::new(&mut builder, "haed", 2, 1);
//! let error = file.values(builder.parameters()).unwrap_err().to_string();
//! assert!(error.contains("`head/kernel` is in the file alone (did you mean `haed/kernel`?)"), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::ParameterList;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use thiserror::Error;

/// The header's entry that holds the architecture. It is the only entry: the format's writer would write several in a
/// different order each time.
const ARCHITECTURE: &str = "architecture";
/// Differences that an error lists before it only counts the rest.
const LISTED: usize = 6;

/// Permutations of values that belong to a network and are not trained, by name: place i takes the value at place
/// `[i]`.
pub type Permutations = BTreeMap<String, Vec<usize>>;

/// The reason why weights, or a file of them, cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file, or only a part of one: {0}")]
    Format(String),
    /// The file does not name its network.
    #[error(
        "the header has no entry `{ARCHITECTURE}`, which names the network: the file was not written by this program"
    )]
    NoArchitecture,
    /// A tensor of another number type.
    #[error("the tensor `{name}` is of type {found} but must be {expected}")]
    Type {
        /// Its name.
        name: String,
        /// Its type.
        found: String,
        /// The type that it should have.
        expected: &'static str,
    },
    /// A value that is infinite or NaN.
    #[error("the tensor `{name}` holds {value}: the weights are of a run that diverged")]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// The first such value.
        value: f32,
    },
    /// The tensors are not the parameters of the network.
    #[error("the weights are of another network: {}", listed(differences))]
    Differs {
        /// Every tensor that differs.
        differences: Vec<TensorDifference>,
    },
}

/// As text, which already contains the error's causes: as a source, it would print them twice.
impl From<SafeTensorError> for WeightsError {
    fn from(error: SafeTensorError) -> Self {
        WeightsError::Format(error.to_string())
    }
}

/// A difference between the tensors of a file and the parameters of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TensorDifference {
    /// A parameter of the network that is missing in the file.
    Missing {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The nearest of the file's names that are not the network's.
        nearest: Option<String>,
    },
    /// A tensor of the file that the network does not have.
    Unexpected {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The nearest of the network's names that are not the file's.
        nearest: Option<String>,
    },
    /// A tensor whose shape differs between file and network.
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the file.
        file: Vec<usize>,
        /// Its shape in the network.
        network: Vec<usize>,
    },
}

impl fmt::Display for TensorDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = |nearest: &Option<String>| {
            nearest.as_ref().map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
        };
        match self {
            TensorDifference::Missing { name, nearest, .. } => {
                write!(f, "`{name}` is missing in the file{}", hint(nearest))
            }
            TensorDifference::Unexpected { name, nearest, .. } => {
                write!(f, "`{name}` is in the file alone{}", hint(nearest))
            }
            TensorDifference::Shape { name, file, network } => {
                write!(f, "`{name}` is of shape {file:?} in the file, {network:?} in the network")
            }
        }
    }
}

/// The first few of `differences`: tensors of the network first, then tensors that only the file has.
fn listed(differences: &[TensorDifference]) -> String {
    let is_alone = |difference: &&TensorDifference| matches!(difference, TensorDifference::Unexpected { .. });
    let alone = differences.iter().filter(is_alone).count().min(LISTED / 2);
    let others = differences.iter().filter(|difference| !is_alone(difference)).take(LISTED - alone);
    let room = LISTED - others.clone().count();
    let listed = others.chain(differences.iter().filter(is_alone).take(room));
    let mut listed: Vec<String> = listed.map(TensorDifference::to_string).collect();
    if differences.len() > LISTED {
        listed.push(format!("and {} more", differences.len() - LISTED));
    }
    listed.join("; ")
}

impl ParameterList {
    /// The parameters' names and shapes with their `values`, a flat buffer.
    ///
    /// # Panics
    /// If `values` is shorter than the list.
    pub fn named<'a>(&'a self, values: &'a [f32]) -> impl Iterator<Item = (&'a str, &'a [usize], &'a [f32])> {
        self.iter().map(|parameter| {
            (parameter.name.as_str(), parameter.shape.as_slice(), &values[parameter.range.clone()])
        })
    }
}

/// The bytes of a file with `tensors` (name, shape, values) and `permutations`, for the network that `architecture`
/// names.
///
/// # Errors
/// [`WeightsError::Format`] if the number of a tensor's values is not the product of its shape.
pub fn write<'a>(
    architecture: &str,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [f32])>,
    permutations: &Permutations,
) -> Result<Vec<u8>, WeightsError> {
    let floats = tensors.into_iter().map(|(name, shape, values)| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (name, Dtype::F32, shape.to_vec(), bytes)
    });
    let places = permutations.iter().map(|(name, places)| {
        let bytes = places.iter().flat_map(|&place| (place as i64).to_le_bytes()).collect();
        (name.as_str(), Dtype::I64, vec![places.len()], bytes)
    });
    let tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = floats.chain(places).collect();
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<_, SafeTensorError>>()?;
    let metadata = HashMap::from([(ARCHITECTURE.to_owned(), architecture.to_owned())]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}

/// The contents of a file of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsFile {
    architecture: String,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    permutations: Permutations,
}

impl WeightsFile {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// If they are not a file of weights, or a value is not finite.
    pub fn read(bytes: &[u8]) -> Result<Self, WeightsError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let architecture = metadata.metadata().as_ref().and_then(|entries| entries.get(ARCHITECTURE));
        let architecture = architecture.ok_or(WeightsError::NoArchitecture)?.clone();
        let (mut tensors, mut permutations) = (BTreeMap::new(), Permutations::new());
        for (name, view) in SafeTensors::deserialize(bytes)?.iter() {
            let data = view.data();
            match view.dtype() {
                Dtype::F32 => {
                    let values: Vec<f32> =
                        data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
                    if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
                        return Err(WeightsError::NotFinite { name: name.to_owned(), value });
                    }
                    tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
                }
                Dtype::I64 => {
                    let places = data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as usize);
                    permutations.insert(name.to_owned(), places.collect());
                }
                other => {
                    let (name, found) = (name.to_owned(), format!("{other:?}"));
                    return Err(WeightsError::Type {
                        name,
                        found,
                        expected: "F32 (or I64 for a permutation)",
                    });
                }
            }
        }
        Ok(WeightsFile { architecture, tensors, permutations })
    }

    /// The architecture of the network, as the file's writer described it.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The permutations that belong to the network.
    pub fn permutations(&self) -> &Permutations {
        &self.permutations
    }

    /// The values of a network's parameters, as the flat buffer of their list.
    ///
    /// # Errors
    /// [`WeightsError::Differs`] with every tensor that is missing, unexpected or of another shape.
    pub fn values(&self, parameters: &ParameterList) -> Result<Vec<f32>, WeightsError> {
        let differences = self.differences(parameters);
        if !differences.is_empty() {
            return Err(WeightsError::Differs { differences });
        }
        let mut values = vec![0.0; parameters.len()];
        for parameter in parameters.iter() {
            if let Some((_, of_file)) = self.tensors.get(&parameter.name) {
                values[parameter.range.clone()].copy_from_slice(of_file);
            }
        }
        Ok(values)
    }

    /// The differences between the file and a network's parameters: first in the network's order, then by name.
    fn differences(&self, parameters: &ParameterList) -> Vec<TensorDifference> {
        let only_here = || self.tensors.keys().filter(|name| parameters.get(name).is_none());
        let missing = || parameters.iter().filter(|parameter| !self.tensors.contains_key(&parameter.name));
        let mut differences = Vec::new();
        for parameter in parameters.iter() {
            let (name, network) = (parameter.name.clone(), parameter.shape.clone());
            match self.tensors.get(&name) {
                None => {
                    let nearest = nearest(&name, only_here().map(String::as_str));
                    differences.push(TensorDifference::Missing { name, shape: network, nearest });
                }
                Some((file, _)) if *file != network => {
                    differences.push(TensorDifference::Shape { name, file: file.clone(), network });
                }
                Some(_) => {}
            }
        }
        for name in only_here() {
            let nearest = nearest(name, missing().map(|parameter| parameter.name.as_str()));
            let shape = self.tensors[name].0.clone();
            differences.push(TensorDifference::Unexpected { name: name.clone(), shape, nearest });
        }
        differences
    }
}

/// The name that is the fewest edits away, if the edits are at most a third of the letters.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    let is_near = |other: &&str| distance(other) <= (name.chars().count() / 3).max(2);
    names.filter(is_near).min_by_key(|other| distance(other)).map(str::to_owned)
}
