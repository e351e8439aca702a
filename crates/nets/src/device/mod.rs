//! The device engine: the same layers on [burn](https://burn.dev)'s tensors, with its automatic differentiation
//! (feature `burn`; the features `flex`, `wgpu` and `cuda` add devices to compute on).
//!
//! A layer defines its forward pass, [`DeviceLayer::forward_on`], and needs no hand-written gradients. Tuples of such
//! layers are such layers. A new body can be trained on any device with its forward pass alone. It becomes a
//! [`Layer`](crate::Layer), with gradients for the CPU engine, when it has proved worth them. Parameters and noise are
//! the same flat lists as the CPU engine's, so that weights move between the two.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn_tensor::Tensor;
//! use softmoe_nets::device::{Autodiff, BoxedDeviceNetwork, DeviceNetwork, DeviceWeights, Flex};
//! use softmoe_nets::layers::{Linear, Relu};
//! use softmoe_nets::Builder;
//!
//! let mut builder = Builder::new();
//! let layers = (Linear::new(&mut builder, "hidden", 2, 8), Relu, Linear::new(&mut builder, "out", 8, 1));
//! let network = BoxedDeviceNetwork::new(builder, layers, |batch| (batch, 2));
//!
//! let parameters = vec![0.5; DeviceNetwork::<Autodiff<Flex>>::parameters(&network).len()];
//! let device = Default::default();
//! let parameters = Tensor::<Flex, 1>::from_floats(parameters.as_slice(), &device);
//! let weights = DeviceWeights::tracked(network.parameters_list(), &parameters);
//! let x = Tensor::from_floats([[1.0, -2.0], [3.0, 4.0]], &device);
//! let loss = network.forward(&weights, x).sum();
//! let gradient: Tensor<Flex, 1> = weights.gradient(&mut loss.backward());
//! assert_eq!(gradient.dims(), parameters.dims());
//! # }
//! ```

pub(crate) use layer::same_shapes;

mod adam;
mod availability;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod launches;
mod layer;
mod network;
mod transfer;
mod weights;

pub use adam::DeviceAdam;
pub use availability::Missing;
#[cfg(feature = "wgpu")]
pub use availability::wgpu;
#[cfg(feature = "cuda")]
pub use availability::{cuda, cuda_name};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub use launches::Launches;
pub use layer::{DeviceLayer, DeviceShape};
pub use network::{BoxedDeviceNetwork, DeviceNetwork};
pub use transfer::{
    ByteUpload, DeviceFailed, Traffic, from_integers, from_lists, from_values, read, to_values, wait,
};
pub use weights::DeviceWeights;

pub use burn_autodiff::Autodiff;
#[cfg(feature = "cuda")]
pub use burn_cuda::{Cuda, CudaDevice};
#[cfg(feature = "flex")]
pub use burn_flex::{Flex, FlexDevice};
#[cfg(feature = "wgpu")]
pub use burn_wgpu::{Wgpu, WgpuDevice};

pub use burn_tensor::backend::Backend;
use burn_tensor::{BasicOps, Int, Tensor};

/// The names that a layer's forward pass on a device is written with.
pub(crate) mod prelude {
    pub(crate) use super::{
        DeviceLayer, DeviceWeights, one_hot, ranks, same_shapes, tokens_times, transposed,
    };
    pub(crate) use burn_tensor::activation::{relu, softmax};
    pub(crate) use burn_tensor::{Int, Tensor, backend::Backend};
}

/// The product of each token and a matrix.
///
/// # Shapes
/// x: (batch, m, d); matrix: (d, k) -> (batch, m, k)
pub fn tokens_times<B: Backend>(x: Tensor<B, 3>, matrix: Tensor<B, 2>) -> Tensor<B, 3> {
    let ([batch, m, d], [_, k]) = (x.dims(), matrix.dims());
    x.reshape([batch * m, d]).matmul(matrix).reshape([batch, m, k])
}

/// Rank of each value along the last axis in descending order; of equal values, the first comes first.
///
/// The ranks are counted: a sort would leave the device, and a count is exact on any device.
///
/// # Shapes
/// (batch, rows, k) -> (batch, rows, k)
pub fn ranks<B: Backend>(values: Tensor<B, 3>) -> Tensor<B, 3, Int> {
    let ([batch, rows, k], device) = (values.dims(), values.device());
    let values = values.detach();
    let all = [batch, rows, k, k];
    let value = values.clone().unsqueeze_dim::<4>(3).expand(all);
    let other = values.unsqueeze_dim::<4>(2).expand(all);
    let place = from_integers::<B, 1>((0..k as i32).collect(), [k], &device);
    let earlier =
        place.clone().reshape([1, 1, 1, k]).expand(all).lower(place.reshape([1, 1, k, 1]).expand(all));
    let before = other.clone().greater(value.clone()).bool_or(other.equal(value).bool_and(earlier));
    before.int().sum_dim(3).reshape([batch, rows, k])
}

/// Rows as columns.
///
/// If an axis has length one, the order in memory does not change, and the swap is a reshape. In burn 0.21.0 the
/// graphics backends misplace the values of such a swapped tensor when it gets another axis (the strides of
/// `split_strides` in burn-std).
///
/// # Shapes
/// (batch, rows, columns) -> (batch, columns, rows)
pub fn transposed<B: Backend, K: BasicOps<B>>(x: Tensor<B, 3, K>) -> Tensor<B, 3, K> {
    let [batch, rows, columns] = x.dims();
    if rows == 1 || columns == 1 { x.reshape([batch, columns, rows]) } else { x.swap_dims(1, 2) }
}

/// One-hot vectors of the indices along a new axis of length `len`; zeros for an index beyond it.
///
/// # Shapes
/// (batch, rows, columns) -> (batch, rows, columns, `len`)
pub fn one_hot<B: Backend>(indices: Tensor<B, 3, Int>, len: usize) -> Tensor<B, 4> {
    let ([batch, rows, columns], device) = (indices.dims(), indices.device());
    let all = [batch, rows, columns, len];
    let place = from_integers::<B, 4>((0..len as i32).collect(), [1, 1, 1, len], &device).expand(all);
    indices.unsqueeze_dim::<4>(3).expand(all).equal(place).float()
}
