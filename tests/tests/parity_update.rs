//! Parity of Rainbow's updates with the reference: one from a fresh optimizer, and five with a copy to the target network.

use softmoe_agents::rainbow::{RainbowLearner, RainbowSettings};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Learner, Update, UpdateSettings};
use softmoe_env::Element;
use softmoe_nets::layers::{CategoricalHead, Dense, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::{
    ActionLayer, ActionNetwork, AdamSettings, BoxedNetwork, Builder, ExpertSettings, NoiseList, ParameterList,
};
use softmoe_replay::{Batch, Layout};
use softmoe_tests::compare::GradientsCompared;
use softmoe_tests::devices::EngineLayer;
use softmoe_tests::encoders::{Encoder, Map, MapLayer};
use softmoe_tests::fixtures::{Fixture, assert_near, cases, cases_of_new_topic};
use softmoe_tests::reference::{Names, NoiseNames, dense, experts, name, noise, parameters};

/// An engine that computes a network's passes.
trait Engine {
    type Network;

    /// The network of `layer`, whose parts were made with `builder`; `shape(batch)` is its input's.
    fn network<L, S>(self, builder: Builder, layer: L, shape: S) -> Self::Network
    where
        L: EngineLayer<Map> + ActionLayer<Map>,
        S: Fn(usize) -> Map + Send + Sync + 'static;
}

struct OnCpu;

impl Engine for OnCpu {
    type Network = Box<dyn ActionNetwork>;

    fn network<L, S>(self, builder: Builder, layer: L, shape: S) -> Self::Network
    where
        L: EngineLayer<Map> + ActionLayer<Map>,
        S: Fn(usize) -> Map + Send + Sync + 'static,
    {
        Box::new(BoxedNetwork::new(builder, layer, shape))
    }
}

/// A network on an engine, and how the reference calls its parameters and its noise.
struct Case<N> {
    network: N,
    parameters: Names,
    noise: NoiseNames,
    /// The largest value of a pixel.
    pixel_scale: u8,
}

/// Sizes of a fixture's states.
fn states(fixture: &Fixture) -> Map {
    let first = if fixture.has("state") { "state" } else { "update_0/state" };
    let &[batch, height, width, channels] = fixture.shape(first) else { panic!("states have four axes") };
    (batch, height, width, channels)
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

/// Makes a network for an engine.
fn network<E: Engine>(
    engine: E,
    builder: Builder,
    layer: impl EngineLayer<Map> + ActionLayer<Map>,
    fixture: &Fixture,
) -> E::Network {
    let (_, height, width, channels) = states(fixture);
    engine.network(builder, layer, move |batch| (batch, height, width, channels))
}

fn flat<L: MapLayer, E: Engine>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
    engine: E,
) -> (E::Network, Names, NoiseNames) {
    let &[features, hidden] = fixture.shape("param/NoisyNetwork_0/kernel_mu") else {
        panic!("a kernel has two axes")
    };
    let dense_hidden = Dense::new(&mut builder, "hidden", features, hidden, true);
    let (head, head_names) = head(&mut builder, fixture, hidden, 1);
    let layer = ((encoder, Flatten(features), dense_hidden, Relu), head);
    (
        network(engine, builder, layer, fixture),
        [encoder_names, dense("hidden", "NoisyNetwork_0/", true), head_names].concat(),
        vec![("hidden", "hidden/"), ("head/advantage", "advantage/"), ("head/value", "value/")],
    )
}

fn soft_moe<L: MapLayer, E: Engine>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
    engine: E,
    fixed_phi: bool,
) -> (E::Network, Names, NoiseNames) {
    let (_, h, w, _) = encoder.output_shape(states(fixture));
    let tokens = h * w;
    let &[d, n, p] = fixture.shape("param/SoftMoE_0/phi_weights") else { panic!("phi has three axes") };
    let hidden = fixture.shape("param/ExpertModel_0/net/bias_mu")[1];
    let settings = ExpertSettings { hidden, extra_layers: 0, noisy: true };
    let moe = SoftMoe::new(&mut builder, "moe", (tokens, d, n, p), settings);
    let moe = if fixed_phi { moe.with_fixed_phi(&mut builder) } else { moe };
    let (head, head_names) = head(&mut builder, fixture, tokens * d, 0);
    let layer = ((encoder, PerConv(tokens), moe, Flatten(tokens * d)), head);
    (
        network(engine, builder, layer, fixture),
        [
            encoder_names,
            name("moe/phi", "SoftMoE_0/phi_weights"),
            experts("moe/experts", "ExpertModel_0", true),
            head_names,
        ]
        .concat(),
        vec![("moe/experts/hidden", "expert/"), ("head/advantage", "advantage/"), ("head/value", "value/")],
    )
}

/// A fixture's network on an engine.
fn case<E: Engine>(fixture: &Fixture, engine: E) -> Case<E::Network> {
    fn with_encoder<L: MapLayer, E: Engine>(
        fixture: &Fixture,
        builder: Builder,
        encoder: (L, Names),
        engine: E,
    ) -> (E::Network, Names, NoiseNames) {
        match fixture.metadata::<String>("kind").as_str() {
            "flat" => flat(fixture, builder, encoder, engine),
            "moe" | "released" => soft_moe(fixture, builder, encoder, engine, false),
            "fixed_phi" => soft_moe(fixture, builder, encoder, engine, true),
            other => panic!("{}: the kind {other} is unknown", fixture.name()),
        }
    }
    let (_, height, width, channels) = states(fixture);
    let mut builder = Builder::new();
    let (encoder, names) = Encoder::new(&mut builder, fixture, "encoder/", [height, width, channels]);
    let pixel_scale = encoder.pixel_scale();
    let (network, parameters, noise) = match encoder {
        Encoder::Impala(layer) => with_encoder(fixture, builder, (layer, names), engine),
        Encoder::Nature(layer) => with_encoder(fixture, builder, (layer, names), engine),
        Encoder::MinAtar(layer) => with_encoder(fixture, builder, (layer, names), engine),
    };
    Case { network, parameters, noise, pixel_scale }
}

/// What an update takes: the tensors `<folder><name>` of a fixture.
struct Given {
    batch: Batch,
    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
}

impl Given {
    fn new(fixture: &Fixture, folder: &str, sources: &NoiseList, names: &NoiseNames) -> Self {
        let noise = |of: &str| noise(fixture, sources, names, &format!("{folder}{of}/"));
        Given {
            batch: batch(fixture, folder),
            noise_target: noise("noise_target"),
            noise_loss: noise("noise_loss"),
        }
    }
}

/// The transitions. The fixture gives their importance weights, divided by the largest: they are those of
/// the sampling probabilities weight^-2, for the exponent 1/2.
fn batch(fixture: &Fixture, folder: &str) -> Batch {
    let tensor = |name: &str| format!("{folder}{name}");
    let weights = fixture.f32(&tensor("loss_weight"));
    let layout = layout(fixture);
    let mut batch = Batch::new(weights.len(), &layout);
    batch.states = fixture.u8(&tensor("state"));
    batch.next_states = fixture.u8(&tensor("next_state"));
    let actions = fixture.i32(&tensor("action")).into_iter();
    batch.actions = actions.map(|action| u8::try_from(action).unwrap()).collect();
    batch.rewards = fixture.f32(&tensor("reward"));
    let discount = layout.discount.powf(layout.n_step as f64) as f32;
    let discount_t = |terminal| if terminal == 0 { discount } else { 0.0 };
    batch.discounts = fixture.u8(&tensor("terminal")).into_iter().map(discount_t).collect();
    batch.probabilities = weights.into_iter().map(|weight| f64::from(weight).powi(-2)).collect();
    batch
}

fn layout(fixture: &Fixture) -> Layout {
    let (_, height, width, channels) = states(fixture);
    let frame_len = height * width * channels;
    let (n_step, discount) = (fixture.metadata("n_step"), fixture.metadata("gamma"));
    Layout { capacity: 100, frame_len, channels, stack: 1, n_step, discount }
}

fn settings(fixture: &Fixture, pixel_scale: u8) -> RainbowSettings {
    let support = fixture.f32("support");
    let update = UpdateSettings {
        batch_size: states(fixture).0,
        double: fixture.flag("double_dqn"),
        priority_exponent: 0.5,
        importance_exponent: 0.5,
        optimizer: AdamSettings::new(fixture.metadata("learning_rate"), fixture.metadata("adam_eps")),
        element: Element::Byte { scale: pixel_scale },
    };
    RainbowSettings { v_max: f64::from(support[support.len() - 1]), update }
}

/// The learners of both engines, with weights and noise from outside.
trait GivenLearner: Learner {
    fn set(&mut self, online: &[f32], target: &[f32]);
    fn update_given(&mut self, given: &Given) -> Update<'_>;
}

impl GivenLearner for RainbowLearner {
    fn set(&mut self, online: &[f32], target: &[f32]) {
        self.set_weights(online, target);
    }

    fn update_given(&mut self, given: &Given) -> Update<'_> {
        self.update_with(&given.batch, &given.noise_target, &given.noise_loss).unwrap()
    }
}

/// What the checks need of a [`Case`] whose network has become a learner.
struct Lists {
    parameters: ParameterList,
    sources: NoiseList,
    names: Names,
    noise: NoiseNames,
}

impl Lists {
    /// Gives `learner` the weights that a fixture begins with.
    fn begin(&self, fixture: &Fixture, learner: &mut impl GivenLearner) {
        let of = |folder: &str| parameters(fixture, &self.parameters, &self.names, folder);
        learner.set(&of("param"), &of("target_param"));
    }

    fn given(&self, fixture: &Fixture, folder: &str) -> Given {
        Given::new(fixture, folder, &self.sources, &self.noise)
    }

    /// Compares a learner's weights with the tensors `<folder>after/<name>`.
    fn assert_weights(&self, fixture: &Fixture, folder: &str, learner: &impl Learner, absolute: f64) {
        let after: Vec<f32> = learner.weights().iter().flat_map(|(_, _, values)| values.to_vec()).collect();
        for (ours, theirs) in &self.names {
            let range = self.parameters.get(ours).unwrap().range.clone();
            let tensor = format!("{folder}after/{theirs}");
            let what = format!("{}: {tensor}", fixture.name());
            assert_near(&what, &after[range], &fixture.f32(&tensor), absolute);
        }
    }
}

/// A fixture's learner on the CPU engine.
fn on_cpu(fixture: &Fixture) -> (RainbowLearner, Lists) {
    let Case { network, parameters: names, noise, pixel_scale } = case(fixture, OnCpu);
    let (parameters, sources) = (network.parameters().clone(), network.noise().clone());
    let mut learner = RainbowLearner::new(network, settings(fixture, pixel_scale), Seeds::new(0));
    let lists = Lists { parameters, sources, names, noise };
    lists.begin(fixture, &mut learner);
    (learner, lists)
}

/// Checks one update: the loss, the losses of the samples, the priorities, the weights after it.
fn check_update(fixture: &Fixture, learner: &mut impl GivenLearner, lists: &Lists) {
    let what = |tensor: &str| format!("{}: {tensor}", fixture.name());
    let update = learner.update_given(&lists.given(fixture, ""));
    let mean_loss = fixture.f32("mean_loss");
    assert_near(&what("mean_loss"), &[update.loss], &mean_loss, 1e-6 * f64::from(mean_loss[0].abs()));
    assert_near(&what("priority"), update.priorities, &fixture.f32("priority"), 4e-6);
    // A priority is the root of its loss plus 1e-10; squaring doubles the relative error.
    let losses: Vec<f32> = update.priorities.iter().map(|p| p * p - 1e-10).collect();
    for (loss, want) in losses.iter().zip(fixture.f32("loss")) {
        assert_near(&what("loss"), &[*loss], &[want], 1e-6 * f64::from(want.abs()));
    }
    lists.assert_weights(fixture, "", learner, 2e-7);
}

#[test]
fn a_whole_update_has_parity_with_the_reference() {
    let mut compared = GradientsCompared::default();
    for fixture in &cases("update") {
        let (mut learner, lists) = on_cpu(fixture);
        check_update(fixture, &mut learner, &lists);
        let what = format!("{}: target", fixture.name());
        assert_near(&what, learner.q_target(), &fixture.f32("target"), 5e-7);
        for (ours, theirs) in &lists.names {
            let range = lists.parameters.get(ours).unwrap().range.clone();
            fixture.assert_close(&format!("grad/{theirs}"), &learner.gradient()[range], "grad");
        }
        compared.count(family(fixture), true);
    }
    compared.assert_covers(&["flat", "mixture"]);
}

fn family(fixture: &Fixture) -> &'static str {
    if fixture.metadata::<String>("kind") == "flat" { "flat" } else { "mixture" }
}

/// Checks all updates of a fixture of training, with the copy to the target network in between: after each, its loss,
/// priorities and weights. Weights may be four times as far from the reference's as its own are from double precision.
fn check_training(fixture: &Fixture, learner: &mut impl GivenLearner, lists: &Lists) {
    let updates: usize = fixture.metadata("updates");
    let copy_after: usize = fixture.metadata("copy_after");
    assert!(0 < copy_after && copy_after < updates, "{}: no update after the copy", fixture.name());
    let phi = |learner: &_| -> Vec<f32> {
        let weights = Learner::weights(learner).into_iter();
        weights.filter(|(name, ..)| *name == "moe/phi").flat_map(|(_, _, phi)| phi.into_owned()).collect()
    };
    let phi_before = phi(learner);
    let absolute = 4.0 * fixture.metadata::<f64>("f32_vs_f64_after_max_abs");
    for k in 0..updates {
        let folder = format!("update_{k}/");
        let update = learner.update_given(&lists.given(fixture, &folder));
        fixture.assert_close(&format!("{folder}mean_loss"), &[update.loss], "mean_loss");
        fixture.assert_close(&format!("{folder}priority"), update.priorities, "priority");
        lists.assert_weights(fixture, &folder, learner, absolute);
        if k + 1 == copy_after {
            learner.sync_target();
        }
    }
    let stays = fixture.metadata::<String>("kind") == "fixed_phi";
    assert!(phi_before.is_empty() || (phi(learner) == phi_before) == stays, "{}: Phi", fixture.name());
}

/// The fixtures of training that the reference defines, or that we did: a Phi that stays as it was drawn.
fn trainings(fixed_phi: bool) -> Vec<Fixture> {
    if fixed_phi {
        cases_of_new_topic("fixed_phi", Some("ours"))
    } else {
        cases_of_new_topic("training", None)
    }
}

#[test]
fn five_updates_with_a_target_copy_have_parity_with_the_reference() {
    let mut compared = GradientsCompared::default();
    for fixture in &trainings(false) {
        let (mut learner, lists) = on_cpu(fixture);
        check_training(fixture, &mut learner, &lists);
        compared.count(family(fixture), true);
    }
    compared.assert_covers(&["flat", "mixture"]);
}

#[test]
fn parity_own_definition_five_updates_with_a_fixed_phi() {
    for fixture in &trainings(true) {
        let (mut learner, lists) = on_cpu(fixture);
        check_training(fixture, &mut learner, &lists);
    }
}

/// The device engine, on burn's own CPU backend.
#[cfg(feature = "flex")]
mod on_flex {
    use super::{
        Case, Engine, Given, GivenLearner, Lists, case, check_training, check_update, settings, trainings,
    };
    use softmoe_agents::Update;
    use softmoe_agents::rainbow::DeviceRainbowLearner;
    use softmoe_agents::seeds::Seeds;
    use softmoe_nets::device::{Autodiff, BoxedDeviceNetwork, DeviceNetwork, Flex, FlexDevice};
    use softmoe_nets::{ActionLayer, Builder};
    use softmoe_tests::devices::EngineLayer;
    use softmoe_tests::encoders::Map;
    use softmoe_tests::fixtures::{Fixture, cases};

    struct OnFlex;

    impl Engine for OnFlex {
        type Network = Box<dyn DeviceNetwork<Autodiff<Flex>>>;

        fn network<L, S>(self, builder: Builder, layer: L, shape: S) -> Self::Network
        where
            L: EngineLayer<Map> + ActionLayer<Map>,
            S: Fn(usize) -> Map + Send + Sync + 'static,
        {
            Box::new(BoxedDeviceNetwork::new(builder, layer, shape))
        }
    }

    impl GivenLearner for DeviceRainbowLearner<Flex> {
        fn set(&mut self, online: &[f32], target: &[f32]) {
            self.set_weights(online, target);
        }

        fn update_given(&mut self, given: &Given) -> Update<'_> {
            self.update_with(&given.batch, &given.noise_target, &given.noise_loss).unwrap()
        }
    }

    fn on_flex(fixture: &Fixture) -> (DeviceRainbowLearner<Flex>, Lists) {
        let Case { network, parameters: names, noise, pixel_scale } = case(fixture, OnFlex);
        let (parameters, sources) = (network.parameters().clone(), network.noise().clone());
        let settings = settings(fixture, pixel_scale);
        let mut learner = DeviceRainbowLearner::new(network, settings, Seeds::new(0), FlexDevice);
        let lists = Lists { parameters, sources, names, noise };
        lists.begin(fixture, &mut learner);
        (learner, lists)
    }

    #[test]
    fn a_whole_update_has_parity_with_the_reference() {
        for fixture in &cases("update") {
            let (mut learner, lists) = on_flex(fixture);
            check_update(fixture, &mut learner, &lists);
        }
    }

    #[test]
    fn five_updates_with_a_target_copy_have_parity_with_the_reference() {
        for fixture in &trainings(false) {
            let (mut learner, lists) = on_flex(fixture);
            check_training(fixture, &mut learner, &lists);
        }
    }

    #[test]
    fn parity_own_definition_five_updates_with_a_fixed_phi() {
        for fixture in &trainings(true) {
            let (mut learner, lists) = on_flex(fixture);
            check_training(fixture, &mut learner, &lists);
        }
    }
}
