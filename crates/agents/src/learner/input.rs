//! A network's input, from states in bytes.

use softmoe_env::Element;

/// Reads states as a network takes them: bytes divided by the pixel scale, floats as they are.
///
/// # Shapes
/// input: (batch, height, width, stack x channels); states: the same number of elements
pub(crate) fn read_states(input: &mut [f32], states: &[u8], element: Element) {
    match element {
        Element::Byte { scale } => {
            let scale = f32::from(scale);
            for (input, &byte) in input.iter_mut().zip(states) {
                *input = f32::from(byte) / scale;
            }
        }
        Element::Float => {
            let (floats, _) = states.as_chunks();
            for (input, &bytes) in input.iter_mut().zip(floats) {
                *input = f32::from_le_bytes(bytes);
            }
        }
    }
}
