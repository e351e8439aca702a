//! Parity of the released value networks with the reference: from observations to values and gradients.

use softmoe_nets::layers::{
    CategoricalHead, Dense, Flatten, PerConv, PerFeature, PerPatch, PerSample, Relu, SoftMoe,
};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, ExpertSettings, Layer, Size, Weights};
use softmoe_tests::compare::{GradientsCompared, Subject, Tensors};
use softmoe_tests::devices::EngineLayer;
use softmoe_tests::encoders::{Encoder, Map, MapLayer};
use softmoe_tests::fixtures::{Fixture, cases};
use softmoe_tests::reference::{Names, dense, experts, name, parameters};
use std::collections::BTreeSet;

/// A network under construction: its fixture, its builder and the names of its parameters.
struct Case<'f> {
    fixture: &'f Fixture,
    builder: Builder,
    names: Names,
}

impl Case<'_> {
    /// Sizes of the fixture's observations.
    fn observations(&self) -> Map {
        let &[batch, height, width, channels] = self.fixture.shape("observation") else {
            panic!("observations have four axes")
        };
        (batch, height, width, channels)
    }

    /// The head on `features` values, which the reference calls `theirs`.
    fn head(&mut self, features: usize, theirs: &str) -> CategoricalHead<usize, Const<1>> {
        self.names.extend(dense("head", theirs, false));
        CategoricalHead::plain(
            &mut self.builder,
            "head",
            features,
            self.fixture.shape("q_values")[1],
            Const::<1>,
            false,
        )
    }

    /// Compares the flat network.
    fn flat(mut self, encoder: impl MapLayer) -> bool {
        let &[features, hidden] = self.fixture.shape("param/Dense_0/kernel") else {
            panic!("a kernel has two axes")
        };
        self.names.extend(dense("hidden", "Dense_0/", false));
        let layer = Dense::new(&mut self.builder, "hidden", features, hidden, false);
        let head = self.head(hidden, "Dense_1/");
        self.compare(&(encoder, Flatten(features), layer, Relu, head), |_, _| ())
    }

    /// Compares the network of a soft mixture over `tokens`, m of width d.
    fn mixture<M, D, T>(mut self, encoder: impl MapLayer, tokens: T, (m, d): (M, D)) -> bool
    where
        M: Size,
        D: Size,
        T: EngineLayer<Map> + Layer<Map, Out = (usize, M, D)>,
    {
        let &[_, n, p] = self.fixture.shape("param/SoftMoE_0/phi_weights") else {
            panic!("phi has three axes")
        };
        let hidden = self.fixture.shape("param/ExpertModel_0/Dense_0/kernel")[1];
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };
        let moe = SoftMoe::new(&mut self.builder, "moe", (m, d, n, p), settings);
        self.names.extend(name("moe/phi", "SoftMoE_0/phi_weights"));
        self.names.extend(experts("moe/experts", "ExpertModel_0", false));
        let features = m.size() * d.size();
        let head = self.head(features, "Dense_0/");
        let network = (encoder, tokens, moe, Flatten(features), head);
        self.compare(&network, |fixture, workspace| {
            let output = Layer::<(usize, M, D)>::output(&network.2, &[], &workspace.2);
            fixture.assert_intermediate("moe_output", output);
        })
    }

    /// Compares `network`'s values, by `inner` its intermediate values, and gradients if the fixture has them. Returns whether it
    /// has.
    fn compare<L: EngineLayer<Map>>(self, network: &L, inner: impl Fn(&Fixture, &L::Workspace<f32>)) -> bool {
        let observations = self.observations();
        let Case { fixture, builder, names } = self;
        let (list, _) = builder.finish();
        let values = parameters(fixture, &list, &names, "param");
        let weights = Weights { parameters: &values, noise: None };
        let x: Vec<f32> =
            fixture.u8("observation").into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();
        let tensors =
            Tensors { output: "q_values", output_group: "q_values", d_input: None, ..Tensors::default() };
        let subject =
            Subject { layer: network, list: &list, names: &names, weights, shape: observations, x: &x };
        subject.compare(fixture, tensors, |workspace| inner(fixture, workspace))
    }
}

#[test]
fn dqn_network_parity() {
    let mut gradients = GradientsCompared::default();
    let mut compared = BTreeSet::new();
    for fixture in &cases("dqn") {
        let mut case = Case { fixture, builder: Builder::new(), names: vec![] };
        let (_, height, width, channels) = case.observations();
        let (encoder, names) =
            Encoder::new(&mut case.builder, fixture, "encoder/", [height, width, channels]);
        let Encoder::Impala(encoder) = encoder else { panic!("{}: not Impala", fixture.name()) };
        case.names = names;
        let (_, h, w, c) = encoder.output_shape(case.observations());
        let routing = if fixture.flag("moe") { fixture.metadata("routing") } else { "no mixture".to_owned() };
        let with_gradients = match routing.as_str() {
            "no mixture" => case.flat(encoder),
            "PER_PIXEL" => case.mixture(encoder, PerConv(h * w), (h * w, c)),
            "PER_FEATUREMAP" => case.mixture(encoder, PerFeature(h * w), (c, h * w)),
            "PER_SAMPLE" => case.mixture(encoder, PerSample(h * w * c), (Const::<1>, h * w * c)),
            "PER_PATCH" => {
                let tokens = (h / 3) * (w / 3);
                let patches = PerPatch::new(&mut case.builder, "embedding", [h, w], tokens, c);
                case.names.extend(dense("embedding", "embedding/", false));
                case.mixture(encoder, patches, (tokens, c))
            }
            other => panic!("{}: tokens {other}", fixture.name()),
        };
        gradients.count(if fixture.flag("moe") { "mixture" } else { "flat" }, with_gradients);
        compared.insert(routing);
    }
    gradients.assert_covers(&["flat", "mixture"]);
    assert!(compared.len() > 1, "the files of DQN networks hold only {compared:?}");
}
