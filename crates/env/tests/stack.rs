//! The stack of frames against frames that are kept apart.

use proptest::prelude::*;
use softmoe_env::{Element, EnvironmentSpec, FrameStack};

/// The state of the last `stack` of `frames`, pixel by pixel.
fn state(spec: &EnvironmentSpec, frames: &[Vec<u8>]) -> Vec<u8> {
    let pixel = spec.frame[2] * spec.element.size();
    let nothing = vec![0; spec.frame_bytes()];
    let stacked: Vec<&Vec<u8>> =
        (0..spec.stack).rev().map(|age| frames.iter().nth_back(age).unwrap_or(&nothing)).collect();
    (0..spec.frame_bytes())
        .step_by(pixel)
        .flat_map(|at| stacked.iter().flat_map(move |frame| frame[at..at + pixel].to_vec()))
        .collect()
}

proptest! {
    #[test]
    fn a_state_is_its_frames_side_by_side(
        (height, width, channels) in (1..4_usize, 1..4_usize, 1..4_usize),
        stack in 1..6_usize,
        is_float in any::<bool>(),
        frames in 0..9_usize,
        clear_after in 0..9_usize,
    ) {
        let element = if is_float { Element::Float } else { Element::Byte { scale: 1 } };
        let spec = EnvironmentSpec { frame: [height, width, channels], stack, actions: 1, element };
        let mut stacked = FrameStack::new(&spec);
        let mut kept = Vec::new();
        for number in 0..frames {
            let frame: Vec<u8> = (0..spec.frame_bytes()).map(|at| (31 * number + at + 1) as u8).collect();
            stacked.push(&frame);
            kept.push(frame);
            prop_assert_eq!(stacked.state(), state(&spec, &kept), "after {} frames", number + 1);
            if number == clear_after {
                stacked.clear();
                kept.clear();
            }
        }
    }
}
