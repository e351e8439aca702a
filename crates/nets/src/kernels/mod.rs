//! The loops that everything else is made of: matrix products, and passes over vectors.
//!
//! Sizes are run-time values here. Each loop is compiled for the instruction sets that the processor may have
//! (AVX-512, AVX2 with FMA, or the portable ones) and the best is taken when it runs, unless [`choose`] names another.

mod from_memory;
mod instructions;
pub(crate) mod lanes;
mod matrix;
mod panels;
pub(crate) mod parts;
mod product;
mod softmax;
mod tile;
mod transposition;
mod vector;
pub(crate) mod window;

pub use instructions::{InstructionSet, Unavailable, choose, instruction_set, vectorised};
pub use matrix::{Blocks, Matrix, MatrixMut};
pub use product::{affine, affine_relu, product, product_of_blocks, vector_matrix};
pub use softmax::{
    shared_exponentials, softmax_backward_columns, softmax_backward_rows, softmax_columns, softmax_rows,
};
pub use transposition::transpose;
pub use vector::{
    add, add_row_sums, minus_mean_of_blocks, multiply, multiply_outer, relu, relu_backward,
    relu_backward_with_row_sums, repeat_scaled, row_dots, scale_rows, sum,
};
