//! Tokenizations, pooled bodies, simplicial embeddings and value heads against the reference implementation's values
//! and gradients.

use softmoe_agents::networks::RegisteredLayer;
use softmoe_nets::layers::{
    CategoricalHead, Dense, Flatten, Pooling, Relu, ReluPlace, SimplicialGroups, SimplicialMap, Tokenized,
    TokenizedSettings,
};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, Layer, ParameterList, Weights};
use softmoe_tests::devices::on_devices;
use softmoe_tests::fixtures::{Fixture, files};
use softmoe_tests::reference::{Names, assert_gradients, dense, noise, parameters};

#[test]
fn tokenized_parity() {
    for path in files("tokenized") {
        let fixture = Fixture::open(&path);
        let noisy = fixture.flag("noisy");
        let &[batch, tokens, width] = fixture.shape("input") else { panic!("tokens have three axes") };
        for (kind, pooling, relu) in [
            ("relu_then_sum", Pooling::Sum, ReluPlace::BeforePooling),
            ("relu_then_mean", Pooling::Mean, ReluPlace::BeforePooling),
            ("sum_then_relu", Pooling::Sum, ReluPlace::AfterPooling),
            ("mean_then_relu", Pooling::Mean, ReluPlace::AfterPooling),
        ] {
            let hidden = fixture.shape(&format!("{kind}/output"))[1];
            let mut builder = Builder::new();
            let settings = TokenizedSettings { pooling, relu, noisy };
            let layer = Tokenized::new(&mut builder, "body", width, hidden, settings);
            let (list, sources) = builder.finish();
            let names = dense("body", "", noisy);
            let values = parameters(&fixture, &list, &names, "param");
            let eps = if noisy { noise(&fixture, &sources, &[("body", "noise/")]) } else { vec![] };
            let weights = Weights { parameters: &values, noise: noisy.then_some(eps.as_slice()) };
            let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));

            let mut workspace = layer.workspace::<f32>((batch, tokens, width));
            let y = Layer::<(usize, usize, usize)>::forward(&layer, weights, &x, &mut workspace);
            fixture.assert_close(&format!("{kind}/output"), y, &format!("{kind}_output"));
            let mut gradient = vec![f32::NAN; list.len()];
            let dx = Layer::<(usize, usize, usize)>::backward(
                &layer,
                weights,
                &x,
                &dy,
                &mut workspace,
                &mut gradient,
                true,
            );
            let group = format!("{kind}_grad");
            let assert_gradients = |fixture: &Fixture, d_input: &[f32], gradient: &[f32]| {
                fixture.assert_close(&format!("{kind}/grad/input"), d_input, &group);
                for (ours, theirs) in &names {
                    let range = list.get(ours).expect("a parameter that was read").range.clone();
                    fixture.assert_close(&format!("{kind}/grad/param/{theirs}"), &gradient[range], &group);
                }
            };
            assert_gradients(&fixture, dx, &gradient);
            let shape = (batch, tokens, width);
            on_devices::<(usize, usize, usize), _>(
                &layer,
                &list,
                shape,
                weights,
                &x,
                Some(&dy),
                |computed| {
                    fixture.assert_close(
                        &format!("{kind}/output"),
                        &computed.output,
                        &format!("{kind}_output"),
                    );
                    // The gradient of a bias is a sum over all samples' tokens, which burn's CPU backend adds up in one row.
                    let fixture = fixture.with_factor(2.0);
                    assert_gradients(&fixture, &computed.d_input, &computed.gradient);
                },
            );
        }
    }
}

/// A feature map, as simplicial embeddings take it.
type Map = (usize, usize, usize, usize);

/// Compares a network of simplicial embeddings from the feature map on; `hidden` gives what went into its head.
fn assert_simplicial<L: RegisteredLayer<Map>>(
    fixture: &Fixture,
    layer: &L,
    list: &ParameterList,
    hidden: impl Fn(&L::Workspace<f32>) -> Vec<f32>,
) {
    let names: Names = [dense("hidden", "Dense_0/", false), dense("head", "Dense_1/", false)].concat();
    let values = parameters(fixture, list, &names, "param");
    let weights = Weights { parameters: &values, noise: None };
    let &[batch, height, width, channels] = fixture.shape("input") else { panic!("maps have four axes") };
    let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));
    let mut workspace = layer.workspace::<f32>((batch, height, width, channels));
    fixture.assert_close("q_values", layer.forward(weights, &x, &mut workspace), "q_values");
    fixture.assert_close("hidden", &hidden(&workspace), "hidden");
    let mut gradient = vec![f32::NAN; list.len()];
    let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
    fixture.assert_close("grad/input", dx, "grad");
    assert_gradients(fixture, list, &names, &gradient);
    let shape = (batch, height, width, channels);
    on_devices(layer, list, shape, weights, &x, Some(&dy), |computed| {
        fixture.assert_close("q_values", &computed.output, "q_values");
        fixture.assert_close("grad/input", &computed.d_input, "grad");
        assert_gradients(fixture, list, &names, &computed.gradient);
    });
}

#[test]
fn simplicial_parity() {
    let (mut maps, mut groups) = (0, 0);
    for path in files("simplicial") {
        let fixture = Fixture::open(&path);
        let temperature = fixture.metadata("tau");
        let &[features, hidden] = fixture.shape("param/Dense_0/kernel") else {
            panic!("a kernel has two axes")
        };
        let actions = fixture.shape("q_values")[1];
        let mut builder = Builder::new();
        let dense = Dense::new(&mut builder, "hidden", features, hidden, false);
        let head = CategoricalHead::plain(&mut builder, "head", hidden, actions, Const::<1>, false);
        let (list, _) = builder.finish();
        match fixture.metadata::<String>("version").as_str() {
            "V1" => {
                maps += 1;
                let network = (SimplicialMap { temperature }, Flatten(features), dense, Relu, head);
                assert_simplicial(&fixture, &network, &list, |workspace| {
                    let embedding = Layer::<Map>::output(&network.0, &[], &workspace.0);
                    fixture.assert_intermediate("embedding", embedding);
                    Layer::<(usize, usize)>::output(&network.3, &[], &workspace.3).to_vec()
                });
            }
            "V2" => {
                groups += 1;
                let embedding =
                    SimplicialGroups { groups: fixture.metadata::<usize>("experts_n"), temperature };
                let network = (Flatten(features), dense, embedding, head);
                assert_simplicial(&fixture, &network, &list, |workspace| {
                    Layer::<(usize, usize)>::output(&network.2, &[], &workspace.2).to_vec()
                });
            }
            other => panic!("{}: simplicial embeddings of version {other}", fixture.name()),
        }
    }
    assert!(maps > 0 && groups > 0, "{maps} files of version 1 and {groups} of version 2");
}

/// The heads of the released value networks, behind their mixtures' outputs.
#[test]
fn q_head_parity() {
    let mut compared = 0;
    for path in files("dqn") {
        let fixture = Fixture::open(&path);
        if !fixture.has("moe_output") {
            continue;
        }
        compared += 1;
        let &[batch, tokens, width] = fixture.shape("moe_output") else { panic!("tokens have three axes") };
        let actions = fixture.shape("q_values")[1];
        let mut builder = Builder::new();
        let head = CategoricalHead::plain(&mut builder, "head", tokens * width, actions, Const::<1>, false);
        let (list, _) = builder.finish();
        let names = dense("head", "Dense_0/", false);
        let values = parameters(&fixture, &list, &names, "param");
        let weights = Weights { parameters: &values, noise: None };
        let mut workspace = head.workspace::<f32>((batch, tokens * width));
        let features = fixture.f32("moe_output");
        fixture.assert_close("q_values", head.forward(weights, &features, &mut workspace), "q_values");
        on_devices(&head, &list, (batch, tokens * width), weights, &features, None, |computed| {
            fixture.assert_close("q_values", &computed.output, "q_values");
        });
    }
    assert!(compared > 0, "no mixture among the files of DQN networks");
}
