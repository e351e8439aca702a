//! Compute kernels of the CPU engine: matrix products, convolutions, softmax, element-wise functions and sums.
//!
//! Sizes are run-time values. Each loop is compiled for several instruction sets (AVX-512, AVX2 with FMA, and the
//! portable one); the best available runs unless [`InstructionSet::run`] or the environment chooses another.

mod block;
pub(crate) mod double;
mod elementwise;
mod from_memory;
mod instruction_set;
pub(crate) mod lanes;
mod lengths;
mod matrix;
pub(crate) mod panels;
pub(crate) mod parallel;
mod product;
mod reductions;
mod softmax;
mod tile;
mod transposition;
pub(crate) mod window;

pub use elementwise::{
    add, minus_mean_of_blocks, multiply, multiply_outer, relu, relu_backward, repeat_scaled, scale_rows, sum,
};
pub use instruction_set::{InstructionSet, Unavailable, vectorised};
pub use matrix::{Blocks, Matrix, MatrixMut};
pub use product::{affine, affine_relu, product, product_of_blocks, vector_matrix};
pub use reductions::{add_row_sums, relu_backward_with_row_sums, row_dots};
pub use softmax::{
    shared_exponentials, softmax_backward_columns, softmax_backward_rows, softmax_columns, softmax_rows,
};
pub use transposition::transpose;
