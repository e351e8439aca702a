//! The noise of a network: factorised Gaussian noise of noisy layers (Fortunato et al. 2018, arXiv 1706.10295,
//! section 3), and plain standard normals.

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

/// Standard normals of a layer that adds noise to other values than its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalSource {
    /// The layer's name.
    pub name: String,
    /// Where the values lie in the flat noise buffer.
    pub values: Range<usize>,
}

/// The noise sources of a network, and where each lies in one flat buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoiseList {
    sources: Vec<NoiseSource>,
    normals: Vec<NormalSource>,
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

    pub(crate) fn add_normals(&mut self, name: String, len: usize) -> Range<usize> {
        let values = self.len..self.len + len;
        self.len = values.end;
        self.normals.push(NormalSource { name, values: values.clone() });
        values
    }

    /// Length of the flat buffer.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no layer is noisy.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The sources of factorised noise, in order.
    pub fn iter(&self) -> impl Iterator<Item = &NoiseSource> {
        self.sources.iter()
    }

    /// The sources of plain normals, in order.
    pub fn normals(&self) -> impl Iterator<Item = &NormalSource> {
        self.normals.iter()
    }

    /// Fills `noise` with standard normal draws, one for each value. A draw x of factorised noise becomes
    /// f(x) = sign(x) sqrt|x|.
    ///
    /// # Panics
    /// If `noise` is not [`len`](Self::len) long.
    pub fn draw(&self, rng: &mut impl Rng, noise: &mut [f32]) {
        assert_eq!(noise.len(), self.len, "length of the noise buffer");
        noise.fill_with(|| rng.sample(StandardNormal));
        for source in &self.sources {
            for range in [&source.inputs, &source.outputs] {
                noise[range.clone()].iter_mut().for_each(|x| *x = x.abs().sqrt().copysign(*x));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Builder;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn every_value_is_one_draw_in_order() {
        let mut builder = Builder::new();
        let first = builder.noise_source("first", 2, 3);
        let normals = builder.normal_source("normals", 4);
        let second = builder.noise_source("second", 1, 1);
        assert_eq!((first, normals.clone(), second), ([0..2, 2..5], 5..9, [9..10, 10..11]));
        let list = builder.noise();
        let mut noise = vec![f32::NAN; list.len()];
        list.draw(&mut Xoshiro256PlusPlus::seed_from_u64(3), &mut noise);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for (index, noise) in noise.into_iter().enumerate() {
            let normal: f32 = rng.sample(StandardNormal);
            let factor = normal.signum() * normal.abs().sqrt();
            assert_eq!(noise, if normals.contains(&index) { normal } else { factor }, "value {index}");
        }
        assert_eq!(list.normals().map(|source| source.values.clone()).collect::<Vec<_>>(), [normals]);
    }
}
