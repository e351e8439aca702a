//! Bodies by their forward passes alone, against closed forms; and where they are refused.

#[cfg(feature = "flex")]
mod on_flex {
    use burn_tensor::Tensor;
    use softmoe_agents::bodies::{Attention, BodySizes, DeviceBody};
    use softmoe_nets::Builder;
    use softmoe_nets::device::{DeviceWeights, Flex, FlexDevice, from_values, to_values};

    /// Two tokens of width two, and a hidden width of one.
    const SIZES: BodySizes = BodySizes { tokens: 2, width: 2, hidden: 1, noisy: false };

    /// What attention makes of the tokens (1, 0) and (0, 1), for these queries, keys and values.
    fn attend(query: [f32; 2], key: [f32; 2], value: [f32; 4]) -> Vec<f32> {
        let mut builder = Builder::new();
        let body = Attention::new(&mut builder, SIZES, 1);
        let (parameters, _) = builder.finish();
        let flat = [&query[..], &key, &value].concat();
        let flat: Tensor<Flex, 1> = from_values(&flat, [flat.len()], &FlexDevice);
        let weights = DeviceWeights::new(&parameters, &flat);
        let tokens: Tensor<Flex, 3> = from_values(&[1.0, 0.0, 0.0, 1.0], [1, 2, 2], &FlexDevice);
        assert_eq!(body.outputs(), 4);
        to_values(body.forward(&weights, tokens))
    }

    #[track_caller]
    fn assert_near(got: &[f32], want: [f32; 4]) {
        assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?} is not {want:?}");
    }

    #[test]
    fn attention_adds_the_weighted_mean_of_the_values() {
        let value = [2.0, 4.0, 6.0, 8.0];
        // Without queries all weights are a half: each token gets the mean of (2, 4) and (6, 8).
        assert_near(&attend([0.0, 0.0], [5.0, 7.0], value), [1.0 + 4.0, 6.0, 4.0, 1.0 + 6.0]);
        // Logits of the first token ln 3 and 0, of the second 0 and 0: weights 3/4 and 1/4.
        assert_near(&attend([1.0, 0.0], [3.0_f32.ln(), 0.0], value), [1.0 + 3.0, 5.0, 4.0, 1.0 + 6.0]);
        assert_near(&attend([1.0, 1.0], [1.0, 1.0], [0.0; 4]), [1.0, 0.0, 0.0, 1.0]);
    }
}

#[test]
fn the_cpu_engine_refuses_a_body_without_gradients() {
    let architecture = "(network: (encoder: minatar, body: device_only(body: attention()), hidden: 8), \
                         head: q(dueling: false, noisy: false), observation: (10, 10, 4), actions: 6)";
    let error = softmoe_agents::networks::build(&architecture.parse().unwrap()).err().unwrap().to_string();
    assert!(error.contains("`attention(layers:1)` has only a device forward"), "{error}");
    assert!(error.contains("use `--device flex`"), "{error}");
}
