//! Parity of DQN's and Rainbow's losses with the reference.

use softmoe_agents::dqn;
use softmoe_agents::dqn::loss::greedy;
use softmoe_agents::prioritized;
use softmoe_agents::rainbow::loss;
use softmoe_nets::kernels::softmax_rows;
use softmoe_tests::fixtures::{assert_near, cases};

/// The loss of a value and a target, and its derivative with respect to the value.
type Loss = fn(f32, f32) -> (f32, f32);

#[test]
fn the_projection_has_parity_with_the_reference() {
    for fixture in cases("projection") {
        let support = fixture.f32("target_support");
        let atoms = support.len();
        let (values, weights) = (fixture.f32("support"), fixture.f32("weights"));
        let mut got = vec![0.0; weights.len()];
        let rows = values.chunks(atoms).zip(weights.chunks(atoms)).zip(got.chunks_mut(atoms));
        for ((values, weights), got) in rows {
            loss::project_values(got, weights, values.iter().copied(), &support);
        }
        assert_near(fixture.name(), &got, &fixture.f32("output"), 5e-7);
    }
}

#[test]
fn categorical_losses_have_parity_with_the_reference() {
    for fixture in cases("c51") {
        let what = |tensor: &str| format!("{}: {tensor}", fixture.name());
        let &[batch, actions, atoms] = fixture.shape("logits") else { panic!("{}", what("logits")) };
        let support = fixture.f32("support");
        // The reference's support is rounded otherwise; an atom's last place would show in the shares.
        assert_near(&what("support"), &loss::support(fixture.metadata("v_max"), atoms), &support, 1e-6);

        let discount: f32 = fixture.metadata("cumulative_gamma");
        let online = fixture.f32("next_logits_online");
        let target_network = fixture.f32("next_logits_target");
        let choosing = if fixture.flag("double_dqn") { &online } else { &target_network };
        let (logits, rewards) = (fixture.f32("logits"), fixture.f32("reward"));
        let (taken, terminals) = (fixture.i32("action"), fixture.u8("terminal"));

        let mut weights = vec![0.0; batch];
        let probabilities: Vec<f64> =
            fixture.f32("sampling_probability").iter().map(|&p| f64::from(p)).collect();
        prioritized::importance_weights(&mut weights, &probabilities, 0.5);

        let mut next_q_values = vec![0.0; batch * actions];
        let mut next_actions = vec![0; batch];
        let mut targets = vec![0.0; batch * atoms];
        let mut gradient = vec![0.0; logits.len()];
        let (mut losses, mut priorities) = (vec![0.0; batch], vec![0.0; batch]);
        let mut probabilities_t = vec![0.0; actions * atoms];
        for sample in 0..batch {
            let of_sample = sample * actions * atoms..(sample + 1) * actions * atoms;
            let q_values = &mut next_q_values[sample * actions..][..actions];
            softmax_rows(&mut probabilities_t, &choosing[of_sample.clone()], atoms);
            loss::q_values(q_values, &probabilities_t, &support);
            let action = greedy(q_values);
            next_actions[sample] = action as i32;

            softmax_rows(&mut probabilities_t, &target_network[of_sample], atoms);
            let discount_t = if terminals[sample] == 0 { discount } else { 0.0 };
            let target = &mut targets[sample * atoms..][..atoms];
            let of_action = &probabilities_t[action * atoms..][..atoms];
            loss::project(target, of_action, rewards[sample], discount_t, &support);

            let of_taken = (sample * actions + taken[sample] as usize) * atoms;
            let of_taken = of_taken..of_taken + atoms;
            let scale = weights[sample] / batch as f32;
            let d_logits = &mut gradient[of_taken.clone()];
            losses[sample] = loss::cross_entropy(d_logits, target, &logits[of_taken], scale);
            priorities[sample] = prioritized::priority(losses[sample], 0.5);
        }
        let mean =
            losses.iter().zip(&weights).map(|(loss, weight)| loss * weight).sum::<f32>() / batch as f32;

        // The largest action value is the end of the support at most.
        fixture.assert_close("next_q_values", &next_q_values, "next_q_values");
        assert_eq!(next_actions, fixture.i32("next_action"), "{}", what("next_action"));
        assert_near(&what("target"), &targets, &fixture.f32("target"), 5e-7);
        assert_near(&what("loss"), &losses, &fixture.f32("loss"), 4e-6);
        assert_near(&what("priority"), &priorities, &fixture.f32("priority"), 4e-6);
        assert_near(&what("mean_loss"), &[mean], &fixture.f32("mean_loss"), 4e-6);
        let importance = fixture.f32("importance_weight");
        for (got, want) in weights.iter().zip(&importance) {
            assert!((got / want - 1.0).abs() <= 1e-6, "{}: {got} is not {want}", what("importance_weight"));
        }
        fixture.assert_close("grad/logits", &gradient, "grad/logits");
    }
}

#[test]
fn losses_of_action_values_have_parity_with_the_reference() {
    for fixture in cases("dqn_loss") {
        let &[batch, actions] = fixture.shape("q_values") else { panic!("{}: q_values", fixture.name()) };
        let discount: f32 = fixture.metadata("cumulative_gamma");
        assert_eq!(fixture.metadata::<f32>("huber_delta"), 1.0, "{}", fixture.name());
        let [online, target_network] =
            ["online", "target"].map(|network| fixture.f32(&format!("next_q_values_{network}")));
        let (q_values, rewards) = (fixture.f32("q_values"), fixture.f32("reward"));
        let (taken, terminals) = (fixture.i32("action"), fixture.u8("terminal"));
        let uniform = vec![1.0; batch];

        let targets = |choosing: &[f32]| -> Vec<f32> {
            let target = |sample: usize| {
                let of_sample = sample * actions..(sample + 1) * actions;
                let action = greedy(&choosing[of_sample.clone()]);
                let discount_t = if terminals[sample] == 0 { discount } else { 0.0 };
                dqn::loss::target(target_network[of_sample][action], rewards[sample], discount_t)
            };
            (0..batch).map(target).collect()
        };
        // Losses, the mean of them weighted, and the gradient of that.
        let losses = |loss: fn(f32, f32) -> (f32, f32), targets: &[f32], weights: &[f32]| {
            let (mut losses, mut mean) = (vec![0.0; batch], 0.0);
            let mut gradient = vec![0.0; batch * actions];
            for sample in 0..batch {
                let of_taken = sample * actions + taken[sample] as usize;
                let (loss, derivative) = loss(targets[sample], q_values[of_taken]);
                losses[sample] = loss;
                gradient[of_taken] = derivative * weights[sample] / batch as f32;
                mean += loss * weights[sample] / batch as f32;
            }
            (losses, mean, gradient)
        };

        let single = targets(&target_network);
        let double = targets(&online);
        fixture.assert_close("target", &single, "target");
        fixture.assert_close("target_double", &double, "target_double");
        let kinds: [(&str, Loss); 2] = [("mse", dqn::loss::squared_error), ("huber", dqn::loss::huber)];
        for (name, loss) in kinds {
            let close = |tensor: &str, got: &[f32]| {
                let tensor = format!("{name}/{tensor}");
                fixture.assert_close(&tensor, got, &tensor);
            };
            let (values, mean, gradient) = losses(loss, &single, &uniform);
            close("loss", &values);
            close("mean_loss", &[mean]);
            close("grad/q_values", &gradient);
            let (_, _, gradient) = losses(loss, &double, &fixture.f32("weight"));
            close("double_weighted/grad/q_values", &gradient);
        }
    }
}
