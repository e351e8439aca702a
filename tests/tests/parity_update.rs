//! A whole update of Rainbow, from a fresh optimizer, against the reference implementation's.

use softmoe_agents::networks::{NetworkVisitor, OnCpu, RegisteredNetwork};
use softmoe_agents::rainbow::{RainbowLearner, RainbowSettings};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Learner, Update, UpdateSettings};
use softmoe_nets::layers::{CategoricalHead, Dense, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::{AdamSettings, Builder, ExpertSettings, NoiseList, ParameterList};
use softmoe_replay::{Batch, Layout};
use softmoe_tests::encoders::{Encoder, Map, MapLayer};
use softmoe_tests::fixtures::{Fixture, assert_near, files};
use softmoe_tests::reference::{Names, dense};

/// A network, as an engine has it, and how the reference calls its parameters and its noise.
struct Case<N> {
    network: N,
    parameters: Names,
    noise: Names,
}

fn pairs<const N: usize>(names: [(&str, &str); N]) -> Names {
    names.map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned())).into()
}

/// A dueling noisy head on `features` values, whose advantage is the reference's module `first`.
fn head(
    builder: &mut Builder,
    fixture: &Fixture,
    features: usize,
    first: usize,
) -> (CategoricalHead<usize, usize>, Names) {
    let atoms = fixture.shape("support")[0];
    let outputs = fixture.shape(&format!("param/NoisyNetwork_{first}/bias_mu"))[0];
    let layer = CategoricalHead::dueling(builder, "head", features, outputs / atoms, atoms, true);
    let advantage = dense("head/advantage", &format!("NoisyNetwork_{first}/"), true);
    let value = dense("head/value", &format!("NoisyNetwork_{}/", first + 1), true);
    (layer, [advantage, value].concat())
}

/// Hands a network to an engine.
fn visit<V: NetworkVisitor>(
    visitor: V,
    builder: Builder,
    layer: impl RegisteredNetwork<Map>,
    fixture: &Fixture,
) -> V::Output {
    let &[_, height, width, channels] = fixture.shape("state") else { panic!("states have four axes") };
    visitor.visit(builder, layer, move |batch| (batch, height, width, channels))
}

fn flat<L: MapLayer, V: NetworkVisitor>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
    visitor: V,
) -> Case<V::Output> {
    let &[features, hidden] = fixture.shape("param/NoisyNetwork_0/kernel_mu") else {
        panic!("a kernel has two axes")
    };
    let dense_hidden = Dense::new(&mut builder, "hidden", features, hidden, true);
    let (head, head_names) = head(&mut builder, fixture, hidden, 1);
    let layer = ((encoder, Flatten(features), dense_hidden, Relu), head);
    Case {
        network: visit(visitor, builder, layer, fixture),
        parameters: [encoder_names, dense("hidden", "NoisyNetwork_0/", true), head_names].concat(),
        noise: pairs([("hidden", "hidden"), ("head/advantage", "advantage"), ("head/value", "value")]),
    }
}

fn soft_moe<L: MapLayer, V: NetworkVisitor>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
    visitor: V,
) -> Case<V::Output> {
    let &[batch, height, width, channels] = fixture.shape("state") else { panic!("states have four axes") };
    let (_, h, w, _) = encoder.output_shape((batch, height, width, channels));
    let tokens = h * w;
    let &[d, n, p] = fixture.shape("param/SoftMoE_0/phi_weights") else { panic!("phi has three axes") };
    let hidden = fixture.shape("param/ExpertModel_0/net/bias_mu")[1];
    let settings = ExpertSettings { hidden, extra_layers: 0, noisy: true };
    let moe = SoftMoe::new(&mut builder, "moe", (tokens, d, n, p), settings);
    let (head, head_names) = head(&mut builder, fixture, tokens * d, 0);
    let layer = ((encoder, PerConv(tokens), moe, Flatten(tokens * d)), head);
    Case {
        network: visit(visitor, builder, layer, fixture),
        parameters: [
            encoder_names,
            pairs([("moe/phi", "SoftMoE_0/phi_weights")]),
            dense("moe/experts/hidden", "ExpertModel_0/net/", true),
            dense("moe/experts/output", "ExpertModel_0/Dense_0/", false),
            head_names,
        ]
        .concat(),
        noise: pairs([
            ("moe/experts/hidden", "expert"),
            ("head/advantage", "advantage"),
            ("head/value", "value"),
        ]),
    }
}

/// The file's network on an engine, and what its encoder's observations are divided by.
fn case<V: NetworkVisitor>(fixture: &Fixture, visitor: V) -> (Case<V::Output>, u8) {
    fn with_encoder<L: MapLayer, V: NetworkVisitor>(
        fixture: &Fixture,
        builder: Builder,
        encoder: (L, Names),
        visitor: V,
    ) -> Case<V::Output> {
        match fixture.metadata::<String>("kind").as_str() {
            "flat" => flat(fixture, builder, encoder, visitor),
            "moe" | "released" => soft_moe(fixture, builder, encoder, visitor),
            other => panic!("{}: the kind {other} is unknown", fixture.name()),
        }
    }
    let &[_, height, width, channels] = fixture.shape("state") else { panic!("states have four axes") };
    let mut builder = Builder::new();
    let (encoder, names) = Encoder::new(&mut builder, fixture, "encoder/", [height, width, channels]);
    let pixel_scale = encoder.pixel_scale();
    let case = match encoder {
        Encoder::Impala(layer) => with_encoder(fixture, builder, (layer, names), visitor),
        Encoder::Nature(layer) => with_encoder(fixture, builder, (layer, names), visitor),
        Encoder::MinAtar(layer) => with_encoder(fixture, builder, (layer, names), visitor),
    };
    (case, pixel_scale)
}

/// The flat buffer of parameters from the tensors `<folder>/<name>`.
fn parameters(fixture: &Fixture, list: &ParameterList, names: &Names, folder: &str) -> Vec<f32> {
    let mut values = vec![f32::NAN; list.len()];
    for (ours, theirs) in names {
        let parameter = list.get(ours).unwrap_or_else(|| panic!("no parameter {ours}"));
        let theirs = format!("{folder}/{theirs}");
        assert_eq!(parameter.shape, fixture.shape(&theirs), "{}: shape of {theirs}", fixture.name());
        values[parameter.range.clone()].copy_from_slice(&fixture.f32(&theirs));
    }
    assert!(values.iter().all(|value| !value.is_nan()), "{}: a parameter without a value", fixture.name());
    values
}

/// The flat buffer of noise from the tensors `<folder>/<name>/eps_{in,out}`.
fn noise(fixture: &Fixture, list: &NoiseList, names: &Names, folder: &str) -> Vec<f32> {
    let mut values = vec![f32::NAN; list.len()];
    for (ours, theirs) in names {
        let source = list.iter().find(|source| source.name == *ours);
        let source = source.unwrap_or_else(|| panic!("no noise called {ours}"));
        let tensor = |part: &str| fixture.f32(&format!("{folder}/{theirs}/{part}"));
        values[source.inputs.clone()].copy_from_slice(&tensor("eps_in"));
        values[source.outputs.clone()].copy_from_slice(&tensor("eps_out"));
    }
    assert!(values.iter().all(|value| !value.is_nan()), "{}: noise without a value", fixture.name());
    values
}

/// The file's transitions. Its importance weights are given, divided by the largest: they are those of
/// the sampling probabilities weight^-2, for the exponent 1/2.
fn batch(fixture: &Fixture, layout: &Layout) -> Batch {
    let weights = fixture.f32("loss_weight");
    let mut batch = Batch::new(weights.len(), layout);
    batch.states = fixture.u8("state");
    batch.next_states = fixture.u8("next_state");
    batch.actions = fixture.i32("action").into_iter().map(|action| u8::try_from(action).unwrap()).collect();
    batch.rewards = fixture.f32("reward");
    let discount = layout.discount.powf(layout.n_step as f64) as f32;
    let discount_t = |terminal| if terminal == 0 { discount } else { 0.0 };
    batch.discounts = fixture.u8("terminal").into_iter().map(discount_t).collect();
    batch.probabilities = weights.into_iter().map(|weight| f64::from(weight).powi(-2)).collect();
    batch
}

/// Everything that a file's update begins with.
struct Given {
    batch: Batch,
    settings: RainbowSettings,
    online: Vec<f32>,
    target: Vec<f32>,
    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
}

impl Given {
    fn new<N>(
        fixture: &Fixture,
        case: &Case<N>,
        (list, sources): (&ParameterList, &NoiseList),
        pixel_scale: u8,
    ) -> Self {
        let n_step: usize = fixture.metadata("n_step");
        let frame_len = fixture.shape("state")[1..].iter().product();
        let layout = Layout {
            capacity: 100,
            frame_len,
            channels: 1,
            stack: 1,
            n_step,
            discount: fixture.metadata("gamma"),
        };
        let batch = batch(fixture, &layout);
        let support = fixture.f32("support");
        let update = UpdateSettings {
            batch_size: batch.len(),
            double: fixture.flag("double_dqn"),
            priority_exponent: 0.5,
            importance_exponent: 0.5,
            optimizer: AdamSettings::new(fixture.metadata("learning_rate"), fixture.metadata("adam_eps")),
            pixel_scale,
        };
        Given {
            batch,
            settings: RainbowSettings { v_max: f64::from(support[support.len() - 1]), update },
            online: parameters(fixture, list, &case.parameters, "param"),
            target: parameters(fixture, list, &case.parameters, "target_param"),
            noise_target: noise(fixture, sources, &case.noise, "noise_target"),
            noise_loss: noise(fixture, sources, &case.noise, "noise_loss"),
        }
    }
}

/// Compares what an update told.
fn assert_update(fixture: &Fixture, update: Update<'_>) {
    let what = |tensor: &str| format!("{}: {tensor}", fixture.name());
    let mean_loss = fixture.f32("mean_loss");
    assert_near(&what("mean_loss"), &[update.loss], &mean_loss, 1e-6 * f64::from(mean_loss[0].abs()));
    assert_near(&what("priority"), update.priorities, &fixture.f32("priority"), 4e-6);
    // A priority is the root of its loss plus 1e-10; squaring doubles the relative error.
    let losses: Vec<f32> = update.priorities.iter().map(|p| p * p - 1e-10).collect();
    for (loss, want) in losses.iter().zip(fixture.f32("loss")) {
        assert_near(&what("loss"), &[*loss], &[want], 1e-6 * f64::from(want.abs()));
    }
}

/// Compares the weights after an update.
fn assert_weights(fixture: &Fixture, names: &Names, list: &ParameterList, learner: &impl Learner) {
    let after: Vec<f32> = learner.weights().iter().flat_map(|(_, _, values)| values.to_vec()).collect();
    for (ours, theirs) in names {
        let (range, theirs) = (list.get(ours).unwrap().range.clone(), format!("after/{theirs}"));
        let what = format!("{}: {theirs}", fixture.name());
        assert_near(&what, &after[range], &fixture.f32(&theirs), 2e-7);
    }
}

#[test]
fn a_whole_update_has_parity_with_the_reference() {
    for path in files("update") {
        let fixture = &Fixture::open(&path);
        let (case, pixel_scale) = case(fixture, OnCpu);
        let lists = (case.network.parameters(), case.network.noise());
        let given = Given::new(fixture, &case, lists, pixel_scale);
        let Case { network, parameters: names, .. } = case;
        let list = network.parameters().clone();
        let mut learner = RainbowLearner::new(network, given.settings, Seeds::new(0));
        learner.set_weights(&given.online, &given.target);
        let update = learner.update_with(&given.batch, &given.noise_target, &given.noise_loss).unwrap();
        assert_update(fixture, update);

        let what = format!("{}: target", fixture.name());
        assert_near(&what, learner.q_target(), &fixture.f32("target"), 5e-7);
        for (ours, theirs) in &names {
            let range = list.get(ours).unwrap().range.clone();
            fixture.assert_close(&format!("grad/{theirs}"), &learner.gradient()[range], "grad");
        }
        assert_weights(fixture, &names, &list, &learner);
    }
}

/// The device engine, on burn's own CPU backend.
#[cfg(feature = "flex")]
mod on_flex {
    use super::{Case, Given, assert_update, assert_weights, case};
    use softmoe_agents::networks::OnDevice;
    use softmoe_agents::rainbow::DeviceRainbowLearner;
    use softmoe_agents::seeds::Seeds;
    use softmoe_nets::device::{Flex, FlexDevice};
    use softmoe_tests::fixtures::{Fixture, files};

    #[test]
    fn a_whole_update_has_parity_with_the_reference() {
        for path in files("update") {
            let fixture = &Fixture::open(&path);
            let (case, pixel_scale) = case(fixture, OnDevice::<Flex>::default());
            let lists = (case.network.parameters(), case.network.noise());
            let given = Given::new(fixture, &case, lists, pixel_scale);
            let Case { network, parameters: names, .. } = case;
            let list = network.parameters().clone();
            let mut learner = DeviceRainbowLearner::new(network, given.settings, Seeds::new(0), FlexDevice);
            learner.set_weights(&given.online, &given.target);
            let update = learner.update_with(&given.batch, &given.noise_target, &given.noise_loss).unwrap();
            assert_update(fixture, update);
            assert_weights(fixture, &names, &list, &learner);
        }
    }
}
