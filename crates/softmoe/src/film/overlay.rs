//! The dispatch weights of an expert over the game.

use super::{BACKGROUND, Colour, GROUND};
use softmoe_agents::inspect::{MixtureWeights, TokenGrid};
use softmoe_env::RgbFrame;

/// Levels of a heat map. Few levels make few colours, which a GIF can have.
const LEVELS: f64 = 20.0;
/// The colour's share where a weight is largest.
const MOST: f64 = 0.9;

/// The scale of a heat map ends at this multiple of the mean weight, or beyond it: equal weights have at most half the full brightness.
pub(super) const LEAST_PEAK: f64 = 4.0;

/// The largest dispatch weight of any token and expert, as a multiple of the mean of an expert's tokens.
pub(super) fn peak(mixture: &MixtureWeights) -> f64 {
    mixture.dispatch.iter().fold(0.0_f64, |most, &weight| most.max(weight)) * mixture.tokens as f64
}

/// The game in grey, with the weights of an expert's tokens in the expert's colour. Brightness is the square root of the weight; a weight of
/// `full` times the mean is brightest. Tokens without a position in the game are laid out row by row, without the game.
pub(super) fn overlay(
    picture: &RgbFrame,
    [width, height]: [usize; 2],
    mixture: &MixtureWeights,
    (expert, colour): (usize, Colour),
    full: f64,
) -> RgbFrame {
    let weights = mixture.of_expert(expert);
    let grid = mixture.grid.unwrap_or_else(|| matrix(mixture.tokens));
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let share = [(y as f64 + 0.5) / height as f64, (x as f64 + 0.5) / width as f64];
            let under = match mixture.grid {
                Some(_) => dimmed(pixel_at(picture, share)),
                None => GROUND,
            };
            let weight = token_at(&grid, share).and_then(|token| weights.get(token));
            let strength = weight.map_or(0.0, |weight| weight * mixture.tokens as f64 / full.max(1e-9));
            // The square root, since a few weights are often many times larger than all others.
            let level = (strength.clamp(0.0, 1.0).sqrt() * LEVELS).round() / LEVELS;
            pixels.extend(blend(under, colour, MOST * level));
        }
    }
    RgbFrame { width, height, pixels }
}

/// A matrix of tokens, nearly square.
fn matrix(tokens: usize) -> TokenGrid {
    let columns = (1..=tokens).find(|columns| columns * columns >= tokens).unwrap_or(1);
    let rows = tokens.div_ceil(columns).max(1);
    TokenGrid { rows, columns, origin: [0.0; 2], cell: [1.0 / rows as f64, 1.0 / columns as f64] }
}

/// The token at a place, in shares of the frame's height and width.
fn token_at(grid: &TokenGrid, share: [f64; 2]) -> Option<usize> {
    let index = |axis: usize, count: usize| {
        let at = ((share[axis] - grid.origin[axis]) / grid.cell[axis]).floor();
        (at >= 0.0 && at < count as f64).then_some(at as usize)
    };
    Some(index(0, grid.rows)? * grid.columns + index(1, grid.columns)?)
}

/// The pixel at a place, in shares of the picture's height and width.
pub(super) fn pixel_at(picture: &RgbFrame, [y, x]: [f64; 2]) -> Colour {
    let place = |share: f64, size: usize| ((share * size as f64) as usize).min(size.saturating_sub(1));
    picture.pixel(place(x, picture.width), place(y, picture.height))
}

/// A grey, darker than `colour`.
fn dimmed(colour: Colour) -> Colour {
    let [red, green, blue] = colour.map(f64::from);
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    // Steps of 8: few greys.
    let grey = (luma * 0.55 / 8.0).round() * 8.0;
    blend(BACKGROUND, [grey as u8; 3], 0.85)
}

/// `under` with `over` at the share `strength`.
pub(super) fn blend(under: Colour, over: Colour, strength: f64) -> Colour {
    std::array::from_fn(|channel| {
        let [under, over] = [under[channel], over[channel]].map(f64::from);
        (under + (over - under) * strength).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_colours_its_own_cell_of_the_game() {
        // 2 x 2 tokens in the middle of a 4 x 4 picture.
        let grid = TokenGrid { rows: 2, columns: 2, origin: [0.25; 2], cell: [0.25; 2] };
        let mixture = MixtureWeights {
            experts: 2,
            tokens: 4,
            dispatch: [[0.0, 1.0, 0.0, 0.0], [0.25; 4]].concat(),
            usage: vec![0.5; 2],
            grid: Some(grid),
        };
        assert_eq!(peak(&mixture), 4.0);
        let black = RgbFrame { width: 4, height: 4, pixels: vec![0; 48] };
        let colour = [255, 0, 0];
        let coloured = |expert: usize, full: f64| -> Vec<usize> {
            let frame = overlay(&black, [4, 4], &mixture, (expert, colour), full);
            let none = dimmed([0; 3]);
            (0..16).filter(|at| frame.pixel(at % 4, at / 4) != none).collect()
        };
        assert_eq!(coloured(0, 4.0), [6]);
        assert_eq!(coloured(1, 4.0), [5, 6, 9, 10]);
        let frame = overlay(&black, [4, 4], &mixture, (0, colour), 4.0);
        assert_eq!(frame.pixel(2, 1), blend(dimmed([0; 3]), colour, MOST));
        // Half as bright at a quarter of the weight.
        let frame = overlay(&black, [4, 4], &mixture, (0, colour), 16.0);
        assert_eq!(frame.pixel(2, 1), blend(dimmed([0; 3]), colour, MOST / 2.0));
    }

    #[test]
    fn tokens_without_a_place_are_laid_out_row_by_row() {
        let grid = matrix(7);
        assert_eq!((grid.rows, grid.columns), (3, 3));
        assert_eq!(token_at(&grid, [0.99, 0.01]), Some(6));
        assert_eq!((matrix(1).rows, matrix(2).columns, matrix(16).rows), (1, 2, 4));
    }
}
