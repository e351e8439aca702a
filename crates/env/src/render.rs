//! Pictures and names for people.

/// An environment that can draw itself.
pub trait Render {
    /// The current frame as a picture for people.
    fn render(&self) -> RgbFrame;

    /// The name of an action: `no-op`, or its directions and `fire` separated by spaces, e.g. `up right fire`. The provided method knows
    /// no names.
    fn action_name(&self, action: usize) -> Option<&'static str> {
        let _ = action;
        None
    }
}

/// A picture in 24-bit colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbFrame {
    /// Pixels of a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row: `height * width * 3` bytes.
    pub pixels: Vec<u8>,
}

impl RgbFrame {
    /// The same picture with each pixel a square of `factor` by `factor` pixels.
    ///
    /// ```
    /// use softmoe_env::RgbFrame;
    ///
    /// let picture = RgbFrame { width: 1, height: 2, pixels: vec![1, 2, 3, 4, 5, 6] }.enlarged(16);
    /// assert_eq!((picture.width, picture.height), (16, 32));
    /// assert_eq!(picture.pixel(7, 16), [4, 5, 6]);
    /// ```
    #[must_use]
    pub fn enlarged(&self, factor: usize) -> RgbFrame {
        let (width, height) = (self.width * factor, self.height * factor);
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                pixels.extend_from_slice(&self.pixel(x / factor, y / factor));
            }
        }
        RgbFrame { width, height, pixels }
    }

    /// Red, green and blue of the pixel in column `x` of row `y`.
    ///
    /// # Panics
    ///
    /// If there is no such pixel.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        assert!(x < self.width, "column {x} of a frame {} pixels wide", self.width);
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }
}
