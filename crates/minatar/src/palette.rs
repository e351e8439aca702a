//! Colours for the channels of an observation.

use std::f64::consts::TAU;

use crate::rules::SIZE;
use softmoe_env::RgbFrame;

/// A picture of an observation: one pixel a cell, black where nothing is, and elsewhere the colour of the highest
/// channel that is set.
///
/// # Shapes
///
/// `observation`: `[10, 10, channels]`.
pub(crate) fn picture(observation: &[u8], channels: usize) -> RgbFrame {
    let mut pixels = Vec::with_capacity(SIZE * SIZE * 3);
    for cell in observation.chunks_exact(channels) {
        let highest = cell.iter().rposition(|set| *set != 0);
        pixels.extend_from_slice(&highest.map_or([0; 3], |channel| channel_colour(channel, channels)));
    }
    RgbFrame { width: SIZE, height: SIZE, pixels }
}

/// The colour of a channel: the colours of all are evenly spaced between black and white.
fn channel_colour(channel: usize, channels: usize) -> [u8; 3] {
    cubehelix((channel + 1) as f64 / (channels + 1) as f64)
}

/// The cubehelix scale from black (0) to white (1), on which perceived brightness rises evenly, so that its
/// colours can be told apart with any colour vision and in print.
///
/// Start 0.5, -1.5 rotations, hue 1, gamma 1 (Green 2011, "A colour scheme for the display of astronomical
/// intensity images", arXiv 1108.5083).
fn cubehelix(brightness: f64) -> [u8; 3] {
    let angle = TAU * (0.5 / 3.0 + 1.0 - 1.5 * brightness);
    let amplitude = brightness * (1.0 - brightness) / 2.0;
    [(-0.14861, 1.78277), (-0.29227, -0.90649), (1.97294, 0.0)].map(|(cosine, sine)| {
        let level = brightness + amplitude * (cosine * angle.cos() + sine * angle.sin());
        (level.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_from_black_to_white() {
        assert_eq!(cubehelix(0.0), [0; 3]);
        assert_eq!(cubehelix(1.0), [255; 3]);
    }

    /// `seaborn.color_palette("cubehelix", 4)` of seaborn 0.13, times 255 and rounded.
    #[test]
    fn four_channels_have_the_colours_of_seaborn() {
        let expected = [[22, 61, 78], [84, 121, 47], [208, 126, 147], [193, 202, 243]];
        assert_eq!([0, 1, 2, 3].map(|channel| channel_colour(channel, 4)), expected);
    }

    #[test]
    fn a_higher_channel_is_brighter() {
        // Luma as in ITU-R BT.601, which the scale was made for.
        let luma = |[red, green, blue]: [u8; 3]| {
            0.30 * f64::from(red) + 0.59 * f64::from(green) + 0.11 * f64::from(blue)
        };
        for channels in 1..=10 {
            let lumas: Vec<f64> =
                (0..channels).map(|channel| luma(channel_colour(channel, channels))).collect();
            assert!(lumas.is_sorted(), "{lumas:?}");
        }
    }
}
