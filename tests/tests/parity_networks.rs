//! Parity of SoftMoE, noisy layers and Rainbow's networks with the reference: values and gradients.

use softmoe_nets::layers::{CategoricalHead, Dense, Flatten, NoisyLinear, PerConv, Relu, SoftMoe};
use softmoe_nets::{Builder, ExpertSettings, Layer, NoiseList, ParameterList, Weights, kernels};
use softmoe_tests::compare::{GradientsCompared, Subject, Tensors};
use softmoe_tests::devices::{EngineLayer, on_devices};
use softmoe_tests::encoders::{Encoder, Map, MapLayer};
use softmoe_tests::fixtures::{Fixture, cases, cases_of_new_topic};
use softmoe_tests::reference::{
    Names, NoiseNames, dense, experts, name, noise, noise_of_some, parameters, swap_axes,
};

#[test]
fn soft_moe_parity() {
    for fixture in cases("softmoe") {
        let normalised = fixture.flag("normalization");
        let &[d, n, p] = fixture.shape("param/phi_weights") else { panic!("phi has three axes") };
        let m = fixture.shape("input")[0];
        let hidden = fixture.shape("param/module/net/bias")[1];
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };

        let mut builder = Builder::new();
        let layer = match normalised {
            true => SoftMoe::normalised(&mut builder, "moe", (m, d, n, p), settings),
            false => SoftMoe::new(&mut builder, "moe", (m, d, n, p), settings),
        };
        let (list, _) = builder.finish();
        let mut names = [name("moe/phi", "phi_weights"), experts("moe/experts", "module", false)].concat();
        if normalised {
            names.extend(name("moe/scale", "scalar"));
        } else {
            // Without normalisation the reference has the scale too, but does not use it.
            assert_eq!(fixture.f32("grad/param/scalar"), [0.0]);
        }
        let values = parameters(&fixture, &list, &names, "param");
        let weights = Weights { parameters: &values, noise: None };
        let x = fixture.f32("input");
        let subject = Subject { layer: &layer, list: &list, names: &names, weights, shape: (1, m, d), x: &x };
        subject.compare_gradients(&fixture, Tensors::default(), |workspace| {
            // Our slots are ordered (p, n), the reference's (n, p).
            let tokens_by_slots = |x: &[f32]| -> Vec<f32> {
                x.chunks_exact(n * p).flat_map(|row| swap_axes(row, p, n, 1)).collect()
            };
            let combine = tokens_by_slots(&workspace.combine());
            fixture.assert_intermediate("dispatch", &tokens_by_slots(&workspace.dispatch()));
            fixture.assert_intermediate("combine", &combine);
            let of_experts: Vec<f32> =
                combine.chunks_exact(p).map(|slots| slots.iter().sum::<f32>() / p as f32).collect();
            fixture.assert_intermediate("router_probabilities", &of_experts);
            fixture.assert_intermediate("slot_inputs", &swap_axes(workspace.slots(), p, n, d));
            fixture.assert_intermediate("expert_hidden", workspace.experts().hidden(0));
        });
    }
}

/// A fixed Phi, with the values that one call of the release drew.
#[test]
fn random_phi_parity() {
    for fixture in cases_of_new_topic("random_phi", None) {
        let &[d, n, p] = fixture.shape("param/phi_weights") else { panic!("phi has three axes") };
        let m = fixture.shape("input")[0];
        let hidden = fixture.shape("param/module/net/bias")[1];
        let mut builder = Builder::new();
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };
        let layer = SoftMoe::new(&mut builder, "moe", (m, d, n, p), settings).with_fixed_phi(&mut builder);
        let (list, _) = builder.finish();
        let trained = experts("moe/experts", "module", false);
        let names = [name("moe/phi", "phi_weights"), trained.clone()].concat();
        let values = parameters(&fixture, &list, &names, "param");
        let weights = Weights { parameters: &values, noise: None };
        let x = fixture.f32("input");
        Subject { layer: &layer, list: &list, names: &trained, weights, shape: (1, m, d), x: &x }
            .compare_gradients(&fixture, Tensors::default(), |_| ());
    }
}

#[test]
fn noisy_linear_parity() {
    for fixture in cases("noisy") {
        let &[batch, inputs] = fixture.shape("input") else { panic!("the input has two axes") };
        let outputs = fixture.shape("output")[1];
        let mut builder = Builder::new();
        let layer = NoisyLinear::new(&mut builder, "noisy", inputs, outputs);
        let (list, sources) = builder.finish();
        let names = dense("noisy", "", true);
        let values = parameters(&fixture, &list, &names, "param");
        let eps = noise(&fixture, &sources, &vec![("noisy", "")], "");
        let noisy = Weights { parameters: &values, noise: Some(&eps) };
        let quiet = Weights { parameters: &values, noise: None };
        let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));
        let shape = (batch, inputs);
        let subject = Subject { layer: &layer, list: &list, names: &names, weights: noisy, shape, x: &x };
        subject.compare_gradients(&fixture, Tensors::default(), |_| ());
        let mut workspace = layer.workspace::<f32>(shape);
        fixture.assert_close("output_eval", layer.forward(quiet, &x, &mut workspace), "output");
        on_devices(&layer, &list, shape, quiet, &x, None, |computed| {
            fixture.assert_close("output_eval", &computed.output, "output");
        });

        // A sample alone takes another path through the noise; the gradients of all samples add up.
        let mut alone = layer.workspace::<f32>((1, inputs));
        let (mut output, mut output_eval, mut d_input) = (vec![], vec![], vec![]);
        let (mut gradient, mut sum) = (vec![f32::NAN; list.len()], vec![0.0; list.len()]);
        for (x, dy) in x.chunks_exact(inputs).zip(dy.chunks_exact(outputs)) {
            output_eval.extend_from_slice(layer.forward(quiet, x, &mut alone));
            output.extend_from_slice(layer.forward(noisy, x, &mut alone));
            d_input.extend_from_slice(layer.backward(noisy, x, dy, &mut alone, &mut gradient, true));
            sum.iter_mut().zip(&gradient).for_each(|(sum, gradient)| *sum += gradient);
        }
        fixture.assert_close("output_eval", &output_eval, "output");
        fixture.assert_close("output", &output, "output");
        fixture.assert_close("grad/input", &d_input, "grad");
        for (ours, theirs) in &names {
            let range = list.get(ours).expect("a parameter that was read").range.clone();
            fixture.assert_close(&format!("grad/param/{theirs}"), &sum[range], "grad");
        }
    }
}

/// Compares the quantities derived from logits: the atoms' probabilities, and their mean on the support.
fn assert_probabilities(fixture: &Fixture, logits: &[f32]) {
    let support = fixture.f32("support");
    let mut probabilities = vec![0.0; logits.len()];
    kernels::softmax_rows(&mut probabilities, logits, support.len());
    fixture.assert_close("probabilities", &probabilities, "probabilities");
    fixture.assert_close("q_values", &q_values(&probabilities, &support), "q_values");
}

/// The tensors of a Rainbow network.
fn tensors() -> Tensors<'static> {
    Tensors {
        output: "logits",
        output_group: "logits",
        d_input: None,
        derived: assert_probabilities,
        ..Tensors::default()
    }
}

/// Means of the atoms' distributions.
fn q_values(probabilities: &[f32], support: &[f32]) -> Vec<f32> {
    let mean = |p: &[f32]| p.iter().zip(support).map(|(&p, &z)| f64::from(p) * f64::from(z)).sum::<f64>();
    probabilities.chunks_exact(support.len()).map(|p| mean(p) as f32).collect()
}

/// A Rainbow network and how the reference calls its parts.
struct Rainbow<L> {
    layer: L,
    list: ParameterList,
    sources: NoiseList,
    names: Names,
    noise: NoiseNames,
}

impl<L: EngineLayer<Map>> Rainbow<L> {
    /// Compares logits, probabilities, action values, gradients, and the logits in evaluation. Returns whether there
    /// were gradients.
    fn compare(&self, fixture: &Fixture, pixel_scale: u8) -> bool {
        let pixels = fixture.u8("observation").into_iter();
        let x: Vec<f32> = pixels.map(|pixel| f32::from(pixel) / f32::from(pixel_scale)).collect();
        let values = parameters(fixture, &self.list, &self.names, "param");
        let shape = observations(fixture);
        let Rainbow { layer, list, names, .. } = self;

        if fixture.has("eval/logits") {
            // The reference keeps the experts noisy in evaluation.
            let noisy = fixture.has("eval/noise/expert/eps_in");
            let experts = if noisy { vec![("moe/experts/hidden", "expert/")] } else { vec![] };
            let eps = noise_of_some(fixture, &self.sources, &experts, "eval/noise/");
            let weights = Weights { parameters: &values, noise: noisy.then_some(&eps) };
            let mut workspace = layer.workspace::<f32>(shape);
            fixture.assert_close("eval/logits", layer.forward(weights, &x, &mut workspace), "eval_logits");
            on_devices(layer, list, shape, weights, &x, None, |computed| {
                fixture.assert_close("eval/logits", &computed.output, "eval_logits");
            });
        }

        let eps = noise(fixture, &self.sources, &self.noise, "noise/");
        let weights = Weights { parameters: &values, noise: Some(&eps) };
        Subject { layer, list, names, weights, shape, x: &x }.compare(fixture, tensors(), |_| ())
    }
}

/// Sizes of the file's observations: batch, height, width, channels.
fn observations(fixture: &Fixture) -> Map {
    let &[batch, height, width, channels] = fixture.shape("observation") else {
        panic!("observations have four axes")
    };
    (batch, height, width, channels)
}

/// The file's encoder, with the names of its parameters.
fn encoder(builder: &mut Builder, fixture: &Fixture) -> (Encoder, Names) {
    let (_, height, width, channels) = observations(fixture);
    Encoder::new(builder, fixture, "encoder/", [height, width, channels])
}

/// The head on `features` values, with the names of its parameters and its noise.
fn head(
    builder: &mut Builder,
    fixture: &Fixture,
    features: usize,
    first: usize,
) -> (CategoricalHead<usize, usize>, Names, NoiseNames) {
    let &[_, actions, atoms] = fixture.shape("logits") else { panic!("logits have three axes") };
    let noisy = fixture.flag("noisy");
    let module = |index: usize| format!("{}_{index}/", if noisy { "NoisyNetwork" } else { "Dense" });
    let (layer, names, noise) = if fixture.flag("dueling") {
        let layer = CategoricalHead::dueling(builder, "head", features, actions, atoms, noisy);
        let advantage = dense("head/advantage", &module(first), noisy);
        let value = dense("head/value", &module(first + 1), noisy);
        let noise = vec![("head/advantage", "advantage/"), ("head/value", "value/")];
        (layer, [advantage, value].concat(), noise)
    } else {
        let layer = CategoricalHead::plain(builder, "head", features, actions, atoms, noisy);
        (layer, dense("head", &module(first), noisy), vec![("head", "head/")])
    };
    (layer, names, if noisy { noise } else { vec![] })
}

#[test]
fn rainbow_parity() {
    let mut compared = GradientsCompared::default();
    for fixture in cases("rainbow") {
        let mut builder = Builder::new();
        let (encoder, names) = encoder(&mut builder, &fixture);
        let pixel_scale = encoder.pixel_scale();
        let body = if fixture.flag("moe") { Body::SoftMoe } else { Body::Flat };
        let gradients = match encoder {
            Encoder::Impala(layer) => body.compare(&fixture, builder, (layer, names), pixel_scale),
            Encoder::Nature(layer) => body.compare(&fixture, builder, (layer, names), pixel_scale),
            Encoder::MinAtar(layer) => body.compare(&fixture, builder, (layer, names), pixel_scale),
        };
        compared.count(body.name(), gradients);
    }
    compared.assert_covers(&["flat", "mixture"]);
}

/// The layers between a Rainbow network's encoder and its head.
#[derive(Clone, Copy)]
enum Body {
    Flat,
    SoftMoe,
}

impl Body {
    fn name(self) -> &'static str {
        match self {
            Body::Flat => "flat",
            Body::SoftMoe => "mixture",
        }
    }

    fn compare<L: MapLayer>(
        self,
        fixture: &Fixture,
        builder: Builder,
        encoder: (L, Names),
        pixel_scale: u8,
    ) -> bool {
        match self {
            Body::Flat => flat(fixture, builder, encoder).compare(fixture, pixel_scale),
            Body::SoftMoe => soft_moe(fixture, builder, encoder).compare(fixture, pixel_scale),
        }
    }
}

/// An encoder, with its names; tokens, a mixture and the head.
fn soft_moe<L: MapLayer>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
) -> Rainbow<impl EngineLayer<Map> + use<L>> {
    let noisy = fixture.flag("noisy");
    let (_, h, w, _) = encoder.output_shape(observations(fixture));
    let tokens = h * w;
    let &[d, n, p] = fixture.shape("param/SoftMoE_0/phi_weights") else { panic!("phi has three axes") };
    let hidden = fixture.shape("param/ExpertModel_0/Dense_0/kernel")[1];
    let settings = ExpertSettings { hidden, extra_layers: 0, noisy };
    let moe = SoftMoe::new(&mut builder, "moe", (tokens, d, n, p), settings);
    let (head, head_names, mut noise) = head(&mut builder, fixture, tokens * d, 0);
    if noisy {
        noise.push(("moe/experts/hidden", "expert/"));
    }
    let names = [
        encoder_names,
        name("moe/phi", "SoftMoE_0/phi_weights"),
        experts("moe/experts", "ExpertModel_0", noisy),
        head_names,
    ]
    .concat();
    let layer = (encoder, PerConv(tokens), moe, Flatten(tokens * d), head);
    let (list, sources) = builder.finish();
    Rainbow { layer, list, sources, names, noise }
}

/// An encoder, with its names; a hidden layer and the head.
fn flat<L: MapLayer>(
    fixture: &Fixture,
    mut builder: Builder,
    (encoder, encoder_names): (L, Names),
) -> Rainbow<impl EngineLayer<Map> + use<L>> {
    let noisy = fixture.flag("noisy");
    let first = if noisy { "NoisyNetwork_0/" } else { "Dense_0/" };
    let kernel = format!("param/{first}kernel{}", if noisy { "_mu" } else { "" });
    let &[features, hidden] = fixture.shape(&kernel) else { panic!("a kernel has two axes") };
    let layer = Dense::new(&mut builder, "hidden", features, hidden, noisy);
    let (head, head_names, mut noise) = head(&mut builder, fixture, hidden, 1);
    if noisy {
        noise.push(("hidden", "hidden/"));
    }
    let names = [encoder_names, dense("hidden", first, noisy), head_names].concat();
    let layer = (encoder, Flatten(features), layer, Relu, head);
    let (list, sources) = builder.finish();
    Rainbow { layer, list, sources, names, noise }
}

/// The released networks' heads alone, from the mixtures' outputs of the fixtures.
#[test]
fn rainbow_head_parity() {
    let mut compared = 0;
    for fixture in cases("rainbow").into_iter().filter(|fixture| fixture.has("moe_output")) {
        compared += 1;
        let &[batch, tokens, width] = fixture.shape("moe_output") else { panic!("tokens have three axes") };
        let mut builder = Builder::new();
        let (head, names, sources) = head(&mut builder, &fixture, tokens * width, 0);
        let (list, noise_list) = builder.finish();
        let values = parameters(&fixture, &list, &names, "param");
        let eps = noise(&fixture, &noise_list, &sources, "noise/");
        let weights = Weights { parameters: &values, noise: Some(&eps) };
        let (shape, x) = ((batch, tokens * width), fixture.f32("moe_output"));
        let assert_logits = |logits: &[f32]| {
            fixture.assert_close("logits", logits, "logits");
            assert_probabilities(&fixture, logits);
        };
        assert_logits(head.forward(weights, &x, &mut head.workspace::<f32>(shape)));
        on_devices(&head, &list, shape, weights, &x, None, |computed| assert_logits(&computed.output));
    }
    assert!(compared > 0, "no fixture of Rainbow's networks has a mixture's output");
}
