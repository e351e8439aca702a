//! The losses, in closed form and by their properties.

use proptest::prelude::*;
use softmoe_agents::dqn::loss::greedy;
use softmoe_agents::prioritized;
use softmoe_agents::rainbow::loss;

const ATOMS: usize = 11;

/// A distribution over the atoms.
fn distribution() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(0.01_f32..1.0, ATOMS).prop_map(|weights| {
        let sum: f32 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    })
}

fn mean(distribution: &[f32], support: &[f32]) -> f64 {
    distribution.iter().zip(support).map(|(&p, &z)| f64::from(p) * f64::from(z)).sum()
}

#[test]
fn a_support_is_symmetric_and_equally_spaced() {
    assert_eq!(loss::support(2.0, 5), [-2.0, -1.0, 0.0, 1.0, 2.0]);
    let support = loss::support(10.0, 51);
    assert_eq!((support.len(), support[0], support[25], support[50]), (51, -10.0, 0.0, 10.0));
}

#[test]
fn values_are_means_of_distributions() {
    let mut values = [0.0; 2];
    loss::q_values(&mut values, &[0.5, 0.25, 0.25, 0.0, 0.0, 1.0], &[-1.0, 0.0, 1.0]);
    assert_eq!(values, [-0.25, 1.0]);
}

#[test]
fn of_equal_values_the_lowest_action_is_greedy() {
    assert_eq!(greedy(&[1.0, 3.0, 3.0]), 1);
    assert_eq!(greedy(&[2.0, 2.0]), 0);
    assert_eq!(greedy(&[-2.0, -1.0, -3.0]), 1);
}

#[test]
fn mass_between_atoms_is_shared_and_mass_beyond_goes_to_the_end() {
    let support = [-1.0, 0.0, 1.0];
    let projected = |probabilities: &[f32], reward, discount| {
        let mut target = [f32::NAN; 3];
        loss::project(&mut target, probabilities, reward, discount, &support);
        target
    };
    // On an atom it stays whole, at the ends too.
    assert_eq!(projected(&[0.2, 0.3, 0.5], 0.0, 1.0), [0.2, 0.3, 0.5]);
    assert_eq!(projected(&[0.0, 1.0, 0.0], 0.25, 1.0), [0.0, 0.75, 0.25]);
    assert_eq!(projected(&[0.0, 0.0, 1.0], 5.0, 1.0), [0.0, 0.0, 1.0]);
    assert_eq!(projected(&[0.5, 0.25, 0.25], -5.0, 1.0), [1.0, 0.0, 0.0]);
    // At a terminal all of it is at the reward.
    assert_eq!(projected(&[0.5, 0.25, 0.25], 0.5, 0.0), [0.0, 0.5, 0.5]);
}

#[test]
fn the_cross_entropy_of_a_certain_target_is_the_softmaxs_logarithm() {
    let mut gradient = [0.0; 2];
    let loss = loss::cross_entropy(&mut gradient, &[1.0, 0.0], &[0.0, 0.0], 0.5);
    assert!((loss - std::f32::consts::LN_2).abs() < 1e-6);
    assert_eq!(gradient, [-0.25, 0.25]);
    // Logits far apart overflow nothing.
    let loss = loss::cross_entropy(&mut gradient, &[0.0, 1.0], &[500.0, -500.0], 1.0);
    assert_eq!((loss, gradient), (1000.0, [1.0, -1.0]));
}

#[test]
fn importance_weights_and_priorities_in_closed_form() {
    let mut weights = [0.0; 3];
    prioritized::importance_weights(&mut weights, &[0.04, 0.01, 0.25], 0.5);
    for (got, want) in weights.iter().zip([0.5, 1.0, 0.2]) {
        assert!((got - want).abs() < 1e-6, "{weights:?}");
    }
    prioritized::importance_weights(&mut weights, &[0.04, 0.01, 0.25], 0.0);
    assert_eq!(weights, [1.0; 3]);
    assert_eq!(prioritized::priority(9.0, 0.5), 3.0);
    assert_eq!(prioritized::priority(9.0, 0.0), 1.0);
    assert!(prioritized::priority(0.0, 0.5) > 0.0);
}

proptest! {
    #[test]
    fn the_projection_conserves_mass_and_inside_the_support_the_mean(
        probabilities in distribution(), reward in -3.0_f32..3.0, discount in 0.0_f32..1.0, v_max in 1.0_f64..20.0,
    ) {
        let support = loss::support(v_max, ATOMS);
        let mut target = vec![f32::NAN; ATOMS];
        loss::project(&mut target, &probabilities, reward, discount, &support);
        prop_assert!(target.iter().all(|&p| p >= 0.0));
        let mass: f64 = target.iter().copied().map(f64::from).sum();
        let mass_before: f64 = probabilities.iter().copied().map(f64::from).sum();
        prop_assert!((mass - mass_before).abs() < 2e-6, "mass {mass}");
        let (reward, discount) = (f64::from(reward), f64::from(discount));
        if reward.abs() + discount * v_max <= v_max {
            let want = reward * mass_before + discount * mean(&probabilities, &support);
            prop_assert!((mean(&target, &support) - want).abs() < 2e-6 * v_max, "mean, {want} wanted");
        }
    }

    #[test]
    fn the_gradient_of_the_cross_entropy_is_its_central_difference(
        target in distribution(), logits in prop::collection::vec(-3.0_f32..3.0, ATOMS), scale in 0.1_f32..2.0,
    ) {
        // In double precision, from the definition.
        let loss_of = |logits: &[f64]| -> f64 {
            let log_sum = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
            target.iter().zip(logits).map(|(&t, logit)| -f64::from(t) * (logit - log_sum)).sum()
        };
        let mut gradient = vec![0.0; ATOMS];
        let got = loss::cross_entropy(&mut gradient, &target, &logits, scale);
        let wide: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        prop_assert!((f64::from(got) - loss_of(&wide)).abs() < 5e-6, "loss {got}");
        for atom in 0..ATOMS {
            let moved = |by: f64| {
                let mut logits = wide.clone();
                logits[atom] += by;
                loss_of(&logits)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5 * f64::from(scale);
            prop_assert!((f64::from(gradient[atom]) - difference).abs() < 2e-6, "atom {atom}");
        }
    }

    #[test]
    fn the_largest_importance_weight_is_one_and_belongs_to_the_rarest(
        probabilities in prop::collection::vec(1e-6_f64..1.0, 1..40), exponent in 0.0_f64..1.0,
    ) {
        let mut weights = vec![0.0; probabilities.len()];
        prioritized::importance_weights(&mut weights, &probabilities, exponent);
        let rarest = (0..probabilities.len()).min_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap();
        prop_assert_eq!(weights[rarest], 1.0);
        prop_assert!(weights.iter().all(|&weight| weight > 0.0 && weight <= 1.0));
    }

    #[test]
    fn the_greedy_action_is_the_first_of_the_largest(values in prop::collection::vec(-2_i8..2, 1..8)) {
        let values: Vec<f32> = values.into_iter().map(f32::from).collect();
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        prop_assert_eq!(Some(greedy(&values)), values.iter().position(|&value| value == most));
    }
}
