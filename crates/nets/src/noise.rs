//! Factorised Gaussian noise of noisy layers (Fortunato et al. 2018, arXiv 1706.10295, section 3).

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::ops::Range;

/// The two noise vectors of one noisy layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseSource {
    /// The layer's name.
    pub name: String,
    /// Where eps_in lies in the flat noise buffer, one value an input.
    pub inputs: Range<usize>,
    /// Where eps_out lies, one value an output.
    pub outputs: Range<usize>,
}

/// Every noise vector of a network, in one flat buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoiseList {
    sources: Vec<NoiseSource>,
    len: usize,
}

impl NoiseList {
    pub(crate) fn add(&mut self, name: String, inputs: usize, outputs: usize) -> [Range<usize>; 2] {
        let inputs = self.len..self.len + inputs;
        let outputs = inputs.end..inputs.end + outputs;
        self.len = outputs.end;
        self.sources.push(NoiseSource { name, inputs: inputs.clone(), outputs: outputs.clone() });
        [inputs, outputs]
    }

    /// Length of the flat buffer.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no layer is noisy.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The sources, in order.
    pub fn iter(&self) -> impl Iterator<Item = &NoiseSource> {
        self.sources.iter()
    }

    /// Fills `noise` with f(x) = sign(x) sqrt|x| of standard normal draws, independent for every layer.
    ///
    /// # Panics
    /// If `noise` is not [`len`](Self::len) long.
    pub fn draw(&self, rng: &mut impl Rng, noise: &mut [f32]) {
        assert_eq!(noise.len(), self.len, "length of the noise buffer");
        noise.fill_with(|| {
            let normal: f32 = rng.sample(StandardNormal);
            normal.abs().sqrt().copysign(normal)
        });
    }
}
