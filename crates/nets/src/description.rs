//! Descriptions of layers: shapes, parameters, multiply-adds.

use crate::shapes::Shape;

/// One layer of a network, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDescription {
    /// Name and settings, e.g. `Conv2d 3x3` or `SoftMoE: 4 experts, hidden 128`.
    pub name: String,
    /// Shape of one sample's output.
    pub output: Vec<usize>,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Multiply-adds of products and convolutions in the forward pass of one sample. Noise, softmax and other
    /// elementwise work is not counted.
    pub multiply_adds: usize,
}

impl LayerDescription {
    /// A layer without parameters or products whose output is of shape `output`, (batch, then the sample's sizes).
    pub fn new(name: impl Into<String>, output: impl Shape) -> Self {
        let output: Vec<usize> = output.concrete().into();
        LayerDescription { name: name.into(), output: output[1..].to_vec(), parameters: 0, multiply_adds: 0 }
    }

    /// The same with numbers of trained parameters and of multiply-adds.
    #[must_use]
    pub fn of(self, parameters: usize, multiply_adds: usize) -> Self {
        LayerDescription { parameters, multiply_adds, ..self }
    }
}
