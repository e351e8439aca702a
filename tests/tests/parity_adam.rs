//! Parity of Adam with Optax's: parameters and moments after each step.

use softmoe_nets::{Adam, AdamSettings};
use softmoe_tests::fixtures::{assert_near, cases};

#[test]
fn adam_parity() {
    for fixture in cases("adam") {
        let settings = AdamSettings {
            learning_rate: fixture.metadata("learning_rate"),
            beta_1: fixture.metadata("beta1"),
            beta_2: fixture.metadata("beta2"),
            epsilon: fixture.metadata("eps"),
        };
        for tensor in fixture.tensors().filter_map(|name| name.strip_prefix("param/")) {
            let mut parameters = fixture.f32(&format!("param/{tensor}"));
            let len = parameters.len();
            let gradients = fixture.f32(&format!("grad/{tensor}"));
            let after = |what: &str| fixture.f32(&format!("after/{what}/{tensor}"));
            let (after_parameters, after_mu, after_nu) = (after("param"), after("mu"), after("nu"));
            let mut adam = Adam::new(settings, len);
            let mut largest = vec![0.0_f32; len];
            for (step, gradient) in gradients.chunks_exact(len).enumerate() {
                adam.step(&mut parameters, gradient);
                let at = step * len..(step + 1) * len;
                let what = |of: &str| format!("{}: {of} of {tensor}, step {step}", fixture.name());
                assert_near(&what("parameters"), &parameters, &after_parameters[at.clone()], 5e-7);
                let (mu, nu) = adam.moments();
                for i in 0..len {
                    largest[i] = largest[i].max(gradient[i].abs());
                    let bound = |relative: f64, scale: f32| relative * f64::from(scale.abs());
                    let (want_mu, want_nu) = (after_mu[at.start + i], after_nu[at.start + i]);
                    assert_near(&what("mu"), &mu[i..=i], &[want_mu], bound(2e-7, largest[i]));
                    assert_near(&what("nu"), &nu[i..=i], &[want_nu], bound(1e-6, want_nu));
                }
            }
        }
    }
}
