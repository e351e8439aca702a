//! Dense layers, the rectifier, a soft mixture, and the training of a flat network against dfdx, on its CPU device.

mod support;

use dfdx::optim::Adam;
use dfdx::prelude::*;
use proptest::prelude::*;
use softmoe_nets::layers::{CategoricalHead, Linear, Relu, SoftMoe};
use softmoe_nets::{AdamSettings, Builder, ExpertSettings, Layer, Weights};
use support::uniform;

#[track_caller]
fn assert_near(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()), "{what}: {got}, should be {want}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn dense_relu_dense_agrees_with_dfdx(
        batch in 1usize..6, inputs in 1usize..12, hidden in 1usize..40, outputs in 1usize..12, seed: u64,
    ) {
        let mut builder = Builder::new();
        let network = (
            Linear::new(&mut builder, "first", inputs, hidden),
            Relu,
            Linear::new(&mut builder, "second", hidden, outputs),
        );
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let (x, dy) = (uniform(batch * inputs, 1.0, !seed), uniform(batch * outputs, 1.0, seed ^ 1));

        let mut workspace = network.workspace::<f64>((batch, inputs));
        let weights = Weights { parameters: &parameters, noise: None };
        let y = network.forward(weights, &x, &mut workspace).to_vec();
        let mut gradient = vec![f64::NAN; list.len()];
        let dx = network.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);

        let device = Cpu::default();
        let values = |name: &str| parameters[list.get(name).unwrap().range.clone()].to_vec();
        let kernel_1 = device.tensor_from_vec(values("first/kernel"), (inputs, hidden));
        let bias_1 = device.tensor_from_vec(values("first/bias"), (hidden,));
        let kernel_2 = device.tensor_from_vec(values("second/kernel"), (hidden, outputs));
        let bias_2 = device.tensor_from_vec(values("second/bias"), (outputs,));
        let input = device.tensor_from_vec(x.clone(), (batch, inputs));
        let hidden_values = input.leaky_trace().matmul(kernel_1.clone())
            + bias_1.leaky_trace().broadcast_like::<_, Axis<0>>(&(batch, hidden));
        let output = hidden_values.relu().matmul(kernel_2.clone())
            + bias_2.leaky_trace().broadcast_like::<_, Axis<0>>(&(batch, outputs));
        assert_near("output", &y, &output.as_vec());
        let gradients = (output * device.tensor_from_vec(dy.clone(), (batch, outputs))).sum().backward();
        assert_near("gradient of the input", dx, &gradients.get(&input).as_vec());
        let ours = |name: &str| &gradient[list.get(name).unwrap().range.clone()];
        assert_near("first kernel", ours("first/kernel"), &gradients.get(&kernel_1).as_vec());
        assert_near("first bias", ours("first/bias"), &gradients.get(&bias_1).as_vec());
        assert_near("second kernel", ours("second/kernel"), &gradients.get(&kernel_2).as_vec());
        assert_near("second bias", ours("second/bias"), &gradients.get(&bias_2).as_vec());
    }

    /// With its experts, and through both softmaxes.
    #[test]
    fn soft_mixture_agrees_with_dfdx(
        m in 1usize..8, d in 1usize..6, n in 1usize..4, p in 1usize..4, hidden in 1usize..9, seed: u64,
    ) {
        let mut builder = Builder::new();
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };
        let layer = SoftMoe::new(&mut builder, "moe", (m, d, n, p), settings);
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let (x, dy) = (uniform(m * d, 1.0, !seed), uniform(m * d, 1.0, seed ^ 1));
        let mut workspace = layer.workspace::<f64>((1, m, d));
        let weights = Weights { parameters: &parameters, noise: None };
        let y = layer.forward(weights, &x, &mut workspace).to_vec();
        let mut gradient = vec![f64::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);

        let device = Cpu::default();
        let values = |name: &str| parameters[list.get(name).unwrap().range.clone()].to_vec();
        let phi = device.tensor_from_vec(values("moe/phi"), (d, n * p));
        let kernel_1 = device.tensor_from_vec(values("moe/experts/hidden/kernel"), (n, d, hidden));
        let bias_1 = device.tensor_from_vec(values("moe/experts/hidden/bias"), (n, hidden));
        let kernel_2 = device.tensor_from_vec(values("moe/experts/output/kernel"), (n, hidden, d));
        let bias_2 = device.tensor_from_vec(values("moe/experts/output/bias"), (n, d));
        let input = device.tensor_from_vec(x.clone(), (m, d));
        let logits = input.leaky_trace().matmul(phi.clone());
        let dispatch = logits.retaped::<OwnedTape<f64, Cpu>>().softmax::<Axis<0>>();
        let slots = dispatch.permute::<_, Axes2<1, 0>>().matmul(input.clone()).reshape_like(&(n, p, d));
        let values_1 = slots.matmul(kernel_1.clone())
            + bias_1.leaky_trace().broadcast_like::<_, Axis<1>>(&(n, p, hidden));
        let outputs = values_1.relu().matmul(kernel_2.clone())
            + bias_2.leaky_trace().broadcast_like::<_, Axis<1>>(&(n, p, d));
        let output = logits.softmax::<Axis<1>>().matmul(outputs.reshape_like(&(n * p, d)));
        assert_near("output", &y, &output.as_vec());
        let gradients = (output * device.tensor_from_vec(dy.clone(), (m, d))).sum().backward();
        assert_near("gradient of the input", dx, &gradients.get(&input).as_vec());
        let ours = |name: &str| &gradient[list.get(name).unwrap().range.clone()];
        assert_near("phi", ours("moe/phi"), &gradients.get(&phi).as_vec());
        assert_near("hidden kernels", ours("moe/experts/hidden/kernel"), &gradients.get(&kernel_1).as_vec());
        assert_near("hidden biases", ours("moe/experts/hidden/bias"), &gradients.get(&bias_1).as_vec());
        assert_near("output kernels", ours("moe/experts/output/kernel"), &gradients.get(&kernel_2).as_vec());
        assert_near("output biases", ours("moe/experts/output/bias"), &gradients.get(&bias_2).as_vec());
    }
}

/// Ten steps of a flat distributional network with a dueling head: its layers, their gradients, and Adam together.
#[test]
fn training_a_flat_network_agrees_with_dfdx() {
    const BATCH: usize = 5;
    const FEATURES: usize = 12;
    const HIDDEN: usize = 16;
    const ACTIONS: usize = 3;
    const ATOMS: usize = 4;
    const LOGITS: usize = ACTIONS * ATOMS;

    let mut builder = Builder::new();
    let network = (
        Linear::new(&mut builder, "hidden", FEATURES, HIDDEN),
        Relu,
        CategoricalHead::dueling(&mut builder, "head", HIDDEN, ACTIONS, ATOMS, false),
    );
    let (list, _) = builder.finish();
    let to_f32 = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
    let mut parameters = to_f32(uniform(list.len(), 0.5, 1));
    let x = to_f32(uniform(BATCH * FEATURES, 1.0, 2));
    // The target's probabilities where the action was taken, zero elsewhere.
    let mut target = vec![0.0_f32; BATCH * LOGITS];
    for sample in 0..BATCH {
        let weights = uniform(ATOMS, 0.5, 3 + sample as u64).into_iter().map(|weight| weight + 0.6);
        let weights: Vec<f64> = weights.collect();
        let sum: f64 = weights.iter().sum();
        for (atom, weight) in weights.into_iter().enumerate() {
            target[sample * LOGITS + sample % ACTIONS * ATOMS + atom] = (weight / sum) as f32;
        }
    }

    let device = Cpu::default();
    let values = |name: &str| parameters[list.get(name).unwrap().range.clone()].to_vec();
    let mut model = (
        device.tensor_from_vec(values("hidden/kernel"), (Const::<FEATURES>, Const::<HIDDEN>)),
        device.tensor_from_vec(values("hidden/bias"), (Const::<HIDDEN>,)),
        device.tensor_from_vec(values("head/advantage/kernel"), (Const::<HIDDEN>, Const::<LOGITS>)),
        device.tensor_from_vec(values("head/advantage/bias"), (Const::<LOGITS>,)),
        device.tensor_from_vec(values("head/value/kernel"), (Const::<HIDDEN>, Const::<ATOMS>)),
        device.tensor_from_vec(values("head/value/bias"), (Const::<ATOMS>,)),
    );
    let settings = AdamSettings::new(1e-3, 1.5e-4);
    let config = AdamConfig {
        lr: settings.learning_rate,
        betas: [settings.beta_1, settings.beta_2],
        eps: settings.epsilon,
        weight_decay: None,
    };
    let mut their_adam = Adam::new(&model, config);
    let their_x = device.tensor_from_vec(x.clone(), (Const::<BATCH>, Const::<FEATURES>));
    let their_target =
        device.tensor_from_vec(target.clone(), (Const::<BATCH>, Const::<ACTIONS>, Const::<ATOMS>));

    let mut adam = softmoe_nets::Adam::new(settings, list.len());
    let mut workspace = network.workspace::<f32>((BATCH, FEATURES));
    let start = parameters.clone();
    for step in 1..=10 {
        let weights = Weights { parameters: &parameters, noise: None };
        let logits = network.forward(weights, &x, &mut workspace).to_vec();
        // The mean cross-entropy's gradient: softmax - target, where an action was taken.
        let mut d_logits = vec![0.0_f32; BATCH * LOGITS];
        let atoms = logits.chunks_exact(ATOMS).zip(target.chunks_exact(ATOMS));
        for (d, (logits, target)) in d_logits.chunks_exact_mut(ATOMS).zip(atoms) {
            let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
            for (d, (logit, target)) in d.iter_mut().zip(logits.iter().zip(target)) {
                *d = if *target > 0.0 { (logit.exp() / sum - target) / BATCH as f32 } else { 0.0 };
            }
        }
        let mut gradient = vec![f32::NAN; list.len()];
        network.backward(weights, &x, &d_logits, &mut workspace, &mut gradient, false);
        adam.step(&mut parameters, &gradient);

        let (kernel, bias, advantage_kernel, advantage_bias, value_kernel, value_bias) = &model;
        let hidden = (their_x.leaky_trace().matmul(kernel.clone()) + bias.leaky_trace().broadcast()).relu();
        let advantage = hidden.retaped::<OwnedTape<f32, Cpu>>().matmul(advantage_kernel.clone())
            + advantage_bias.leaky_trace().broadcast();
        let advantage = advantage.reshape::<Rank3<BATCH, ACTIONS, ATOMS>>();
        let mean = advantage.retaped::<OwnedTape<f32, Cpu>>().mean::<_, Axis<1>>();
        let value = hidden.matmul(value_kernel.clone()) + value_bias.leaky_trace().broadcast();
        let logits = advantage + (value - mean).broadcast::<_, Axis<1>>();
        let loss = (logits.log_softmax::<Axis<2>>() * their_target.clone()).sum() * (-1.0 / BATCH as f32);
        let gradients = loss.backward();
        their_adam.update(&mut model, &gradients).expect("every parameter has a gradient");

        let (kernel, bias, advantage_kernel, advantage_bias, value_kernel, value_bias) = &model;
        for (name, theirs) in [
            ("hidden/kernel", kernel.as_vec()),
            ("hidden/bias", bias.as_vec()),
            ("head/advantage/kernel", advantage_kernel.as_vec()),
            ("head/advantage/bias", advantage_bias.as_vec()),
            ("head/value/kernel", value_kernel.as_vec()),
            ("head/value/bias", value_bias.as_vec()),
        ] {
            let range = list.get(name).unwrap().range.clone();
            for (index, theirs) in range.zip(theirs) {
                let (ours, from) = (parameters[index], start[index]);
                let near = (ours - theirs).abs() <= 2e-6;
                assert!(near, "step {step}: {name} went from {from} to {ours}, dfdx's to {theirs}");
            }
        }
    }
    let moved = parameters.iter().zip(&start).filter(|(now, start)| (*now - *start).abs() > 1e-3).count();
    assert!(moved > list.len() / 2, "{moved} of {} parameters moved", list.len());
}
