//! Sums over many terms: single precision against double precision, at the sizes of the reference's soft mixtures.
//!
//! The scale's bound is the fixtures' rule for values without a measured error of the reference: 1e-6 of a tensor's
//! largest value. The gradients of Phi and of the input are differences of nearly equal sums: the reference's own
//! single precision is off by up to 1e-5.
//!
//! A hidden value within rounding of zero passes the ReLU in one precision and not in the other. The two gradients then
//! belong to different functions, so such a case is left out, and counted.

use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use softmoe_nets::layers::SoftMoe;
use softmoe_nets::{Builder, ExpertSettings, Layer, ParameterList, Weights};
use std::collections::BTreeMap;

/// (tokens, width, experts, slots of an expert, hidden) of the files `softmoe_0` to `softmoe_7`.
const SIZES: [[usize; 5]; 8] = [
    [121, 32, 4, 31, 64],
    [121, 32, 1, 121, 64],
    [9, 8, 2, 5, 16],
    [121, 32, 1, 13, 64],
    [121, 32, 4, 31, 64],
    [32, 121, 4, 8, 32],
    [121, 32, 1, 1, 32],
    [64, 16, 8, 8, 32],
];

const CASES: u64 = 100;

/// Bounds of the errors, as shares of a tensor's largest value.
const SCALE: f64 = 1e-6;
const DIFFERENCES: f64 = 2e-5;
const OTHERS: f64 = 4e-6;

fn normals(rng: &mut impl Rng, len: usize) -> Vec<f32> {
    (0..len).map(|_| rng.sample(StandardNormal)).collect()
}

/// Parameters as the fixtures have them: no bias is zero, the softmaxes are far from uniform, and the scale is `scale`.
fn parameters(list: &ParameterList, rng: &mut impl Rng, scale: f32) -> Vec<f32> {
    let mut values = list.initial(rng);
    for (value, noise) in values.iter_mut().zip(normals(rng, list.len())) {
        *value += 0.1 * noise;
    }
    for parameter in list.iter() {
        let values = &mut values[parameter.range.clone()];
        match parameter.name.as_str() {
            "moe/phi" => values.iter_mut().for_each(|phi| *phi *= 3.0),
            "moe/scale" => values.fill(scale),
            _ => (),
        }
    }
    values
}

/// Largest error of each gradient as a share of its largest value, over all cases of all sizes.
///
/// # Panics
/// If more than a quarter of the cases have a ReLU that the precisions disagree on.
fn worst_errors(normalised: bool, noisy: bool) -> BTreeMap<String, f64> {
    let (mut worst, mut left_out) = (BTreeMap::new(), 0);
    for ([m, d, n, p, hidden], size) in SIZES.into_iter().zip(0..) {
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy };
        let mut builder = Builder::new();
        let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
        let layer = make(&mut builder, "moe", (m, d, n, p), settings);
        let (list, sources) = builder.finish();
        let mut single = layer.workspace::<f32>((1, m, d));
        let mut double = layer.workspace::<f64>((1, m, d));
        for case in 0..CASES {
            let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(size << 32 | case);
            let scale = rng.random_range(1.0..6.0);
            let parameters = parameters(&list, &mut rng, scale);
            let mut noise = vec![0.0; sources.len()];
            sources.draw(&mut rng, &mut noise);
            // Tokens as an encoder makes them: after a ReLU.
            let x: Vec<f32> = normals(&mut rng, m * d).iter().map(|x| x.max(0.0)).collect();
            let dy = normals(&mut rng, m * d);

            let weights = Weights { parameters: &parameters, noise: Some(&noise) };
            let mut gradient = vec![f32::NAN; list.len()];
            layer.forward(weights, &x, &mut single);
            let active_in_single = active(single.experts().hidden(0));
            let dx = layer.backward(weights, &x, &dy, &mut single, &mut gradient, true);

            let [parameters, noise, x, dy] = [&parameters, &noise, &x, &dy].map(|values| doubles(values));
            let weights = Weights { parameters: &parameters, noise: Some(&noise) };
            let mut want = vec![f64::NAN; list.len()];
            layer.forward(weights, &x, &mut double);
            let active_in_double = active(double.experts().hidden(0));
            let want_dx = layer.backward(weights, &x, &dy, &mut double, &mut want, true);
            if active_in_single != active_in_double {
                left_out += 1;
                continue;
            }

            let mut compare = |name: &str, got: &[f32], want: &[f64]| {
                let error = error_of_largest(got, want);
                let worst = worst.entry(name.to_owned()).or_insert(0.0_f64);
                *worst = worst.max(error);
            };
            compare("input", dx, want_dx);
            for parameter in list.iter() {
                let range = parameter.range.clone();
                compare(&parameter.name, &gradient[range.clone()], &want[range]);
            }
        }
    }
    println!("left out: {left_out}");
    assert!(left_out <= CASES * SIZES.len() as u64 / 4, "{left_out} cases were left out");
    worst
}

/// Which values passed the ReLU.
fn active<E: Default + PartialOrd>(hidden: &[E]) -> Vec<bool> {
    hidden.iter().map(|value| *value > E::default()).collect()
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn error_of_largest(got: &[f32], want: &[f64]) -> f64 {
    let largest = want.iter().fold(0.0_f64, |largest, want| largest.max(want.abs()));
    let error =
        got.iter().zip(want).fold(0.0_f64, |error, (&got, want)| error.max((f64::from(got) - want).abs()));
    error / largest
}

/// The errors by tensor, for a message.
fn listed(worst: &BTreeMap<String, f64>) -> String {
    worst.iter().map(|(name, error)| format!("{name} {error:.1e}")).collect::<Vec<_>>().join(", ")
}

fn assert_within_bounds(worst: &BTreeMap<String, f64>) {
    let bound = |name: &str| match name {
        "moe/scale" => SCALE,
        "moe/phi" | "input" => DIFFERENCES,
        _ => OTHERS,
    };
    assert!(worst.iter().all(|(name, &error)| error < bound(name)), "{}", listed(worst));
}

#[test]
fn the_gradients_of_a_normalised_mixture_have_their_digits() {
    for noisy in [false, true] {
        let worst = worst_errors(true, noisy);
        println!("normalised, noisy {noisy}: {}", listed(&worst));
        assert!(worst.contains_key("moe/scale"));
        assert_within_bounds(&worst);
    }
}

#[test]
fn the_gradients_of_a_mixture_have_their_digits() {
    let worst = worst_errors(false, false);
    println!("plain: {}", listed(&worst));
    assert_within_bounds(&worst);
}
