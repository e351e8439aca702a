//! Choosing experts, balancing their load, and mixing whole networks allocates nothing once the buffers are there.

mod support;

use softmoe_nets::layers::{BigSoftMoe, Dense, Flatten, LoadBalancing, TopKChoice, TopKSettings};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};
use support::uniform;

/// Allocations of a forward and a backward pass, behind a first one of each.
fn allocations<In: Shape>(builder: Builder, layer: &impl Layer<In>, input: In) -> u64 {
    let (list, sources) = builder.finish();
    let parameters = uniform(list.len(), 1.0, 1);
    let noise = uniform(sources.len(), 1.0, 2);
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let (x, dy) = (uniform(input.num_elements(), 1.0, 3), uniform(input.num_elements(), 1.0, 4));
    let mut gradient = vec![0.0; list.len()];
    let mut workspace = layer.workspace::<f64>(input);
    let mut step = || {
        layer.forward(weights, &x, &mut workspace);
        layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
    };
    step();
    allocation_counter::measure(step).count_total
}

#[test]
fn mixtures_allocate_nothing() {
    let balancing = LoadBalancing { importance: 1.0, load: 1.0, load_noise: 1.0 };
    let settings = TopKSettings { choices: 2, balancing, ..TopKSettings::default() };
    let experts = ExpertSettings { hidden: 8, extra_layers: 1, noisy: true };
    // More experts than a sort handles without scratch space.
    let mut builder = Builder::new();
    let layer = TopKChoice::new(&mut builder, "moe", (64, 6, 40), experts, settings);
    assert_eq!(allocations(builder, &layer, (3, 64, 6)), 0, "TopKChoice");
    let mut builder = Builder::new();
    let layer = BigSoftMoe::new(&mut builder, "moe", (30, 5, 3, 2), |builder, name| {
        (Flatten(20), Dense::new(builder, name, 20, 20, true))
    });
    assert_eq!(allocations(builder, &layer, (3, 30, 5)), 0, "BigSoftMoe");
}
