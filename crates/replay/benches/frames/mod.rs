//! Synthetic sparse frames like Atari's: one background colour, a few moving sprites, a score line, a strip of texture.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Height and width of a frame.
pub(crate) const SIDE: usize = 84;
/// Height and width of a sprite.
const SPRITE: usize = 8;
/// Rows of texture at the bottom, and of the score at the top.
const STRIP: usize = 6;

/// A game that plays itself.
pub(crate) struct Screen {
    rng: Xoshiro256PlusPlus,
    /// Pixels of each sprite, all of different shades, and its position.
    sprites: Vec<([u8; SPRITE * SPRITE], [usize; 2])>,
    /// Shades of the constant strip at the bottom.
    texture: Vec<u8>,
    /// Shades of the score, which changes sometimes.
    score: [u8; 40],
    frame: Vec<u8>,
}

impl Screen {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let sprites = (0..8).map(|_| (rng.random(), [rng.random_range(10..66), rng.random_range(0..76)]));
        let sprites = sprites.collect();
        let texture = (0..STRIP * SIDE).map(|_| rng.random()).collect();
        Screen { sprites, texture, score: [200; 40], frame: vec![0; SIDE * SIDE], rng }
    }

    /// The next frame.
    ///
    /// # Shapes
    ///
    /// `[84, 84]`.
    pub(crate) fn next(&mut self) -> &[u8] {
        let rng = &mut self.rng;
        self.frame.fill(87);
        if rng.random_range(0..30) == 0 {
            let digit = rng.random_range(0..10) * 4;
            self.score[digit..digit + 4].copy_from_slice(&rng.random::<[u8; 4]>());
        }
        for row in 0..STRIP {
            self.frame[row * SIDE + 22..][..40].copy_from_slice(&self.score);
            let bottom = (SIDE - STRIP + row) * SIDE;
            self.frame[bottom..bottom + SIDE].copy_from_slice(&self.texture[row * SIDE..][..SIDE]);
        }
        for (pixels, [top, left]) in &mut self.sprites {
            *top = (*top + rng.random_range(0..3) - 1).clamp(8, 68);
            *left = (*left + rng.random_range(0..3)) % (SIDE - SPRITE);
            for (row, shades) in pixels.chunks_exact(SPRITE).enumerate() {
                self.frame[(*top + row) * SIDE + *left..][..SPRITE].copy_from_slice(shades);
            }
        }
        &self.frame
    }
}
