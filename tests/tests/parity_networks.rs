//! Layers, and whole networks, against the reference implementation's values and gradients.

use softmoe_nets::layers::{
    CategoricalHead, Dense, ExpertChoice, Flatten, NoisyLinear, PerConv, Relu, SoftMoe,
};
use softmoe_nets::{
    Adam, AdamSettings, Builder, ExpertSettings, Layer, NoiseList, ParameterList, Weights, kernels,
};
use softmoe_tests::devices::{EngineLayer, on_devices};
use softmoe_tests::encoders::{Encoder, Map, MapLayer};
use softmoe_tests::fixtures::{Fixture, assert_near, files};
use softmoe_tests::reference::{Names, assert_gradients, dense, experts, name, noise, parameters, swap_axes};

#[test]
fn soft_moe_parity() {
    for path in files("softmoe") {
        let fixture = Fixture::open(&path);
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
        let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));

        let mut workspace = layer.workspace::<f32>((1, m, d));
        fixture.assert_close("output", layer.forward(weights, &x, &mut workspace), "output");
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

        let mut gradient = vec![f32::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
        fixture.assert_close("grad/input", dx, "grad");
        assert_gradients(&fixture, &list, &names, &gradient);
        on_devices(&layer, &list, (1, m, d), weights, &x, Some(&dy), |computed| {
            fixture.assert_close("output", &computed.output, "output");
            fixture.assert_close("grad/input", &computed.d_input, "grad");
            assert_gradients(&fixture, &list, &names, &computed.gradient);
        });
    }
}

#[test]
fn expert_choice_parity() {
    for path in files("expert_choice") {
        let fixture = Fixture::open(&path);
        let &[m, d] = fixture.shape("input") else { panic!("tokens have two axes") };
        let &[n, p] = fixture.shape("selected") else { panic!("the selection has two axes") };
        let hidden = fixture.shape("param/module/net/bias")[1];

        let mut builder = Builder::new();
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p), settings);
        let (list, _) = builder.finish();
        let names =
            [name("moe/router/kernel", "router/kernel"), experts("moe/experts", "module", false)].concat();
        let values = parameters(&fixture, &list, &names, "param");
        let weights = Weights { parameters: &values, noise: None };
        let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));

        let mut workspace = layer.workspace::<f32>((1, m, d));
        fixture.assert_close("output", layer.forward(weights, &x, &mut workspace), "output");
        fixture.assert_intermediate("scores", workspace.scores());
        let selected: Vec<i32> =
            swap_axes(workspace.selected(), p, n, 1).iter().map(|&token| token as i32).collect();
        assert_eq!(selected, fixture.i32("selected"), "{}: tokens taken", fixture.name());

        let mut gradient = vec![f32::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
        fixture.assert_close("grad/input", dx, "grad");
        assert_gradients(&fixture, &list, &names, &gradient);
        on_devices(&layer, &list, (1, m, d), weights, &x, Some(&dy), |computed| {
            fixture.assert_close("output", &computed.output, "output");
            fixture.assert_close("grad/input", &computed.d_input, "grad");
            assert_gradients(&fixture, &list, &names, &computed.gradient);
        });
    }
}

#[test]
fn noisy_linear_parity() {
    for path in files("noisy") {
        let fixture = Fixture::open(&path);
        let &[batch, inputs] = fixture.shape("input") else { panic!("the input has two axes") };
        let outputs = fixture.shape("output")[1];
        let mut builder = Builder::new();
        let layer = NoisyLinear::new(&mut builder, "noisy", inputs, outputs);
        let (list, sources) = builder.finish();
        let names = dense("noisy", "", true);
        let values = parameters(&fixture, &list, &names, "param");
        let eps = noise(&fixture, &sources, &[("noisy", "")]);
        let noisy = Weights { parameters: &values, noise: Some(&eps) };
        let quiet = Weights { parameters: &values, noise: None };
        let (x, dy) = (fixture.f32("input"), fixture.f32("cotangent"));

        let mut workspace = layer.workspace::<f32>((batch, inputs));
        fixture.assert_close("output_eval", layer.forward(quiet, &x, &mut workspace), "output");
        fixture.assert_close("output", layer.forward(noisy, &x, &mut workspace), "output");
        let mut gradient = vec![f32::NAN; list.len()];
        let dx = layer.backward(noisy, &x, &dy, &mut workspace, &mut gradient, true);
        fixture.assert_close("grad/input", dx, "grad");
        assert_gradients(&fixture, &list, &names, &gradient);
        on_devices(&layer, &list, (batch, inputs), noisy, &x, Some(&dy), |computed| {
            fixture.assert_close("output", &computed.output, "output");
            fixture.assert_close("grad/input", &computed.d_input, "grad");
            assert_gradients(&fixture, &list, &names, &computed.gradient);
        });
        on_devices(&layer, &list, (batch, inputs), quiet, &x, None, |computed| {
            fixture.assert_close("output_eval", &computed.output, "output");
        });

        // A sample alone takes another path through the noise; the gradients of all samples add up.
        let mut alone = layer.workspace::<f32>((1, inputs));
        let (mut output, mut output_eval, mut d_input) = (vec![], vec![], vec![]);
        let mut sum = vec![0.0; list.len()];
        for (x, dy) in x.chunks_exact(inputs).zip(dy.chunks_exact(outputs)) {
            output_eval.extend_from_slice(layer.forward(quiet, x, &mut alone));
            output.extend_from_slice(layer.forward(noisy, x, &mut alone));
            d_input.extend_from_slice(layer.backward(noisy, x, dy, &mut alone, &mut gradient, true));
            sum.iter_mut().zip(&gradient).for_each(|(sum, gradient)| *sum += gradient);
        }
        fixture.assert_close("output_eval", &output_eval, "output");
        fixture.assert_close("output", &output, "output");
        fixture.assert_close("grad/input", &d_input, "grad");
        assert_gradients(&fixture, &list, &names, &sum);
    }
}

/// Compares logits and what follows from them: the atoms' probabilities, and their mean on the support.
fn assert_logits(fixture: &Fixture, logits: &[f32]) {
    let support = fixture.f32("support");
    fixture.assert_close("logits", logits, "logits");
    let mut probabilities = vec![0.0; logits.len()];
    kernels::softmax_rows(&mut probabilities, logits, support.len());
    fixture.assert_close("probabilities", &probabilities, "probabilities");
    fixture.assert_close("q_values", &q_values(&probabilities, &support), "q_values");
}

/// Means of the atoms' distributions.
fn q_values(probabilities: &[f32], support: &[f32]) -> Vec<f32> {
    let mean = |p: &[f32]| p.iter().zip(support).map(|(&p, &z)| f64::from(p) * f64::from(z)).sum::<f64>();
    probabilities.chunks_exact(support.len()).map(|p| mean(p) as f32).collect()
}

/// One Rainbow network and how the reference calls its parts.
struct Rainbow<L> {
    layer: L,
    list: ParameterList,
    sources: NoiseList,
    names: Names,
    /// Our name of a source of noise, and the reference's folder.
    noise: Vec<(&'static str, &'static str)>,
}

impl<L: EngineLayer<Map>> Rainbow<L> {
    /// Logits, probabilities, values, gradients, and the logits in evaluation, against a file.
    fn assert_parity(&self, fixture: &Fixture, pixel_scale: u8) {
        let pixels = fixture.u8("observation").into_iter();
        let x: Vec<f32> = pixels.map(|pixel| f32::from(pixel) / f32::from(pixel_scale)).collect();
        let values = parameters(fixture, &self.list, &self.names, "param");
        let shape = observations(fixture);
        let mut workspace = self.layer.workspace::<f32>(shape);

        if fixture.has("eval/logits") {
            // The reference keeps the experts noisy in evaluation.
            let noisy = fixture.has("eval/noise/expert/eps_in");
            let experts: &[_] = if noisy { &[("moe/experts/hidden", "eval/noise/expert/")] } else { &[] };
            let eps = noise(fixture, &self.sources, experts);
            let weights = Weights { parameters: &values, noise: noisy.then_some(&eps) };
            let logits = self.layer.forward(weights, &x, &mut workspace);
            fixture.assert_close("eval/logits", logits, "eval_logits");
            on_devices(&self.layer, &self.list, shape, weights, &x, None, |computed| {
                fixture.assert_close("eval/logits", &computed.output, "eval_logits");
            });
        }

        let eps = noise(fixture, &self.sources, &self.noise);
        let weights = Weights { parameters: &values, noise: Some(&eps) };
        assert_logits(fixture, self.layer.forward(weights, &x, &mut workspace));
        if fixture.has("cotangent") {
            let mut gradient = vec![f32::NAN; self.list.len()];
            let dy = fixture.f32("cotangent");
            self.layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, false);
            assert_gradients(fixture, &self.list, &self.names, &gradient);
        }
        let cotangent = fixture.has("cotangent").then(|| fixture.f32("cotangent"));
        on_devices(&self.layer, &self.list, shape, weights, &x, cotangent.as_deref(), |computed| {
            assert_logits(fixture, &computed.output);
            if fixture.has("cotangent") {
                assert_gradients(fixture, &self.list, &self.names, &computed.gradient);
            }
        });
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
) -> (CategoricalHead<usize, usize>, Names, Vec<(&'static str, &'static str)>) {
    let &[_, actions, atoms] = fixture.shape("logits") else { panic!("logits have three axes") };
    let noisy = fixture.flag("noisy");
    let module = |index: usize| format!("{}_{index}/", if noisy { "NoisyNetwork" } else { "Dense" });
    let (layer, names, noise) = if fixture.flag("dueling") {
        let layer = CategoricalHead::dueling(builder, "head", features, actions, atoms, noisy);
        let advantage = dense("head/advantage", &module(first), noisy);
        let value = dense("head/value", &module(first + 1), noisy);
        let noise = vec![("head/advantage", "noise/advantage/"), ("head/value", "noise/value/")];
        (layer, [advantage, value].concat(), noise)
    } else {
        let layer = CategoricalHead::plain(builder, "head", features, actions, atoms, noisy);
        (layer, dense("head", &module(first), noisy), vec![("head", "noise/head/")])
    };
    (layer, names, if noisy { noise } else { vec![] })
}

#[test]
fn rainbow_parity() {
    for path in files("rainbow") {
        let fixture = Fixture::open(&path);
        let mut builder = Builder::new();
        let (encoder, names) = encoder(&mut builder, &fixture);
        let pixel_scale = encoder.pixel_scale();
        let body = if fixture.flag("moe") { Body::SoftMoe } else { Body::Flat };
        match encoder {
            Encoder::Impala(layer) => body.assert_parity(&fixture, builder, (layer, names), pixel_scale),
            Encoder::Nature(layer) => body.assert_parity(&fixture, builder, (layer, names), pixel_scale),
            Encoder::MinAtar(layer) => body.assert_parity(&fixture, builder, (layer, names), pixel_scale),
        }
    }
}

/// What lies between a Rainbow network's encoder and its head.
#[derive(Clone, Copy)]
enum Body {
    Flat,
    SoftMoe,
}

impl Body {
    fn assert_parity<L: MapLayer>(
        self,
        fixture: &Fixture,
        builder: Builder,
        encoder: (L, Names),
        pixel_scale: u8,
    ) {
        match self {
            Body::Flat => flat(fixture, builder, encoder).assert_parity(fixture, pixel_scale),
            Body::SoftMoe => soft_moe(fixture, builder, encoder).assert_parity(fixture, pixel_scale),
        }
    }
}

/// Tokens, a mixture and the head, behind an encoder with its names.
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
        noise.push(("moe/experts/hidden", "noise/expert/"));
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

/// A hidden layer and the head, behind an encoder with its names.
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
        noise.push(("hidden", "noise/hidden/"));
    }
    let names = [encoder_names, dense("hidden", first, noisy), head_names].concat();
    let layer = (encoder, Flatten(features), layer, Relu, head);
    let (list, sources) = builder.finish();
    Rainbow { layer, list, sources, names, noise }
}

/// The heads of the released networks, behind their mixtures' outputs.
#[test]
fn rainbow_head_parity() {
    for path in files("rainbow") {
        let fixture = Fixture::open(&path);
        if !fixture.has("moe_output") {
            continue;
        }
        let &[batch, tokens, width] = fixture.shape("moe_output") else { panic!("tokens have three axes") };
        let mut builder = Builder::new();
        let (head, names, sources) = head(&mut builder, &fixture, tokens * width, 0);
        let (list, noise_list) = builder.finish();
        let values = parameters(&fixture, &list, &names, "param");
        let eps = noise(&fixture, &noise_list, &sources);
        let weights = Weights { parameters: &values, noise: Some(&eps) };
        let (shape, x) = ((batch, tokens * width), fixture.f32("moe_output"));
        assert_logits(&fixture, head.forward(weights, &x, &mut head.workspace::<f32>(shape)));
        on_devices(&head, &list, shape, weights, &x, None, |computed| {
            assert_logits(&fixture, &computed.output);
        });
    }
}

#[test]
fn adam_parity() {
    for path in files("adam") {
        let fixture = Fixture::open(&path);
        let settings = AdamSettings {
            learning_rate: fixture.metadata("learning_rate"),
            beta_1: fixture.metadata("beta1"),
            beta_2: fixture.metadata("beta2"),
            epsilon: fixture.metadata("eps"),
        };
        for tensor in fixture.tensors().filter_map(|name| name.strip_prefix("param/")) {
            let mut parameters = fixture.f32(&format!("param/{tensor}"));
            let len = parameters.len();
            let gradients = fixture.f32(&format!("grad/{tensor}"));
            let after = |what: &str| fixture.f32(&format!("after/{what}/{tensor}"));
            let (after_parameters, after_mu, after_nu) = (after("param"), after("mu"), after("nu"));
            let mut adam = Adam::new(settings, len);
            let mut largest = vec![0.0_f32; len];
            for (step, gradient) in gradients.chunks_exact(len).enumerate() {
                adam.step(&mut parameters, gradient);
                let at = step * len..(step + 1) * len;
                let what = |of: &str| format!("{}: {of} of {tensor}, step {step}", fixture.name());
                assert_near(&what("parameters"), &parameters, &after_parameters[at.clone()], 5e-7);
                let (mu, nu) = adam.moments();
                for i in 0..len {
                    largest[i] = largest[i].max(gradient[i].abs());
                    let bound = |relative: f64, scale: f32| relative * f64::from(scale.abs());
                    let (want_mu, want_nu) = (after_mu[at.start + i], after_nu[at.start + i]);
                    assert_near(&what("mu"), &mu[i..=i], &[want_mu], bound(2e-7, largest[i]));
                    assert_near(&what("nu"), &nu[i..=i], &[want_nu], bound(1e-6, want_nu));
                }
            }
        }
    }
}
