//! Contact sheets: pictures of a film side by side.

use super::BACKGROUND;
use softmoe_env::RgbFrame;

/// Pictures spread evenly over a film whose length is not known before its end.
#[derive(Clone, Debug)]
pub struct Sheet {
    count: usize,
    /// Every `period`-th picture, at most twice `count`.
    kept: Vec<RgbFrame>,
    period: usize,
    seen: usize,
}

impl Sheet {
    /// A sheet of at most `count` pictures, at least 1.
    pub fn new(count: usize) -> Self {
        Sheet { count: count.max(1), kept: Vec::new(), period: 1, seen: 0 }
    }

    /// Offers the next picture to the sheet. All pictures have one size.
    pub fn push(&mut self, picture: &RgbFrame) {
        if self.seen.is_multiple_of(self.period) {
            if self.kept.len() == 2 * self.count {
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.period *= 2;
            }
            if self.seen.is_multiple_of(self.period) {
                self.kept.push(picture.clone());
            }
        }
        self.seen += 1;
    }

    /// The pictures of the sheet, in order: the first one, and others at about equal distances.
    fn chosen(&self) -> Vec<&RgbFrame> {
        let count = self.count.min(self.kept.len());
        let last = self.kept.len().saturating_sub(1);
        let index = |place: usize| if count > 1 { place * last / (count - 1) } else { 0 };
        (0..count).filter_map(|place| self.kept.get(index(place))).collect()
    }

    /// The sheet: rows of pictures, in as many columns as make it about as wide as high. `None` without a picture.
    pub fn picture(&self) -> Option<RgbFrame> {
        let chosen = self.chosen();
        let [width, height] = chosen.first().map(|first| [first.width, first.height])?;
        let shape = |columns: usize| {
            let rows = chosen.len().div_ceil(columns);
            let sides = [columns * width, rows * height].map(|side| side as f64);
            // A sheet without holes is better than a square one.
            (sides[0] / sides[1]).ln().abs() + (rows * columns - chosen.len()) as f64
        };
        let columns = (1..=chosen.len()).min_by(|&a, &b| shape(a).total_cmp(&shape(b)))?;
        let rows = chosen.len().div_ceil(columns);
        let mut pixels = BACKGROUND.repeat(columns * width * rows * height);
        for (place, picture) in chosen.iter().enumerate() {
            let (left, top) = (place % columns * width, place / columns * height);
            for (y, row) in picture.pixels.chunks_exact(width * 3).enumerate() {
                let at = ((top + y) * columns * width + left) * 3;
                pixels[at..at + row.len()].copy_from_slice(row);
            }
        }
        Some(RgbFrame { width: columns * width, height: rows * height, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::Sheet;
    use softmoe_env::RgbFrame;

    fn of(count: usize, pictures: u8) -> Vec<u8> {
        let mut sheet = Sheet::new(count);
        (0..pictures).for_each(|i| sheet.push(&RgbFrame { width: 1, height: 1, pixels: vec![i; 3] }));
        sheet.chosen().iter().map(|picture| picture.pixels[0]).collect()
    }

    #[test]
    fn pictures_are_spread_over_the_film() {
        assert!(of(3, 0).is_empty());
        assert_eq!(of(3, 1), [0]);
        assert_eq!(of(3, 3), [0, 1, 2]);
        assert_eq!(of(3, 5), [0, 2, 4]);
        assert_eq!(of(4, 200), [0, 64, 128, 192]);
        assert_eq!(of(1, 9), [0]);
        let of_six = of(6, 255);
        assert_eq!((of_six.len(), of_six[0]), (6, 0));
        assert!(of_six[5] > 215 && of_six.is_sorted(), "{of_six:?}");
    }

    #[test]
    fn a_sheet_is_about_as_wide_as_high() {
        let mut sheet = Sheet::new(6);
        (0..6).for_each(|_| sheet.push(&RgbFrame { width: 9, height: 4, pixels: vec![7; 108] }));
        let sheet = sheet.picture().unwrap();
        assert_eq!((sheet.width, sheet.height), (18, 12));
        assert_eq!(Sheet::new(3).picture(), None);
    }
}
