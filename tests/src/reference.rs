//! The reference implementation's names for parameters and noise, and ours.

use crate::fixtures::Fixture;
use softmoe_nets::{NoiseList, ParameterList};

/// Our name of a parameter, and the reference's.
pub type Names = Vec<(String, String)>;

/// A single pair.
pub fn name(ours: &str, theirs: &str) -> Names {
    vec![(ours.to_owned(), theirs.to_owned())]
}

/// A dense layer's parameters, which have the same names on both sides; `theirs` is empty or ends with a slash.
pub fn dense(ours: &str, theirs: &str, noisy: bool) -> Names {
    let parts: &[&str] = match noisy {
        true => &["kernel_mu", "kernel_sigma", "bias_mu", "bias_sigma"],
        false => &["kernel", "bias"],
    };
    parts.iter().map(|part| (format!("{ours}/{part}"), format!("{theirs}{part}"))).collect()
}

/// Experts' parameters; `theirs` is where the reference's experts lie.
pub fn experts(ours: &str, theirs: &str, noisy: bool) -> Names {
    let hidden = dense(&format!("{ours}/hidden"), &format!("{theirs}/net/"), noisy);
    let output = dense(&format!("{ours}/output"), &format!("{theirs}/Dense_0/"), false);
    [hidden, output].concat()
}

/// The flat buffer of parameters, from the tensors `<folder>/<name>` of a file; every parameter is in `names`.
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

/// The flat buffer of noise: that of our source from the tensors `<folder>eps_{in,out}`; zeros for sources that
/// are not in `names`.
pub fn noise(fixture: &Fixture, list: &NoiseList, names: &[(&str, &str)]) -> Vec<f32> {
    let mut values = vec![0.0; list.len()];
    for (ours, folder) in names {
        let source = list.iter().find(|source| source.name == *ours);
        let source = source.unwrap_or_else(|| panic!("no noise called {ours}"));
        values[source.inputs.clone()].copy_from_slice(&fixture.f32(&format!("{folder}eps_in")));
        values[source.outputs.clone()].copy_from_slice(&fixture.f32(&format!("{folder}eps_out")));
    }
    values
}

/// Compares each parameter's gradient with `grad/param/<name>`.
pub fn assert_gradients(fixture: &Fixture, list: &ParameterList, names: &Names, gradient: &[f32]) {
    for (ours, theirs) in names {
        let range = list.get(ours).expect("a parameter that was read").range.clone();
        fixture.assert_close(&format!("grad/param/{theirs}"), &gradient[range], "grad");
    }
}

/// The transpose of (a, b, c) to (b, a, c).
pub fn swap_axes<T: Copy>(x: &[T], a: usize, b: usize, c: usize) -> Vec<T> {
    let row = |i: usize, j: usize| x[(i * b + j) * c..][..c].iter().copied();
    (0..b).flat_map(|j| (0..a).flat_map(move |i| row(i, j))).collect()
}
