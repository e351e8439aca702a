//! The transposition of a block of four by four values: read row by row, transposed in registers, written row by row.

/// Rows and columns of a block.
pub(super) const BLOCK: usize = 4;

/// The address of a row-major matrix whose rows are `stride` values apart.
#[derive(Clone, Copy)]
pub struct At<P> {
    pub(super) first: P,
    pub(super) stride: usize,
}

/// Copies the transpose of a block value by value.
///
/// # Safety
/// The block at x can be read and that at y written, and they do not overlap.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn copy_block<E: Copy>(y: At<*mut E>, x: At<*const E>) {
    for row in 0..BLOCK {
        for column in 0..BLOCK {
            // SAFETY: the caller sees to it.
            unsafe { *y.first.add(column * y.stride + row) = *x.first.add(row * x.stride + column) };
        }
    }
}

/// Copies the transpose of a block with shuffles that every x86-64 processor has.
///
/// # Safety
/// As [`copy_block`].
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn copy_block_of_f32(y: At<*mut f32>, x: At<*const f32>) {
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller sees to it.
    unsafe {
        copy_block(y, x);
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller sees to it; the intrinsics are SSE, which every x86-64 processor has.
    unsafe {
        use std::arch::x86_64::{
            _mm_loadu_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
        };
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| _mm_loadu_ps(x.first.add(row * x.stride)));
        let (ab_left, ab_right) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (cd_left, cd_right) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(y.first, _mm_movelh_ps(ab_left, cd_left));
        _mm_storeu_ps(y.first.add(y.stride), _mm_movehl_ps(cd_left, ab_left));
        _mm_storeu_ps(y.first.add(2 * y.stride), _mm_movelh_ps(ab_right, cd_right));
        _mm_storeu_ps(y.first.add(3 * y.stride), _mm_movehl_ps(cd_right, ab_right));
    }
}
