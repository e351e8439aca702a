//! The types that a value of a frame may have.

/// The type of one value of a frame: `u8` or `f32`. No other type can implement it.
pub trait FrameElement: Copy + Default + sealed::Bytes {}

impl FrameElement for u8 {}
impl FrameElement for f32 {}

pub(crate) mod sealed {
    /// How a frame of this type becomes bytes.
    pub trait Bytes: Sized {
        /// Fills `bytes` with the frame that `write` writes.
        fn fill(bytes: &mut [u8], write: impl FnOnce(&mut [Self]));
    }

    impl Bytes for u8 {
        fn fill(bytes: &mut [u8], write: impl FnOnce(&mut [u8])) {
            write(bytes);
        }
    }

    impl Bytes for f32 {
        fn fill(bytes: &mut [u8], write: impl FnOnce(&mut [f32])) {
            let (values, rest) = bytes.as_chunks_mut::<4>();
            assert!(rest.is_empty(), "a frame of floats has a multiple of 4 bytes");
            let mut floats = vec![0.0_f32; values.len()];
            write(&mut floats);
            for (bytes, float) in values.iter_mut().zip(floats) {
                *bytes = float.to_le_bytes();
            }
        }
    }
}
