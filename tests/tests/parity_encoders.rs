//! Parity of the encoders with the reference: feature maps and gradients.

use softmoe_nets::{Builder, Weights};
use softmoe_tests::compare::{GradientsCompared, Subject, Tensors};
use softmoe_tests::encoders::{Encoder, MapLayer};
use softmoe_tests::fixtures::{Fixture, cases};
use softmoe_tests::reference::{Names, parameters};

#[test]
fn encoder_parity() {
    let mut compared = GradientsCompared::default();
    for fixture in cases("encoder") {
        let &[_, height, width, channels] = fixture.shape("observation") else {
            panic!("observations have four axes")
        };
        let mut builder = Builder::new();
        let (encoder, names) = Encoder::new(&mut builder, &fixture, "", [height, width, channels]);
        match encoder {
            Encoder::Impala(layer) => {
                compared.count("Impala", compare(&fixture, builder, layer, &names));
            }
            Encoder::Nature(layer) => {
                compared.count("Nature", compare(&fixture, builder, layer, &names));
            }
            Encoder::MinAtar(_) => panic!("{}: not an encoder of the release", fixture.name()),
        }
    }
    compared.assert_covers(&["Impala", "Nature"]);
}

/// Compares feature maps, and gradients if the fixture has them. Returns whether it has.
fn compare(fixture: &Fixture, builder: Builder, layer: impl MapLayer, names: &Names) -> bool {
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
    let tensors = Tensors { d_input: Some("grad/preprocessed_input"), ..Tensors::default() };
    let subject = Subject { layer: &layer, list: &list, names, weights, shape, x: &x };
    let compared = subject.compare(fixture, tensors, |_| ());

    // A sample alone goes through the same convolutions in other portions.
    let mut alone = layer.workspace::<f32>((1, height, width, channels));
    let samples = x.chunks_exact(height * width * channels);
    let one_by_one: Vec<f32> = samples.flat_map(|x| layer.forward(weights, x, &mut alone).to_vec()).collect();
    fixture.assert_close("output", &one_by_one, "output");
    compared
}
