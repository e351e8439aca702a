//! What goes to a device and comes back is the same to the bit.
#![cfg(any(feature = "flex", feature = "wgpu"))]

mod support;

use burn_tensor::backend::Backend;
use softmoe_nets::device::{ByteUpload, from_lists, read, to_values};

/// Every byte, at every place in an integer, in lists that end within one.
fn check_bytes<B: Backend>(device: &B::Device) {
    let upload = ByteUpload::<B>::new(device);
    let bytes: Vec<u8> =
        (0..4).flat_map(|first| (0..=255_u8).map(move |byte| byte.wrapping_add(first))).collect();
    for cut in [0, 1, 2, 3, 255, 700] {
        let (first, second) = bytes.split_at(cut);
        let lists: [&[u8]; 2] = if cut == 0 { [second, &bytes[..4]] } else { [first, second] };
        for (list, tensor) in lists.iter().zip(upload.tensors(lists)) {
            let numbers: Vec<f32> = list.iter().map(|&byte| f32::from(byte)).collect();
            assert_eq!(to_values(tensor.clone()), numbers);
            // As the host divides them.
            let shares: Vec<u32> = list.iter().map(|&byte| (f32::from(byte) / 255.0).to_bits()).collect();
            let got: Vec<u32> = to_values(tensor.div_scalar(255.0)).into_iter().map(f32::to_bits).collect();
            assert_eq!(got, shares);
        }
    }
}

/// Lists of several lengths in one upload, and what follows each of them is zeros.
fn check_lists<B: Backend>(device: &B::Device) {
    let values: Vec<f32> = (0..300).map(|index| (index as f32 + 0.5).sqrt()).collect();
    let lists = [&values[..1], &[], &values[..128], &values[3..132], &values];
    let tensors = from_lists::<B, 5>(lists, device);
    for (list, got) in lists.iter().zip(read(tensors).expect("the device works")) {
        assert_eq!(got[..list.len()], **list);
        assert!(got.len() % 128 == 0 && got.len() >= list.len(), "{}", got.len());
        assert!(got[list.len()..].iter().all(|&value| value == 0.0));
    }
}

#[cfg(feature = "flex")]
#[test]
fn on_flex() {
    use softmoe_nets::device::{Flex, FlexDevice};
    check_bytes::<Flex>(&FlexDevice);
    check_lists::<Flex>(&FlexDevice);
}

#[cfg(feature = "wgpu")]
#[test]
fn on_wgpu() {
    use softmoe_nets::device::{Wgpu, wgpu};
    if let Some(device) = support::device::found(wgpu()) {
        check_bytes::<Wgpu>(&device);
        check_lists::<Wgpu>(&device);
    }
}
