//! DQN: its losses in closed form, and its update against one that is put together from every action's values.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::dqn::{DqnLearner, DqnSettings, TdLoss, loss};
use softmoe_agents::networks::build;
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{AgentError, Learner, Mode, UpdateSettings};
use softmoe_config::{Architecture, BodySpec, EncoderSpec, HeadSpec, NetworkSpec};
use softmoe_env::Element;
use softmoe_nets::{ActionNetwork, Adam, AdamSettings, Weights};
use softmoe_replay::{Batch, Layout};
use std::borrow::Cow;

const SHAPE: [usize; 3] = [10, 10, 4];
const ACTIONS: usize = 5;
const BATCH: usize = 8;
const DISCOUNT: f64 = 0.9;

fn network(body: BodySpec, dueling: bool) -> Box<dyn ActionNetwork> {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 16 };
    let head = HeadSpec::Q { dueling, noisy: false };
    build(&Architecture { network, head, observation: SHAPE, actions: ACTIONS, permutation_seed: 0 }).unwrap()
}

fn settings(loss: TdLoss, double: bool) -> DqnSettings {
    let update = UpdateSettings {
        batch_size: BATCH,
        double,
        priority_exponent: 0.5,
        importance_exponent: 0.5,
        optimizer: AdamSettings::new(1e-3, 1.5e-4),
        element: Element::Byte { scale: 1 },
    };
    DqnSettings { loss, update }
}

/// A batch of random transitions whose errors lie on both sides of Huber's corner.
fn batch(rng: &mut Xoshiro256PlusPlus) -> Batch {
    let frame_len = SHAPE.iter().product();
    let mut batch = Batch::new(
        BATCH,
        &Layout { capacity: 100, frame_len, channels: 4, stack: 1, n_step: 1, discount: DISCOUNT },
    );
    batch.states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.next_states.fill_with(|| u8::from(rng.random_bool(0.2)));
    batch.actions.fill_with(|| rng.random_range(0..ACTIONS as u8));
    batch.rewards.fill_with(|| rng.random_range(-4..5) as f32 * 0.5);
    batch.discounts.fill_with(|| if rng.random_bool(0.3) { 0.0 } else { DISCOUNT as f32 });
    batch.probabilities.fill_with(|| rng.random_range(0.001..0.1));
    batch
}

/// A batch that is not the learner's is refused before anything is computed.
#[test]
fn a_batch_of_another_learner_is_refused_and_changes_nothing() {
    let mut learner =
        DqnLearner::new(network(BodySpec::flat(), false), settings(TdLoss::Huber, true), Seeds::new(1));
    let before = learner.state();
    let good = batch(&mut Xoshiro256PlusPlus::seed_from_u64(1));
    type Change = fn(&mut Batch);
    let wrong: [(Change, &str); 4] = [
        (|batch| batch.actions[3] = 5, "an action of the batch is 5 but must be below 5"),
        (|batch| batch.states.truncate(3199), "bytes of the batch's states is 3199 but must be 3200"),
        (
            |batch| batch.next_states.truncate(3199),
            "bytes of the batch's next states is 3199 but must be 3200",
        ),
        (|batch| batch.rewards.push(0.0), "the number of rewards of the batch is 9 but must be 8"),
    ];
    for (change, message) in wrong {
        let mut batch = good.clone();
        change(&mut batch);
        let error = learner.update(&batch).unwrap_err();
        assert!(matches!(error, AgentError::Input { .. }) && error.to_string().ends_with(message), "{error}");
        assert_eq!(learner.state(), before);
    }
    learner.update(&good).unwrap();
}

#[test]
#[should_panic(expected = "bytes of the state")]
fn an_action_for_a_short_state_panics() {
    let mut learner =
        DqnLearner::new(network(BodySpec::flat(), false), settings(TdLoss::Huber, true), Seeds::new(1));
    learner.act(&[0; 399], Mode::Evaluate);
}

/// Moments and count are state, learning rate and epsilon are settings.
#[test]
fn a_restored_learner_keeps_its_own_learning_rate() {
    let at = |learning_rate| {
        let mut settings = settings(TdLoss::Huber, true);
        settings.update.optimizer = AdamSettings::new(learning_rate, 1e-8);
        DqnLearner::new(network(BodySpec::flat(), false), settings, Seeds::new(1))
    };
    let (mut fast, mut slow) = (at(1e-2), at(1e-4));
    let batch = batch(&mut Xoshiro256PlusPlus::seed_from_u64(1));
    fast.update(&batch).unwrap();
    slow.restore(&fast.state()).unwrap();
    assert_eq!(flat_weights(&slow), flat_weights(&fast));
    let before = flat_weights(&fast);
    fast.update(&batch).unwrap();
    slow.update(&batch).unwrap();
    let moved = |learner: &DqnLearner| {
        let moves =
            flat_weights(learner).into_iter().zip(&before).map(|(after, before)| f64::from(after - before));
        moves.map(|moved| moved * moved).sum::<f64>().sqrt()
    };
    let ratio = moved(&fast) / moved(&slow);
    assert!((ratio / 100.0 - 1.0).abs() < 1e-2, "{ratio}");
}

fn inputs(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&byte| f32::from(byte)).collect()
}

fn flat_weights(learner: &DqnLearner) -> Vec<f32> {
    learner.weights().into_iter().flat_map(|(_, _, values)| values.into_owned()).collect()
}

/// The largest of a state's values, and its action.
fn largest(values: &[f32]) -> (usize, f32) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (values.iter().position(|&value| value == most).unwrap(), most)
}

/// What an update should do, in the words of the paper: losses, their weights, and the online weights after it.
fn expected(
    network: &dyn ActionNetwork,
    settings: &DqnSettings,
    (online, target): (&[f32], &[f32]),
    batch: &Batch,
) -> (Vec<f64>, Vec<f64>, Vec<f32>) {
    let values = |parameters: &[f32], observations: &[u8]| {
        let mut pass = network.pass(BATCH);
        pass.forward(Weights { parameters, noise: None }, &inputs(observations)).to_vec()
    };
    let of_target = values(target, &batch.next_states);
    let choosing =
        if settings.update.double { values(online, &batch.next_states) } else { of_target.clone() };
    let q = values(online, &batch.states);
    let weight = |i: usize| batch.probabilities[i].powf(-0.5);
    let most = (0..BATCH).map(weight).fold(0.0, f64::max);
    let weights: Vec<f64> = (0..BATCH).map(|i| weight(i) / most).collect();
    let mut losses = Vec::new();
    let mut d_q = vec![0.0; q.len()];
    for (i, &weight) in weights.iter().enumerate() {
        let row = i * ACTIONS..(i + 1) * ACTIONS;
        let (action, _) = largest(&choosing[row.clone()]);
        // In f64, as the definition has it: the discount of the batch is this one, rounded.
        let discount = if batch.discounts[i] == 0.0 { 0.0 } else { DISCOUNT };
        let bootstrap = discount * f64::from(of_target[row.clone()][action]);
        let taken = row.start + usize::from(batch.actions[i]);
        let error = f64::from(batch.rewards[i]) + bootstrap - f64::from(q[taken]);
        let (loss, derivative) = match settings.loss {
            TdLoss::Mse => (error.powi(2), -2.0 * error),
            TdLoss::Huber if error.abs() > 1.0 => (error.abs() - 0.5, -error.signum()),
            TdLoss::Huber => (error.powi(2) / 2.0, -error),
        };
        losses.push(loss);
        d_q[taken] = (weight * derivative / BATCH as f64) as f32;
    }
    let mut gradient = vec![0.0; online.len()];
    let mut pass = network.pass(BATCH);
    let (weights_online, x) = (Weights { parameters: online, noise: None }, inputs(&batch.states));
    pass.forward(weights_online, &x);
    pass.backward(weights_online, &x, &d_q, &mut gradient);
    let mut after = online.to_vec();
    Adam::new(settings.update.optimizer, online.len()).step(&mut after, &gradient);
    (losses, weights, after)
}

#[test]
fn an_update_is_the_papers() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    for body in [BodySpec::flat(), BodySpec::soft_moe(4)] {
        for (loss, double, dueling) in [
            (TdLoss::Mse, false, false),
            (TdLoss::Mse, true, false),
            (TdLoss::Huber, false, true),
            (TdLoss::Huber, true, true),
        ] {
            let what = format!("{body}, {loss:?}, double {double}, dueling {dueling}");
            let settings = settings(loss, double);
            let mut learner =
                DqnLearner::new(network(body.clone(), dueling), settings.clone(), Seeds::new(3));
            let online = flat_weights(&learner);
            // Another network's weights, so that it matters which one chooses and which one values.
            let target = flat_weights(&DqnLearner::new(
                network(body.clone(), dueling),
                settings.clone(),
                Seeds::new(4),
            ));
            learner.set_weights(&online, &target);
            let batch = batch(&mut rng);
            let other = network(body.clone(), dueling);
            let (losses, weights, after) = expected(&*other, &settings, (&online, &target), &batch);
            let mean =
                losses.iter().zip(&weights).map(|(loss, weight)| loss * weight).sum::<f64>() / BATCH as f64;

            let update = learner.update(&batch).unwrap();
            assert!(
                (f64::from(update.loss) - mean).abs() < 2e-6 * mean,
                "{what}: {} is not {mean}",
                update.loss
            );
            for (&priority, loss) in update.priorities.iter().zip(&losses) {
                assert!(
                    (f64::from(priority) - (loss + 1e-10).sqrt()).abs() < 5e-6,
                    "{what}: priority {priority}"
                );
            }
            for (got, want) in flat_weights(&learner).iter().zip(&after) {
                assert!((got - want).abs() < 1e-6, "{what}: weight {got:e} is not {want:e}");
            }
        }
    }
}

/// A flat network and mixtures of every kind, for updates that diverge.
const DIVERGING: [&str; 5] = [
    "flat()",
    "soft_moe(experts: 4)",
    "soft_moe(experts: 2, normalised: true)",
    "expert_choice(experts: 2)",
    "top_k(experts: 2)",
];

#[test]
fn a_loss_that_is_not_finite_changes_nothing() {
    for body in DIVERGING {
        let mut learner = DqnLearner::new(
            network(body.parse().unwrap(), false),
            settings(TdLoss::Mse, false),
            Seeds::new(3),
        );
        let mut batch = batch(&mut Xoshiro256PlusPlus::seed_from_u64(1));
        batch.rewards[2] = f32::INFINITY;
        let before = learner.state();
        let error = learner.update(&batch).unwrap_err();
        assert!(matches!(error, AgentError::Diverged { update: 1, .. }), "{body}: {error}");
        assert_eq!(learner.state(), before, "{body}");
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_an_error_and_a_restored_learner_goes_on() {
    for body in DIVERGING {
        let mut learner = DqnLearner::new(
            network(body.parse().unwrap(), false),
            settings(TdLoss::Huber, false),
            Seeds::new(3),
        );
        let batch = batch(&mut Xoshiro256PlusPlus::seed_from_u64(1));
        let before = learner.state();
        // Huber's loss of values of 1e30 is finite. Squares of the gradients before the head are not.
        let target = flat_weights(&learner);
        let scaled = |(name, _, values): (&str, &[usize], Cow<'_, [f32]>)| -> Vec<f32> {
            let scale = if name.starts_with("head") { 1e30 } else { 1.0 };
            values.iter().map(|value| value * scale).collect()
        };
        let online: Vec<f32> = learner.weights().into_iter().flat_map(scaled).collect();
        learner.set_weights(&online, &target);
        let error = learner.update(&batch).unwrap_err();
        let AgentError::Diverged { update: 1, loss, .. } = error else { panic!("{body}: {error}") };
        assert!(loss.is_finite(), "{body}: {loss}");
        let message = error.to_string();
        assert!(message.contains("the gradient of `") && !message.contains("`head"), "{body}: {message}");

        learner.restore(&before).unwrap();
        assert_eq!(learner.state(), before, "{body}");
        learner.update(&batch).unwrap();
    }
}

#[test]
fn a_learner_goes_on_from_its_state() {
    let make = |seed| {
        DqnLearner::new(network(BodySpec::soft_moe(4), true), settings(TdLoss::Huber, true), Seeds::new(seed))
    };
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let batches = [batch(&mut rng), batch(&mut rng), batch(&mut rng)];
    let (mut first, mut second) = (make(1), make(2));
    first.update(&batches[0]).unwrap();
    first.sync_target();
    first.update(&batches[1]).unwrap();
    second.restore(&first.state()).unwrap();
    first.update(&batches[2]).unwrap();
    second.update(&batches[2]).unwrap();
    assert_eq!(first.state(), second.state());
    assert_eq!(first.act(&[1; 400], Mode::Evaluate), second.act(&[1; 400], Mode::Evaluate));
    let other =
        DqnLearner::new(network(BodySpec::flat(), false), settings(TdLoss::Mse, false), Seeds::new(1));
    let message = second.restore(&other.state()).unwrap_err().to_string();
    assert!(message.contains("parameters"), "{message}");
    assert_eq!(first.state(), second.state());
}

#[test]
fn losses_in_closed_form() {
    assert_eq!(loss::target(2.0, 1.0, 0.5), 2.0);
    assert_eq!(loss::target(2.0, 1.0, 0.0), 1.0);
    assert_eq!(loss::squared_error(1.0, -2.0), (9.0, -6.0));
    assert_eq!(loss::huber(0.5, 0.0), (0.125, -0.5));
    // The two pieces meet at 1, where each is 1/2 and as steep.
    assert_eq!(loss::huber(1.0, 0.0), (0.5, -1.0));
    assert_eq!(loss::huber(0.0, 3.0), (2.5, 1.0));
}

proptest! {
    #[test]
    fn derivatives_are_central_differences(target in -5.0_f32..5.0, q in -5.0_f32..5.0) {
        prop_assume!(((target - q).abs() - 1.0).abs() > 0.01);
        for (name, loss) in [("squared", loss::squared_error as fn(f32, f32) -> (f32, f32)), ("huber", loss::huber)] {
            let step = 1.0 / 256.0;
            let difference = (loss(target, q + step).0 - loss(target, q - step).0) / (2.0 * step);
            // Both losses are quadratic or linear around q: only rounding is between them.
            prop_assert!((loss(target, q).1 - difference).abs() < 2e-3, "{name}");
        }
    }

    #[test]
    fn huber_is_never_above_half_the_square_and_even(target in -9.0_f32..9.0, q in -9.0_f32..9.0) {
        let ((huber, derivative), (squared, _)) = (loss::huber(target, q), loss::squared_error(target, q));
        prop_assert!(huber <= 0.5 * squared && huber >= 0.0 && derivative.abs() <= 1.0);
        prop_assert_eq!(loss::huber(q, target), (huber, -derivative));
    }
}
