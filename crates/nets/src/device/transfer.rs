//! Transfers between the host and devices, and their counts. All tensors of the device engine are made and read here.

use burn_tensor::backend::Backend;
use burn_tensor::{ElementConversion, Int, Tensor, TensorData, Transaction};
use std::sync::atomic::{AtomicU64, Ordering};

/// Alignment in values for a slice of a tensor without a copy: 512 bytes, the largest alignment of any device (CUDA's).
const ALIGNED: usize = 128;

static WAITS: AtomicU64 = AtomicU64::new(0);
static UPLOADS: AtomicU64 = AtomicU64::new(0);
static UPLOADED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Counts of transfers between the host and all devices since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Number of waits of the host for a device.
    pub waits: u64,
    /// Number of copies to devices.
    pub uploads: u64,
    /// Bytes of these copies.
    pub uploaded_bytes: u64,
}

impl Traffic {
    /// The counts so far.
    pub fn so_far() -> Self {
        let [waits, uploads, uploaded_bytes] =
            [&WAITS, &UPLOADS, &UPLOADED_BYTES].map(|count| count.load(Ordering::Relaxed));
        Traffic { waits, uploads, uploaded_bytes }
    }

    /// The counts since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Traffic) -> Self {
        Traffic {
            waits: self.waits - earlier.waits,
            uploads: self.uploads - earlier.uploads,
            uploaded_bytes: self.uploaded_bytes - earlier.uploaded_bytes,
        }
    }
}

/// An error: the device has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device failed: {0}")]
pub struct DeviceFailed(pub String);

fn count_upload(values: usize) {
    UPLOADS.fetch_add(1, Ordering::Relaxed);
    UPLOADED_BYTES.fetch_add(4 * values as u64, Ordering::Relaxed);
}

/// A tensor of these values.
///
/// # Panics
/// If their number does not fit `shape`.
pub fn from_values<B: Backend, const D: usize>(
    values: &[f32],
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D> {
    upload(values.to_vec(), shape, device)
}

fn upload<B: Backend, const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D> {
    count_upload(values.len());
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A tensor of these integers.
///
/// # Panics
/// If their number does not fit `shape`.
pub fn from_integers<B: Backend, const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D, Int> {
    count_upload(values.len());
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Uploads several lists of values at once, and returns one tensor for each: the list, padded with zeros so that a
/// device can slice it without a copy.
pub fn from_lists<B: Backend, const N: usize>(lists: [&[f32]; N], device: &B::Device) -> [Tensor<B, 1>; N] {
    let mut values = Vec::new();
    let ranges = lists.map(|list| {
        let start = values.len();
        values.extend_from_slice(list);
        values.resize(start + list.len().max(1).next_multiple_of(ALIGNED), 0.0);
        start..values.len()
    });
    let len = values.len();
    let all = upload::<B, 1>(values, [len], device);
    ranges.map(|range| all.clone().slice(range))
}

/// Uploads bytes, four in an integer: a quarter of the size of floats.
#[derive(Clone, Debug)]
pub struct ByteUpload<B: Backend> {
    /// The bit at which each byte begins in an integer, (1, 4).
    bits: Tensor<B, 2, Int>,
}

impl<B: Backend> ByteUpload<B> {
    /// An upload to `device`.
    pub fn new(device: &B::Device) -> Self {
        ByteUpload { bits: from_integers(vec![0, 8, 16, 24], [1, 4], device) }
    }

    /// Uploads the bytes of several lists at once, and returns one tensor of numbers from 0 to 255 for each.
    pub fn tensors<const N: usize>(&self, lists: [&[u8]; N]) -> [Tensor<B, 1>; N] {
        let mut words = Vec::with_capacity(lists.iter().map(|bytes| bytes.len().div_ceil(4)).sum());
        let ranges = lists.map(|bytes| {
            let start = 4 * words.len();
            let (whole, rest) = bytes.as_chunks::<4>();
            words.extend(whole.iter().map(|bytes| i32::from_le_bytes(*bytes)));
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                words.push(i32::from_le_bytes(last));
            }
            start..start + bytes.len()
        });
        let len = words.len();
        let words = from_integers::<B, 2>(words, [len, 1], &self.bits.device());
        let bytes = words.expand([len, 4]).bitwise_right_shift(self.bits.clone().expand([len, 4]));
        let numbers = bytes.bitwise_and_scalar(0xff.elem()).float().reshape([4 * len]);
        ranges.map(|range| numbers.clone().slice(range))
    }
}

/// The values of several tensors, each row-major, with one wait for the device.
///
/// # Errors
/// If the device fails.
pub fn read<B: Backend, const N: usize>(tensors: [Tensor<B, 1>; N]) -> Result<[Vec<f32>; N], DeviceFailed> {
    WAITS.fetch_add(1, Ordering::Relaxed);
    let transaction =
        tensors.into_iter().fold(Transaction::<B>::default(), |all, tensor| all.register(tensor));
    let read = transaction.try_execute().map_err(|error| DeviceFailed(format!("{error:?}")))?;
    let mut values = read.into_iter().map(|data| {
        data.convert::<f32>().into_vec().expect("values that were converted to single precision")
    });
    Ok(std::array::from_fn(|_| values.next().expect("a transaction reads every tensor")))
}

/// The values of a tensor, row-major; waits for the device.
///
/// # Panics
/// If the device fails.
pub fn to_values<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    let [values] = read([tensor.flatten::<1>(0, D - 1)]).unwrap_or_else(|error| panic!("{error}"));
    values
}

/// Waits until the device has finished its queue.
///
/// # Errors
/// If the device fails.
pub fn wait<B: Backend>(device: &B::Device) -> Result<(), DeviceFailed> {
    WAITS.fetch_add(1, Ordering::Relaxed);
    B::sync(device).map_err(|error| DeviceFailed(format!("{error:?}")))
}
