//! The encoders against the reference implementation's feature maps and gradients.

use softmoe_nets::{Builder, Weights};
use softmoe_tests::devices::on_devices;
use softmoe_tests::encoders::{Encoder, MapLayer};
use softmoe_tests::fixtures::{Fixture, files};
use softmoe_tests::reference::{Names, assert_gradients, parameters};

#[test]
fn encoder_parity() {
    for path in files("encoder") {
        let fixture = Fixture::open(&path);
        let &[_, height, width, channels] = fixture.shape("observation") else {
            panic!("observations have four axes")
        };
        let mut builder = Builder::new();
        let (encoder, names) = Encoder::new(&mut builder, &fixture, "", [height, width, channels]);
        match encoder {
            Encoder::Impala(layer) => assert_parity(&fixture, builder, layer, &names),
            Encoder::Nature(layer) => assert_parity(&fixture, builder, layer, &names),
            Encoder::MinAtar(_) => panic!("{}: not an encoder of the release", fixture.name()),
        }
    }
}

fn assert_parity(fixture: &Fixture, builder: Builder, layer: impl MapLayer, names: &Names) {
    let &[batch, height, width, channels] = fixture.shape("observation") else {
        panic!("observations have four axes")
    };
    let (list, _) = builder.finish();
    let values = parameters(fixture, &list, names, "param");
    let weights = Weights { parameters: &values, noise: None };
    let x: Vec<f32> = fixture.u8("observation").into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();

    let shape = (batch, height, width, channels);
    let (b, h, w, c) = layer.output_shape(shape);
    assert_eq!([b, h, w, c], fixture.shape("output"), "{}: shape of the output", fixture.name());
    let mut workspace = layer.workspace::<f32>(shape);
    let output = layer.forward(weights, &x, &mut workspace).to_vec();
    fixture.assert_close("output", &output, "output");
    if fixture.has("cotangent") {
        let mut gradient = vec![f32::NAN; list.len()];
        let dy = fixture.f32("cotangent");
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
        fixture.assert_close("grad/preprocessed_input", dx, "grad");
        assert_gradients(fixture, &list, names, &gradient);
    }

    let cotangent = fixture.has("cotangent").then(|| fixture.f32("cotangent"));
    on_devices(&layer, &list, shape, weights, &x, cotangent.as_deref(), |computed| {
        fixture.assert_close("output", &computed.output, "output");
        if fixture.has("cotangent") {
            fixture.assert_close("grad/preprocessed_input", &computed.d_input, "grad");
            assert_gradients(fixture, &list, names, &computed.gradient);
        }
    });

    // A sample alone goes through the same convolutions in other portions.
    let mut alone = layer.workspace::<f32>((1, height, width, channels));
    let samples = x.chunks_exact(height * width * channels);
    let one_by_one: Vec<f32> = samples.flat_map(|x| layer.forward(weights, x, &mut alone).to_vec()).collect();
    fixture.assert_close("output", &one_by_one, "output");
}
