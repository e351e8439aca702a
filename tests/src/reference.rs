//! Names of parameters and noise: the reference's and ours.

use crate::fixtures::Fixture;
use softmoe_nets::{NoiseList, ParameterList};

/// Pairs of our name of a parameter and the reference's.
pub type Names = Vec<(String, String)>;

/// A single pair.
pub fn name(ours: &str, theirs: &str) -> Names {
    vec![(ours.to_owned(), theirs.to_owned())]
}

/// A dense layer's parameters, which have the same names on both sides. `theirs` is empty or ends with a slash.
pub fn dense(ours: &str, theirs: &str, noisy: bool) -> Names {
    let parts: &[&str] = match noisy {
        true => &["kernel_mu", "kernel_sigma", "bias_mu", "bias_sigma"],
        false => &["kernel", "bias"],
    };
    parts.iter().map(|part| (format!("{ours}/{part}"), format!("{theirs}{part}"))).collect()
}

/// Experts' parameters; `theirs` is the folder of the reference's experts.
pub fn experts(ours: &str, theirs: &str, noisy: bool) -> Names {
    let hidden = dense(&format!("{ours}/hidden"), &format!("{theirs}/net/"), noisy);
    let output = dense(&format!("{ours}/output"), &format!("{theirs}/Dense_0/"), false);
    [hidden, output].concat()
}

/// The flat buffer of parameters, from a fixture's tensors `<folder>/<name>`.
///
/// # Panics
/// If a parameter of `list` is not among `names`.
pub fn parameters(fixture: &Fixture, list: &ParameterList, names: &Names, folder: &str) -> Vec<f32> {
    let mut values = vec![f32::NAN; list.len()];
    for (ours, theirs) in names {
        let parameter = list.get(ours).unwrap_or_else(|| panic!("no parameter {ours}"));
        let theirs = format!("{folder}/{theirs}");
        assert_eq!(parameter.shape, fixture.shape(&theirs), "{}: shape of {theirs}", fixture.name());
        values[parameter.range.clone()].copy_from_slice(&fixture.f32(&theirs));
    }
    assert!(values.iter().all(|value| !value.is_nan()), "{}: a parameter without a value", fixture.name());
    values
}

/// Pairs of our name of a source of noise and the reference's.
pub type NoiseNames = Vec<(&'static str, &'static str)>;

/// The flat buffer of noise, from a fixture's tensors `<folder><name>/eps_{in,out}`.
///
/// # Panics
/// If a source of `list` is not among `names`.
pub fn noise(fixture: &Fixture, list: &NoiseList, names: &NoiseNames, folder: &str) -> Vec<f32> {
    let values = noise_of_some(fixture, list, names, folder);
    assert_eq!(names.len(), list.iter().count(), "{}: noise without a value", fixture.name());
    values
}

/// As [`noise`], with zeros for the sources that are not among `names`.
pub fn noise_of_some(fixture: &Fixture, list: &NoiseList, names: &NoiseNames, folder: &str) -> Vec<f32> {
    let mut values = vec![0.0; list.len()];
    for (ours, theirs) in names {
        let source = list.iter().find(|source| source.name == *ours);
        let source = source.unwrap_or_else(|| panic!("no noise called {ours}"));
        let eps = |end: &str| fixture.f32(&format!("{folder}{theirs}eps_{end}"));
        values[source.inputs.clone()].copy_from_slice(&eps("in"));
        values[source.outputs.clone()].copy_from_slice(&eps("out"));
    }
    values
}

/// The transpose of (a, b, c) to (b, a, c).
pub fn swap_axes<T: Copy>(x: &[T], a: usize, b: usize, c: usize) -> Vec<T> {
    let row = |i: usize, j: usize| x[(i * b + j) * c..][..c].iter().copied();
    (0..b).flat_map(|j| (0..a).flat_map(move |i| row(i, j))).collect()
}
