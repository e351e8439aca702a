//! Parity of top-k routing and its load-balancing losses with the reference, and of ExpertChoice with our own
//! definition: values and gradients.

use softmoe_nets::layers::{ExpertChoice, LoadBalancing, TopKChoice, TopKSettings};
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};
use softmoe_tests::compare::{Subject, Tensors};
use softmoe_tests::devices::on_devices;
use softmoe_tests::fixtures::{Fixture, assert_near, cases, cases_of_own_definition};
use softmoe_tests::reference::{Names, experts, name, parameters, swap_axes};

/// Sizes of a fixture's tokens: (batch, m, d).
fn tokens(fixture: &Fixture) -> (usize, usize, usize) {
    let &[batch, m, d] = fixture.shape("input") else { panic!("tokens have three axes") };
    (batch, m, d)
}

/// Names of the parameters: ours and the reference's.
fn names() -> Names {
    let router = name("moe/router/kernel", "router/Dense_0/kernel");
    [router, experts("moe/experts", "module", false)].concat()
}

/// A fixture's mixture.
fn layer(
    builder: &mut Builder,
    fixture: &Fixture,
    balancing: LoadBalancing,
) -> TopKChoice<usize, usize, usize> {
    let (_, m, d) = tokens(fixture);
    let &[n, hidden] = fixture.shape("param/module/net/bias") else { panic!("biases have two axes") };
    let experts = ExpertSettings { hidden, extra_layers: 0, noisy: false };
    let settings = TopKSettings {
        choices: fixture.metadata("k"),
        capacity_factor: fixture.metadata("capacity_factor"),
        balancing,
    };
    TopKChoice::new(builder, "moe", (m, d, n), experts, settings)
}

#[test]
fn top_k_choice_parity() {
    for fixture in cases("topk") {
        let (batch, m, d) = tokens(&fixture);
        let &[.., n, capacity, hidden] = fixture.shape("expert_hidden") else {
            panic!("hidden values have four axes")
        };
        let mut builder = Builder::new();
        let layer = layer(&mut builder, &fixture, LoadBalancing::default());
        let (list, _) = builder.finish();
        let values = parameters(&fixture, &list, &names(), "param");
        let weights = Weights { parameters: &values, noise: None };
        let (x, names) = (fixture.f32("input"), names());
        let subject =
            Subject { layer: &layer, list: &list, names: &names, weights, shape: (batch, m, d), x: &x };
        subject.compare_gradients(&fixture, Tensors::default(), |workspace| {
            fixture.assert_intermediate("router_logits", workspace.logits());
            fixture.assert_intermediate("probabilities", workspace.probabilities());
            let choices: Vec<i32> = workspace.choices().iter().map(|&expert| expert as i32).collect();
            assert_eq!(choices, fixture.i32("top_expert"), "{}: experts chosen", fixture.name());
            let kept: Vec<u8> = workspace.slots().iter().map(|slot| slot.is_some().into()).collect();
            assert_eq!(kept, fixture.u8("kept"), "{}: tokens kept", fixture.name());
            let gates = workspace.choices().iter().zip(workspace.probabilities().chunks_exact(n));
            fixture.assert_intermediate("gate", &gates.map(|(&expert, p)| p[expert]).collect::<Vec<_>>());
            // The reference has slots beyond the number of tokens where the capacity factor makes them; we do not.
            let ours = layer.capacity() * hidden;
            assert_eq!(layer.capacity(), capacity.min(m), "{}: capacity", fixture.name());
            let want: Vec<f32> = fixture
                .f32("expert_hidden")
                .chunks_exact(capacity * hidden)
                .flat_map(|slots| slots[..ours].to_vec())
                .collect();
            let largest = want.iter().fold(0.0_f32, |largest, want| largest.max(want.abs()));
            let got = swap_axes(workspace.experts().hidden(0), n, batch, ours);
            assert_near(
                &format!("{}: hidden values", fixture.name()),
                &got,
                &want,
                2e-6 * f64::from(largest),
            );
        });
    }
}

#[test]
fn parity_own_definition_expert_choice() {
    for fixture in cases_of_own_definition("expert_choice") {
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
        let x = fixture.f32("input");
        let subject = Subject { layer: &layer, list: &list, names: &names, weights, shape: (1, m, d), x: &x };
        subject.compare_gradients(&fixture, Tensors::default(), |workspace| {
            fixture.assert_intermediate("scores", workspace.scores());
            let selected: Vec<i32> =
                swap_axes(workspace.selected(), p, n, 1).iter().map(|&token| token as i32).collect();
            assert_eq!(selected, fixture.i32("selected"), "{}: tokens taken", fixture.name());
        });
    }
}

/// The reference draws the load loss's noise for each sample, so this takes samples one by one.
#[test]
fn load_balancing_parity() {
    for fixture in cases("topk") {
        let coefficient = |loss: &str| fixture.metadata::<f64>(&format!("{loss}_weight"));
        let off =
            LoadBalancing { load_noise: fixture.metadata("load_std_scale"), ..LoadBalancing::default() };
        let importance = LoadBalancing { importance: coefficient("importance_loss"), ..off };
        let load = LoadBalancing { load: coefficient("load_loss"), ..off };
        for (loss, balancing) in [("importance_loss", importance), ("load_loss", load)] {
            for (value, d_router) in mean_over_samples(&fixture, balancing) {
                fixture.assert_close(&format!("aux/{loss}"), &[value as f32], loss);
                let group = format!("{loss}_grad");
                fixture.assert_close(&format!("aux/{loss}/grad/router"), &d_router, &group);
            }
        }
    }
}

/// The total of the losses, and its gradient with respect to the router's kernel: on the CPU engine, and on the device
/// engine if there is one in this build.
fn mean_over_samples(fixture: &Fixture, balancing: LoadBalancing) -> Vec<(f64, Vec<f32>)> {
    let (batch, m, d) = tokens(fixture);
    let mut builder = Builder::new();
    let layer = layer(&mut builder, fixture, balancing);
    let (list, sources) = builder.finish();
    let router = list.get("moe/router/kernel").expect("the router").range.clone();
    let values = parameters(fixture, &list, &names(), "param");
    let normals = fixture.f32("load_noise_raw");
    assert_eq!(sources.normals().map(|source| source.values.len()).sum::<usize>(), sources.len());
    let mut workspace = layer.workspace::<f32>((1, m, d));
    let zero = || (0.0, vec![0.0; router.len()]);
    let (mut cpu, mut device) = (zero(), None);
    let add = |(sum, d_router): &mut (f64, Vec<f32>), value: f64, gradient: &[f32]| {
        *sum += value / batch as f64;
        for (sum, d) in d_router.iter_mut().zip(&gradient[router.clone()]) {
            *sum += d / batch as f32;
        }
    };
    let mut gradient = vec![f32::NAN; list.len()];
    let (x, dy) = (fixture.f32("input"), vec![0.0; m * d]);
    for (sample, x) in x.chunks_exact(m * d).enumerate() {
        // Without a load loss there is no noise.
        let noise = &normals[sample * normals.len() / batch..][..sources.len()];
        let weights = Weights { parameters: &values, noise: Some(noise) };
        layer.forward(weights, x, &mut workspace);
        let total = workspace.losses().total();
        layer.backward(weights, x, &dy, &mut workspace, &mut gradient, false);
        add(&mut cpu, total, &gradient);
        on_devices(&layer, &list, (1, m, d), weights, x, Some(&dy), |computed| {
            add(device.get_or_insert_with(zero), f64::from(computed.loss), &computed.gradient);
        });
    }
    [Some(cpu), device].into_iter().flatten().collect()
}
