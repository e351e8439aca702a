//! Parity of pooled bodies, simplicial embeddings and value heads with the reference: values and gradients.

use softmoe_nets::layers::{
    CategoricalHead, Dense, Flatten, Pooling, Relu, ReluPlace, SimplicialGroups, SimplicialMap, Tokenized,
    TokenizedSettings,
};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, Layer, ParameterList, Weights};
use softmoe_tests::compare::{Subject, Tensors};
use softmoe_tests::devices::{EngineLayer, on_devices};
use softmoe_tests::fixtures::{Fixture, cases, cases_of_own_definition};
use softmoe_tests::reference::{Names, dense, noise, parameters};

#[test]
fn parity_own_definition_tokenized() {
    for fixture in cases_of_own_definition("tokenized") {
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
            let eps = if noisy { noise(&fixture, &sources, &vec![("body", "")], "noise/") } else { vec![] };
            let weights = Weights { parameters: &values, noise: noisy.then_some(eps.as_slice()) };
            let x = fixture.f32("input");
            let tensor = |what: &str| format!("{kind}{what}");
            let (output, output_group) = (tensor("/output"), tensor("_output"));
            let (d_input, gradients) = (tensor("/grad/input"), tensor("/grad/param"));
            let tensors = Tensors {
                output: &output,
                output_group: &output_group,
                d_input: Some(&d_input),
                gradients: &gradients,
                gradient_group: &tensor("_grad"),
                // A bias's gradient is a sum over all samples' tokens. burn's CPU backend adds it up in one row.
                device_factor: 2.0,
                ..Tensors::default()
            };
            let shape = (batch, tokens, width);
            let subject = Subject { layer: &layer, list: &list, names: &names, weights, shape, x: &x };
            subject.compare_gradients(&fixture, tensors, |_| ());
        }
    }
}

/// A feature map, as simplicial embeddings take it.
type Map = (usize, usize, usize, usize);

/// Compares a network of simplicial embeddings from the feature map on. `hidden` gives the input of its head.
fn assert_simplicial<L: EngineLayer<Map>>(
    fixture: &Fixture,
    layer: &L,
    list: &ParameterList,
    hidden: impl Fn(&L::Workspace<f32>) -> Vec<f32>,
) {
    let names: Names = [dense("hidden", "Dense_0/", false), dense("head", "Dense_1/", false)].concat();
    let values = parameters(fixture, list, &names, "param");
    let weights = Weights { parameters: &values, noise: None };
    let &[batch, height, width, channels] = fixture.shape("input") else { panic!("maps have four axes") };
    let x = fixture.f32("input");
    let tensors = Tensors { output: "q_values", output_group: "q_values", ..Tensors::default() };
    let shape = (batch, height, width, channels);
    Subject { layer, list, names: &names, weights, shape, x: &x }.compare_gradients(
        fixture,
        tensors,
        |workspace| {
            fixture.assert_close("hidden", &hidden(workspace), "hidden");
        },
    );
}

#[test]
fn simplicial_parity() {
    let (mut maps, mut groups) = (0, 0);
    for fixture in cases("simplicial") {
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

/// The released value networks' heads alone, from the mixtures' outputs of the fixtures.
#[test]
fn q_head_parity() {
    let mut compared = 0;
    for fixture in cases("dqn") {
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
