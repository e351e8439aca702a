//! Weights to a file and back; and what is told of a file of another network.

use proptest::prelude::*;
use safetensors::SafeTensors;
use softmoe_nets::layers::{Dense, Linear, SoftMoe};
use softmoe_nets::weights::{Permutations, TensorDifference, WeightsError, WeightsFile, write};
use softmoe_nets::{Builder, ExpertSettings, ParameterList};

/// The parameters of a mixture and a head.
fn parameters(experts: usize, noisy: bool) -> ParameterList {
    let mut builder = Builder::new();
    let settings = ExpertSettings { hidden: 5, extra_layers: 0, noisy };
    SoftMoe::new(&mut builder, "soft_moe", (6_usize, 4_usize, experts, 2_usize), settings);
    Dense::new(&mut builder, "head", 24_usize, 3_usize, noisy);
    builder.finish().0
}

fn values(list: &ParameterList) -> Vec<f32> {
    (0..list.len()).map(|i| (i as f32).sin()).collect()
}

/// A file of a mixture of `experts` experts.
fn file(experts: usize) -> Vec<u8> {
    let list = parameters(experts, true);
    write("an architecture", list.named(&values(&list)), &Permutations::new()).unwrap()
}

#[test]
fn weights_come_back_bit_for_bit() {
    let list = parameters(3, true);
    let permutations = Permutations::from([("tokens/permutation".to_owned(), vec![2, 0, 1])]);
    let bytes = write("an architecture", list.named(&values(&list)), &permutations).unwrap();
    assert_eq!(bytes, write("an architecture", list.named(&values(&list)), &permutations).unwrap());
    let file = WeightsFile::read(&bytes).unwrap();
    assert_eq!(file.architecture(), "an architecture");
    assert_eq!(file.permutations(), &permutations);
    assert_eq!(file.values(&list).unwrap(), values(&list));
}

/// What the format's own reader finds: names, shapes, types, header.
#[test]
fn any_reader_of_safetensors_reads_them() {
    let list = parameters(2, false);
    let bytes = file(2);
    let bytes = [bytes, write("a", list.named(&values(&list)), &Permutations::new()).unwrap()];
    let read = SafeTensors::deserialize(&bytes[1]).unwrap();
    assert_eq!(read.len(), list.iter().count());
    for parameter in list.iter() {
        let tensor = read.tensor(&parameter.name).unwrap();
        assert_eq!(tensor.shape(), parameter.shape);
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32);
    }
    let (_, metadata) = SafeTensors::read_metadata(&bytes[1]).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["architecture"], "a");
}

#[test]
fn a_file_of_another_network_is_told_tensor_by_tensor() {
    let read = WeightsFile::read(&file(2)).unwrap();
    // As many tensors, other shapes.
    let error = read.values(&parameters(4, true)).unwrap_err();
    let WeightsError::Differs { differences } = &error else { panic!("{error:?}") };
    assert_eq!(
        differences[0],
        TensorDifference::Shape { name: "soft_moe/phi".into(), file: vec![4, 2, 2], network: vec![4, 4, 2] }
    );
    let message = error.to_string();
    assert!(
        message.contains("`soft_moe/phi` is of shape [4, 2, 2] in the file, [4, 4, 2] in the"),
        "{message}"
    );
    assert!(message.contains("more"), "{message}");
    // Noisy and plain layers have tensors of other names.
    let error = read.values(&parameters(2, false)).unwrap_err();
    let WeightsError::Differs { differences } = error else { panic!("{error:?}") };
    let missing = |name: &str| {
        differences.iter().any(|d| matches!(d, TensorDifference::Missing { name: of, .. } if of == name))
    };
    let unexpected = |name: &str| {
        differences.iter().any(|d| matches!(d, TensorDifference::Unexpected { name: of, .. } if of == name))
    };
    assert!(missing("head/kernel") && missing("soft_moe/experts/hidden/bias"));
    assert!(unexpected("head/kernel_mu") && unexpected("head/bias_sigma"));
    assert!(!missing("soft_moe/phi") && !unexpected("soft_moe/phi"));
    // A name of a near one.
    let mut builder = Builder::new();
    Linear::new(&mut builder, "haed", 2, 3);
    let list = builder.finish().0;
    let mut builder = Builder::new();
    Linear::new(&mut builder, "head", 2, 3);
    let bytes = write("a", list.named(&[0.0; 9]), &Permutations::new()).unwrap();
    let error = WeightsFile::read(&bytes).unwrap().values(builder.parameters()).unwrap_err().to_string();
    assert!(error.contains("`head/kernel` is missing in the file (did you mean `haed/kernel`?)"), "{error}");
}

#[test]
fn what_are_no_weights_is_refused() {
    let list = parameters(2, true);
    let mut bad = values(&list);
    bad[3] = f32::NAN;
    let bytes = write("a", list.named(&bad), &Permutations::new()).unwrap();
    let error = WeightsFile::read(&bytes).unwrap_err().to_string();
    assert!(error.contains("`soft_moe/phi` holds NaN"), "{error}");
    let plain =
        safetensors::serialize(Vec::<(&str, safetensors::tensor::TensorView<'_>)>::new(), None).unwrap();
    let error = WeightsFile::read(&plain).unwrap_err();
    assert!(matches!(error, WeightsError::NoArchitecture), "{error:?}");
    let half = [0_u8; 4];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F16, vec![2], &half).unwrap();
    let metadata = std::collections::HashMap::from([("architecture".to_owned(), "a".to_owned())]);
    let bytes = safetensors::serialize([("head/bias", view)], Some(metadata)).unwrap();
    let error = WeightsFile::read(&bytes).unwrap_err().to_string();
    assert!(error.contains("`head/bias` is of type F16 but must be F32"), "{error}");
}

proptest! {
    /// A file that was cut off or changed is an error or other weights, never a panic.
    #[test]
    fn damaged_files_are_told(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = file(2);
        let at = place.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(read) = WeightsFile::read(&bytes) {
            prop_assert!(!cut);
            let _ = read.values(&parameters(2, true));
        }
    }
}
