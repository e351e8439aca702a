//! Vectors of `f32` or `f64` in registers, under one trait for both number types.

use super::block::{At, copy_block, copy_block_of_f32};
use pulp::{MemMask, Simd};
use std::cell::Cell;
use std::ops::Add;

/// A number type that vector registers hold: `f32` or `f64`.
pub trait Lanes: Copy + Default + Send + Sync + Add<Output = Self> + 'static {
    /// A register full of numbers.
    type Vector<S: Simd>: Copy;
    /// A choice of lanes to read or write.
    type Mask<S: Simd>: Copy;

    /// The number of lanes of a vector.
    fn lanes<S: Simd>() -> usize;
    /// A vector with this number in every lane.
    fn splat<S: Simd>(self, simd: S) -> Self::Vector<S>;
    /// A vector of zeros.
    #[inline(always)]
    fn zeros<S: Simd>(simd: S) -> Self::Vector<S> {
        Self::default().splat(simd)
    }
    /// a + b.
    fn add_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger of a and b.
    fn max_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a b + c, rounded once where the processor can.
    fn multiply_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The mask of the first `len` lanes.
    fn mask<S: Simd>(simd: S, len: usize) -> Self::Mask<S>;

    /// Reads a vector, or only the lanes of `mask`; the others are zero.
    ///
    /// # Safety
    /// These lanes can be read.
    #[allow(unsafe_code)]
    unsafe fn load<S: Simd>(simd: S, at: *const Self, mask: Option<Self::Mask<S>>) -> Self::Vector<S>;

    /// Writes a vector, or only the lanes of `mask`.
    ///
    /// # Safety
    /// These lanes can be written.
    #[allow(unsafe_code)]
    unsafe fn store<S: Simd>(simd: S, at: *mut Self, mask: Option<Self::Mask<S>>, value: Self::Vector<S>);

    /// Copies the transpose of a block of four by four values from x to y.
    ///
    /// # Safety
    /// The block at x can be read and that at y written, and they do not overlap.
    #[allow(unsafe_code)]
    unsafe fn copy_block_transposed(y: At<*mut Self>, x: At<*const Self>);

    /// Takes this thread's buffer, at least `len` long. It is allocated only when it must grow.
    fn take_scratch(len: usize) -> Vec<Self>;

    /// Gives the buffer back.
    fn give_scratch(scratch: Vec<Self>);
}

macro_rules! lanes {
    ($number:ty, $vectors:ident, $masks:ident, $lanes:ident, $index:ty, $splat:ident, $add:ident,
        $max:ident, $multiply_add:ident, $mask:ident, $load:ident, $store:ident, $copy_block:ident) => {
        impl Lanes for $number {
            type Vector<S: Simd> = S::$vectors;
            type Mask<S: Simd> = MemMask<S::$masks>;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }

            #[inline(always)]
            fn splat<S: Simd>(self, simd: S) -> S::$vectors {
                simd.$splat(self)
            }

            #[inline(always)]
            fn add_lanes<S: Simd>(simd: S, a: S::$vectors, b: S::$vectors) -> S::$vectors {
                simd.$add(a, b)
            }

            #[inline(always)]
            fn max_lanes<S: Simd>(simd: S, a: S::$vectors, b: S::$vectors) -> S::$vectors {
                simd.$max(a, b)
            }

            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S, a: S::$vectors, b: S::$vectors, c: S::$vectors) -> S::$vectors {
                simd.$multiply_add(a, b, c)
            }

            #[inline(always)]
            fn mask<S: Simd>(simd: S, len: usize) -> MemMask<S::$masks> {
                simd.$mask(0, len as $index)
            }

            #[inline(always)]
            #[allow(unsafe_code)]
            unsafe fn load<S: Simd>(
                simd: S,
                at: *const Self,
                mask: Option<MemMask<S::$masks>>,
            ) -> S::$vectors {
                // SAFETY: the caller sees to it.
                unsafe {
                    match mask {
                        Some(mask) => simd.$load(mask, at),
                        None => at.cast::<S::$vectors>().read_unaligned(),
                    }
                }
            }

            #[inline(always)]
            #[allow(unsafe_code)]
            unsafe fn store<S: Simd>(
                simd: S,
                at: *mut Self,
                mask: Option<MemMask<S::$masks>>,
                value: S::$vectors,
            ) {
                // SAFETY: the caller sees to it.
                unsafe {
                    match mask {
                        Some(mask) => simd.$store(mask, at, value),
                        None => at.cast::<S::$vectors>().write_unaligned(value),
                    }
                }
            }

            #[inline(always)]
            #[allow(unsafe_code)]
            unsafe fn copy_block_transposed(y: At<*mut Self>, x: At<*const Self>) {
                // SAFETY: the caller sees to it.
                unsafe { $copy_block(y, x) }
            }

            fn take_scratch(len: usize) -> Vec<Self> {
                let mut scratch = SCRATCH.with(|scratch| scratch.$vectors.take());
                if scratch.len() < len {
                    scratch.resize(len, 0.0);
                }
                scratch
            }

            fn give_scratch(scratch: Vec<Self>) {
                SCRATCH.with(|place| place.$vectors.set(scratch));
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    m32s,
    F32_LANES,
    u32,
    splat_f32s,
    add_f32s,
    max_f32s,
    mul_add_e_f32s,
    mask_between_m32s,
    mask_load_ptr_f32s,
    mask_store_ptr_f32s,
    copy_block_of_f32
);
lanes!(
    f64,
    f64s,
    m64s,
    F64_LANES,
    u64,
    splat_f64s,
    add_f64s,
    max_f64s,
    mul_add_e_f64s,
    mask_between_m64s,
    mask_load_ptr_f64s,
    mask_store_ptr_f64s,
    copy_block
);

/// A thread's buffers, one for each number type.
#[derive(Default)]
struct Scratch {
    f32s: Cell<Vec<f32>>,
    f64s: Cell<Vec<f64>>,
}

thread_local! {
    static SCRATCH: Scratch = Scratch::default();
}
