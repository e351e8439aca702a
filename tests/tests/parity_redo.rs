//! Parity of dormant scores and masks with the reference, and of resets with their definition.

use softmoe_agents::interventions::{Trained, dormant, dormant_scores, redo};
use softmoe_nets::inspection::{Kernel, Neurons};
use softmoe_nets::layers::{Conv2d, Flatten, Linear, Relu, Same};
use softmoe_nets::{Adam, AdamSettings, Builder, Inspection, Layer, ParameterList, Weights};
use softmoe_tests::fixtures::{Fixture, assert_near, cases};
use softmoe_tests::reference::{Names, dense, parameters};

/// The reference's names of the layers that have dormant neurons; `final_layer` comes after them.
const LAYERS: [&str; 3] = ["Conv_0", "Conv_1", "Dense_0"];

type Map = (usize, usize, usize, usize);

/// The fixture's network: its parameters, their names, and its neurons with the kernels before and after them.
fn network(fixture: &Fixture) -> (ParameterList, Names, Vec<Neurons>) {
    let &[_, height, width, first] = fixture.shape("activation/Conv_0") else { panic!("a feature map") };
    let &[.., second] = fixture.shape("activation/Conv_1") else { panic!("a feature map") };
    let &[.., channels, _] = fixture.shape("param/Conv_0/kernel") else { panic!("a kernel of four axes") };
    let &[hidden, actions] = fixture.shape("param/final_layer/kernel") else { panic!("a matrix") };
    let mut builder = Builder::new();
    let b = &mut builder;
    let mut convolution = |name: &str, channels, outputs| {
        Conv2d::<usize, usize, usize, 3, 1, Same>::same(b, name, channels, (height, width, outputs))
    };
    let (conv_0, conv_1) = (convolution("Conv_0", channels, first), convolution("Conv_1", first, second));
    let features = height * width * second;
    let dense_0 = Linear::new(b, "Dense_0", features, hidden);
    let last = Linear::new(b, "final_layer", hidden, actions);
    let layers = (conv_0, Relu, conv_1, Relu, Flatten(features), dense_0, Relu, last);

    let x = vec![0.0_f32; height * width * channels];
    let values = vec![0.0; builder.parameters().len()];
    let mut workspace = layers.workspace::<f32>((1, height, width, channels));
    Layer::<Map>::forward(&layers, Weights { parameters: &values, noise: None }, &x, &mut workspace);
    let mut inspection = Inspection::new();
    Layer::<Map>::inspect(&layers, &x, &workspace, &mut inspection);
    let names =
        LAYERS.iter().chain(&["final_layer"]).flat_map(|name| dense(name, &format!("{name}/"), false));
    (builder.parameters().clone(), names.collect(), inspection.neurons)
}

/// Each neuron's mean |h|, from the activations of a layer.
fn activity(fixture: &Fixture, layer: &str) -> Vec<f64> {
    let values = fixture.f32(&format!("activation/{layer}"));
    let &[.., columns] = fixture.shape(&format!("activation/{layer}")) else { panic!("a shape") };
    let mut inspection = Inspection::new();
    inspection.weights(&[Kernel { range: 0..columns, columns }], &[]);
    inspection.rectified(&values);
    inspection.neurons.remove(0).activity
}

#[test]
fn parity_dormant_scores_and_masks() {
    for fixture in cases("redo") {
        let tau = fixture.metadata("tau");
        let (list, _, neurons) = network(&fixture);
        assert_eq!(neurons.iter().map(|neurons| neurons.name(&list)).collect::<Vec<_>>(), LAYERS);
        for (layer, neurons) in LAYERS.iter().zip(&neurons) {
            let activity = activity(&fixture, layer);
            for (got, want) in dormant_scores(&activity).iter().zip(fixture.f32(&format!("score/{layer}"))) {
                let want = f64::from(want);
                assert!(
                    (got - want).abs() <= 1e-5 * want,
                    "{}: {layer}: {got} is not {want}",
                    fixture.name()
                );
            }
            let mask = dormant(&activity, tau);
            let as_bytes = |mask: Vec<bool>| mask.into_iter().map(u8::from).collect::<Vec<u8>>();
            assert_eq!(as_bytes(mask.clone()), fixture.u8(&format!("mask/{layer}")));
            // The same, spread over the kernels before and after.
            let [incoming] = &neurons.incoming[..] else { panic!("one kernel before") };
            let [outgoing] = &neurons.outgoing[..] else { panic!("one kernel after") };
            let spread = (0..incoming.range.len()).map(|index| mask[index % incoming.columns]);
            assert_eq!(as_bytes(spread.collect()), fixture.u8(&format!("incoming_mask/{layer}")));
            let after = list.iter().find(|parameter| parameter.range == outgoing.range).unwrap();
            let after = after.name.strip_suffix("/kernel").unwrap();
            let spread = (0..outgoing.range.len()).map(|index| mask[index / outgoing.columns % mask.len()]);
            assert_eq!(as_bytes(spread.collect()), fixture.u8(&format!("outgoing_mask/{after}")));
        }
    }
}

/// The weights after a reset follow the definition; the release repeats the mask of a convolution in the wrong order.
#[test]
fn parity_own_definition_reset_of_dormant_neurons() {
    for fixture in cases("redo") {
        let (list, names, mut neurons) = network(&fixture);
        for (layer, neurons) in LAYERS.iter().zip(&mut neurons) {
            neurons.activity = activity(&fixture, layer);
        }
        let of = |folder: &str| parameters(&fixture, &list, &names, folder);
        let mut values = of("param");
        let settings = AdamSettings::new(1e-4, 1e-8);
        let mut optimizer = Adam::resume(settings, 123, of("mu"), of("nu"));
        // Nothing reads the entries that are not drawn anew.
        let mut fresh = vec![f32::NAN; list.len()];
        for layer in LAYERS {
            let name = format!("{layer}/kernel");
            let range = list.get(&name).unwrap().range.clone();
            fresh[range].copy_from_slice(&fixture.f32(&format!("fresh/{name}")));
        }
        let trained = Trained { parameters: &mut values, optimizer: &mut optimizer };
        redo(neurons.iter(), fixture.metadata("tau"), &fresh, trained);
        let (mu, nu) = optimizer.moments();
        for (folder, got) in [("after/param", &values[..]), ("after/mu", mu), ("after/nu", nu)] {
            assert_near(&format!("{}: {folder}", fixture.name()), got, &of(folder), 0.0);
        }
        assert_eq!(optimizer.steps(), 123);
    }
}
