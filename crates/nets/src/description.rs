//! What a network is made of, in numbers.

use crate::shapes::Shape;

/// One layer of a network, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDescription {
    /// What it is, e.g. `Conv2d 3x3` or `SoftMoE: 4 experts, hidden 128`.
    pub name: String,
    /// Sizes of one sample's output.
    pub output: Vec<usize>,
    /// Trained values.
    pub parameters: usize,
    /// Multiplications, each with an addition, in the forward pass of one sample: those of the products and
    /// convolutions. Noise, softmax and other element-wise work is not counted.
    pub multiply_adds: usize,
}

impl LayerDescription {
    /// A layer without parameters or products whose output is of shape `output`, (batch, then the sample's sizes).
    pub fn new(name: impl Into<String>, output: impl Shape) -> Self {
        let output: Vec<usize> = output.concrete().into();
        LayerDescription { name: name.into(), output: output[1..].to_vec(), parameters: 0, multiply_adds: 0 }
    }

    /// The same with a number of trained values and of multiply-adds.
    #[must_use]
    pub fn of(self, parameters: usize, multiply_adds: usize) -> Self {
        LayerDescription { parameters, multiply_adds, ..self }
    }
}
