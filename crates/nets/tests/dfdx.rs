//! Dense layers and the rectifier against those of dfdx, on its CPU device.

mod support;

use dfdx::prelude::*;
use proptest::prelude::*;
use softmoe_nets::layers::{Linear, Relu};
use softmoe_nets::{Builder, Layer, Weights};
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

        let mut tape = network.tape::<f64>((batch, inputs));
        let weights = Weights { parameters: &parameters, noise: None };
        let y = network.forward(weights, &x, &mut tape).to_vec();
        let mut gradient = vec![f64::NAN; list.len()];
        let dx = network.backward(weights, &x, &dy, &mut tape, &mut gradient, true);

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
}
