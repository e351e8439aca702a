//! Enums of layers compute what their variants compute.

use softmoe_nets::layers::{Linear, PerConv, PerSample, Relu};
use softmoe_nets::{Backward, BoxedNetwork, Builder, Layer, Network, Weights, one_of};

type Map = (usize, usize, usize, usize);
type Tokens = (usize, usize, usize);
type Row = (usize, usize);

one_of! {
    enum Hidden: Row => Row, workspace HiddenWorkspace {
        Linear(Linear<usize, usize>),
        Rectified((Linear<usize, usize>, Relu)),
    }
}

one_of! {
    enum TokensOfMap: Map => Tokens, workspace TokensOfMapWorkspace {
        PerConv(PerConv<usize>),
        // Its number of tokens is a constant.
        PerSample(PerSample<usize>),
    }
}

const BATCH: usize = 3;

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.7).sin()).collect()
}

/// Output, gradient with respect to the input, gradient with respect to the parameters.
fn passes<L: Layer<Row>>(layer: &L, parameters: usize, wants_dx: bool) -> [Vec<f32>; 3] {
    let (weights, x, dy) = (values(parameters), values(BATCH * 4), values(BATCH * 5));
    let weights = Weights { parameters: &weights, noise: None };
    let mut workspace = layer.workspace::<f32>((BATCH, 4));
    let mut gradient = vec![f32::NAN; parameters];
    let y = layer.forward(weights, &x, &mut workspace).to_vec();
    let pass = Backward { weights, x: &x, dy: &dy, gradient: &mut gradient, wants_dx };
    layer.backward_into(pass, &mut workspace);
    let dx = layer.d_input(&dy, &workspace).to_vec();
    [y, if wants_dx { dx } else { vec![] }, gradient]
}

#[test]
fn an_enum_computes_what_its_variant_computes() {
    let linear = || {
        let mut builder = Builder::new();
        let linear = Linear::new(&mut builder, "linear", 4, 5);
        (linear, builder.finish().0.len())
    };
    for wants_dx in [false, true] {
        let (layer, len) = linear();
        let plain = passes(&layer, len, wants_dx);
        assert_eq!(passes(&Hidden::Linear(linear().0), len, wants_dx), plain);
        let rectified = passes(&(linear().0, Relu), len, wants_dx);
        assert_eq!(passes(&Hidden::Rectified((linear().0, Relu)), len, wants_dx), rectified);
        assert_ne!(plain, rectified);
    }
}

#[test]
fn a_constant_size_of_a_variant_becomes_a_run_time_size() {
    let shape = |tokens| BoxedNetwork::new(Builder::new(), tokens, |batch| (batch, 2, 3, 5)).output_shape();
    assert_eq!(shape(TokensOfMap::PerConv(PerConv(6))), [6, 5]);
    assert_eq!(shape(TokensOfMap::PerSample(PerSample(30))), [1, 30]);
}

#[test]
#[should_panic(expected = "the workspace of another layer")]
fn the_workspace_of_another_variant_is_refused() {
    let [mut of_one, mut of_other] = [Builder::new(), Builder::new()];
    let one = Hidden::Linear(Linear::new(&mut of_one, "linear", 4, 5));
    let other = Hidden::Rectified((Linear::new(&mut of_other, "linear", 4, 5), Relu));
    let weights = Weights { parameters: &values(25), noise: None };
    one.forward(weights, &values(4), &mut other.workspace((1, 4)));
}
