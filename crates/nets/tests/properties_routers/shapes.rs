//! The shapes of whole networks.

use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::layers::{
    BigSoftMoe, CategoricalHead, Conv2d, Dense, ExpertChoice, Flatten, Linear, LoadBalancing, PerConv, Relu,
    SoftMoe, TopKChoice, TopKSettings,
};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};

/// Checks what a network says of its shapes against what it computes: every parameter is in the list once and gets a
/// gradient, every output and input gradient has its value, in batches of any size.
fn assert_shapes<In: Shape>(
    builder: Builder,
    layer: &impl Layer<In>,
    input: In,
    output: &[usize],
) -> Result<(), TestCaseError> {
    let (list, sources) = builder.finish();
    let shape: Vec<usize> = layer.output_shape(input).concrete().into();
    prop_assert_eq!(&shape, output);

    let rows = layer.describe(input);
    prop_assert_eq!(&rows.last().unwrap().output, &output[1..]);
    prop_assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), list.len());
    let mut end = 0;
    for parameter in list.iter() {
        prop_assert_eq!(parameter.range.start, end, "parameters lie one behind the other");
        prop_assert_eq!(parameter.range.len(), parameter.shape.iter().product::<usize>());
        end = parameter.range.end;
    }
    prop_assert_eq!(end, list.len());

    let parameters = uniform(list.len(), 1.0, 1);
    let noise = uniform(sources.len(), 1.0, 2);
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let x = uniform(input.num_elements(), 1.0, 3);
    let mut workspace = layer.workspace::<f64>(input);
    let y = layer.forward(weights, &x, &mut workspace).to_vec();
    prop_assert_eq!(y.len(), output.iter().product::<usize>());
    prop_assert!(y.iter().all(|y| y.is_finite()));
    let mut gradient = vec![f64::NAN; list.len()];
    let dx = layer.backward(weights, &x, &y, &mut workspace, &mut gradient, true);
    prop_assert_eq!(dx.len(), x.len());
    prop_assert!(dx.iter().chain(&gradient).all(|d| d.is_finite()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_layer_has_the_shape_it_names(
        (batch, side, channels, width) in (1usize..4, 4usize..7, 1usize..4, 1usize..5),
        (n, p, hidden, extra_layers) in (1usize..4, 1usize..4, 1usize..9, 0usize..2),
        (actions, atoms, noisy, dueling) in (1usize..5, 1usize..6, any::<bool>(), any::<bool>()),
    ) {
        let settings = ExpertSettings { hidden, extra_layers, noisy };
        let (map, m) = (side - 2, (side - 2) * (side - 2));
        let features = m * width;
        let input = (batch, side, side, channels);
        let logits = [batch, actions, atoms];
        let start = |builder: &mut Builder| {
            (Conv2d::<_, _, _, 3, 1>::new(builder, "encoder", channels, (map, map, width)), Relu)
        };
        let head = |builder: &mut Builder, features: usize| {
            let make = if dueling { CategoricalHead::dueling } else { CategoricalHead::plain };
            make(builder, "head", features, actions, atoms, noisy)
        };

        let mut b = Builder::new();
        let layers = (start(&mut b), Flatten(features), Dense::new(&mut b, "hidden", features, hidden, noisy), Relu, head(&mut b, hidden));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let moe = if dueling { SoftMoe::new } else { SoftMoe::normalised };
        let layers = (start(&mut b), PerConv(m), moe(&mut b, "moe", (m, width, n, p), settings));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let moe = ExpertChoice::new;
        let layers = (start(&mut b), PerConv(m), moe(&mut b, "moe", (m, width, n, p), settings));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let balancing = LoadBalancing { importance: 1.0, load: 1.0, ..LoadBalancing::default() };
        let top_k = TopKSettings { choices: p.min(n), balancing, ..TopKSettings::default() };
        let moe = TopKChoice::new(&mut b, "moe", (m, width, n), settings, top_k);
        // A mixture made first has its parameters first.
        let layers = (PerConv(m), moe);
        assert_shapes(b.clone(), &layers, (batch, map, map, width), &[batch, m, width])?;
        let layers = (start(&mut b), layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let layers = (start(&mut b), PerConv(m), BigSoftMoe::new(&mut b, "moe", (m, width, n, 2_usize), |b, name| (
            Conv2d::<_, _, _, 2, 1>::new(b, &format!("{name}/encoder"), width, (1_usize, 1_usize, 3_usize)),
            Flatten(3_usize),
            Linear::new(b, &format!("{name}/output"), 3_usize, 4 * width),
        )));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;
    }
}
