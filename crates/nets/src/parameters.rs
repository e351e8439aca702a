//! The list of a network's parameters: names, shapes, initializers, and where each lies in the flat buffer.

use crate::noise::NoiseList;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal, Uniform};
use std::ops::Range;

/// The distribution that a parameter's initial values are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// The same value everywhere.
    Constant(f64),
    /// Uniform in [-bound, bound].
    Uniform {
        /// Largest magnitude.
        bound: f64,
    },
    /// Normal of the given standard deviation after truncation at two standard deviations of the underlying normal, as
    /// in JAX's `variance_scaling`.
    TruncatedNormal {
        /// Standard deviation of the values.
        deviation: f64,
    },
}

impl Initializer {
    /// Uniform of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010).
    pub fn xavier_uniform(fan_in: usize, fan_out: usize) -> Initializer {
        Initializer::Uniform { bound: (6.0 / (fan_in + fan_out) as f64).sqrt() }
    }

    /// Truncated normal of variance 1 / fan_in (LeCun et al. 1998), Flax's default.
    pub fn lecun_normal(fan_in: usize) -> Initializer {
        Initializer::TruncatedNormal { deviation: (1.0 / fan_in as f64).sqrt() }
    }

    /// Fills `values` with draws.
    pub fn draw(self, rng: &mut impl Rng, values: &mut [f32]) {
        match self {
            Initializer::Constant(value) => values.fill(value as f32),
            Initializer::Uniform { bound } => {
                let uniform = Uniform::new_inclusive(-bound, bound).expect("a finite, positive bound");
                values.fill_with(|| uniform.sample(rng) as f32);
            }
            Initializer::TruncatedNormal { deviation } => {
                // Standard deviation of a standard normal truncated to [-2, 2].
                const TRUNCATED: f64 = 0.879_625_661_034_239_8;
                values.fill_with(|| {
                    loop {
                        let normal: f64 = rng.sample(StandardNormal);
                        if normal.abs() <= 2.0 {
                            return (normal * deviation / TRUNCATED) as f32;
                        }
                    }
                });
            }
        }
    }
}

/// One named tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Path of the parameter, e.g. `soft_moe/phi`.
    pub name: String,
    /// Sizes, row-major.
    pub shape: Vec<usize>,
    /// The initializer of its initial values.
    pub initializer: Initializer,
    /// Where it lies in the flat buffer.
    pub range: Range<usize>,
    /// Whether it is trained. A parameter that is not keeps its initial value: its gradient is zero, and neither
    /// optimizers nor interventions change it.
    pub trained: bool,
}

/// A network's parameters, in the order in which they lie in one flat buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterList {
    parameters: Vec<Parameter>,
    len: usize,
}

impl ParameterList {
    /// Number of values in all parameters: the length of the flat buffer.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Number of values in the trained parameters: the number that descriptions and results report.
    pub fn trained_len(&self) -> usize {
        self.len - self.fixed().map(Range::len).sum::<usize>()
    }

    /// Where the parameters that are not trained lie in the flat buffer, in order.
    pub fn fixed(&self) -> impl Iterator<Item = &Range<usize>> {
        self.parameters.iter().filter(|parameter| !parameter.trained).map(|parameter| &parameter.range)
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter()
    }

    /// The parameter called `name`.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// A flat buffer drawn from the parameters' initializers, in order.
    pub fn initial(&self, rng: &mut impl Rng) -> Vec<f32> {
        let mut values = vec![0.0; self.len];
        for parameter in &self.parameters {
            parameter.initializer.draw(rng, &mut values[parameter.range.clone()]);
        }
        values
    }
}

/// Collects the parameters and the noise of a network while its layers are made.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    parameters: ParameterList,
    noise: NoiseList,
}

impl Builder {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter and returns where it lies.
    ///
    /// # Panics
    /// If there is one of that name already.
    pub fn parameter(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        initializer: Initializer,
    ) -> Range<usize> {
        let name = name.into();
        assert!(self.parameters.get(&name).is_none(), "there is a parameter {name} already");
        let start = self.parameters.len;
        let range = start..start + shape.iter().product::<usize>();
        self.parameters.len = range.end;
        self.parameters.parameters.push(Parameter {
            name,
            shape: shape.to_vec(),
            initializer,
            range: range.clone(),
            trained: true,
        });
        range
    }

    /// Keeps the parameter at `range` at its initial value: it is not trained.
    ///
    /// # Panics
    /// If no parameter lies there.
    pub fn fix(&mut self, range: &Range<usize>) {
        let parameter = self.parameters.parameters.iter_mut().find(|parameter| parameter.range == *range);
        parameter.unwrap_or_else(|| panic!("no parameter lies at {range:?}")).trained = false;
    }

    /// Adds a source of factorised noise and returns where its two vectors lie.
    pub fn noise_source(
        &mut self,
        name: impl Into<String>,
        inputs: usize,
        outputs: usize,
    ) -> [Range<usize>; 2] {
        self.noise.add(name.into(), inputs, outputs)
    }

    /// Adds a source of `len` standard normals and returns where they lie.
    pub fn normal_source(&mut self, name: impl Into<String>, len: usize) -> Range<usize> {
        self.noise.add_normals(name.into(), len)
    }

    /// The parameters so far.
    pub fn parameters(&self) -> &ParameterList {
        &self.parameters
    }

    /// The noise so far.
    pub fn noise(&self) -> &NoiseList {
        &self.noise
    }

    /// The finished lists.
    pub fn finish(self) -> (ParameterList, NoiseList) {
        (self.parameters, self.noise)
    }
}

#[cfg(test)]
mod tests {
    use super::{Builder, Initializer};
    use rand::SeedableRng;

    #[test]
    fn draws_have_the_moments_of_their_initializer() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
        for (initializer, variance, largest) in [
            (Initializer::xavier_uniform(30, 70), 2.0 / 100.0_f64, 0.06_f64.sqrt()),
            (Initializer::lecun_normal(16), 1.0 / 16.0, 0.5 / 0.879_625_661),
        ] {
            let mut values = vec![0.0; 200_000];
            initializer.draw(&mut rng, &mut values);
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 2e5;
            let second = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 2e5;
            let most = values.iter().fold(0.0_f64, |most, &v| most.max(f64::from(v).abs()));
            assert!(mean.abs() < 5.0 * (variance / 2e5).sqrt(), "{initializer:?}: mean {mean}");
            assert!((second / variance - 1.0).abs() < 0.01, "{initializer:?}: variance {second}");
            assert!(most <= largest && most > 0.99 * largest, "{initializer:?}: largest {most}");
        }
    }

    #[test]
    fn parameters_lie_one_after_the_other() {
        let mut builder = Builder::new();
        assert_eq!(builder.parameter("a", &[2, 3], Initializer::Constant(1.0)), 0..6);
        assert_eq!(builder.parameter("b", &[4], Initializer::Constant(2.0)), 6..10);
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(0);
        let values = builder.parameters().initial(&mut rng);
        assert_eq!(values, [[1.0; 6].as_slice(), &[2.0; 4]].concat());
    }

    #[test]
    fn a_fixed_parameter_is_no_trained_one() {
        let mut builder = Builder::new();
        builder.parameter("a", &[2, 3], Initializer::Constant(1.0));
        let b = builder.parameter("b", &[4], Initializer::Constant(2.0));
        assert_eq!((builder.parameters().len(), builder.parameters().trained_len()), (10, 10));
        builder.fix(&b);
        let list = builder.parameters();
        assert_eq!((list.len(), list.trained_len()), (10, 6));
        assert_eq!(list.iter().map(|parameter| parameter.trained).collect::<Vec<_>>(), [true, false]);
        assert_eq!(list.fixed().collect::<Vec<_>>(), [&b]);
    }
}
