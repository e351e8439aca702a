//! A film's pictures in the characters of a terminal: two pixels in each, with 24-bit colours.

use super::overlay::{LEAST_PEAK, overlay, peak};
use super::{BACKGROUND, CHOSEN, Colour, MUTED, OTHER, Shot, TEXT, expert_colour, shown_experts};
use softmoe_env::RgbFrame;
use std::fmt::Write;

/// Width of the values of the actions.
const VALUES: usize = 36;
/// Width of an action's name.
const NAME: usize = 15;
/// Width of the largest bar.
const BAR: usize = 12;
/// Side of an expert's map, in pixels.
const MAP: [usize; 2] = [11, 12];

/// The upper half of a character's cell.
const UPPER_HALF: char = '\u{2580}';

/// A terminal's characters. Draws one shot after the other.
#[derive(Clone, Debug)]
pub struct Screen {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    peak: f64,
    largest: f32,
}

/// A character with its colours.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    character: char,
    colour: Colour,
    ground: Colour,
}

const EMPTY: Cell = Cell { character: ' ', colour: TEXT, ground: BACKGROUND };

impl Screen {
    /// Least columns and rows of a terminal.
    pub const LEAST: [usize; 2] = [40, 12];

    /// A screen of that size.
    pub fn new(columns: usize, rows: usize) -> Self {
        Screen { columns, rows, cells: vec![EMPTY; columns * rows], peak: LEAST_PEAK, largest: 1e-6 }
    }

    /// Changes the size.
    pub fn resize(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        self.cells = vec![EMPTY; columns * rows];
    }

    /// The text that shows a shot, from the terminal's upper left corner on. `title` is above it, `hint` below.
    pub fn draw(&mut self, shot: &Shot, title: &str, hint: &str, shows_network: bool) -> String {
        self.cells.fill(EMPTY);
        let inspection = shot.inspection.as_ref().filter(|_| shows_network);
        let beside = inspection.map_or(0, |_| VALUES + 2).min(self.columns / 2);
        self.text(0, 0, title, TEXT);
        let room = [self.columns - beside, 2 * self.rows.saturating_sub(3)];
        let game = fitted(&shot.picture, room);
        self.picture(&game, 0, 1);
        let bottom = self.rows.saturating_sub(2);
        self.text(0, bottom, &shot.status(), TEXT);
        self.text(0, bottom + 1, hint, MUTED);
        let Some(inspection) = inspection else { return self.render() };

        let left = game.width + 2;
        let scale = inspection.values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        self.largest = self.largest.max(scale);
        let fits = bottom.saturating_sub(1).min(inspection.values.len());
        for (action, value) in inspection.values.iter().enumerate().take(fits) {
            let is_chosen = action == shot.action;
            let colour = if is_chosen { CHOSEN } else { TEXT };
            let name = shot.actions.get(action).copied().unwrap_or("?");
            let mark = if action == inspection.action { '>' } else { ' ' };
            let row = 1 + action;
            let name: String = name.chars().take(NAME).collect();
            self.text(left, row, &format!("{mark} {name}"), colour);
            let bar = (value.abs() / self.largest * BAR as f32).round() as usize;
            let bar: String = "\u{2587}".repeat(bar.min(BAR));
            self.text(left + NAME + 3, row, &bar, if is_chosen { CHOSEN } else { OTHER });
            self.text(left + NAME + BAR + 4, row, &format!("{value:>6.2}"), colour);
        }
        if let Some(mixture) = &inspection.mixture {
            self.peak = self.peak.max(peak(mixture));
            let experts = shown_experts(&mixture.usage);
            let room = [self.columns.saturating_sub(left), bottom.saturating_sub(fits + 2)];
            let ([width, height], across) = map_size(experts.len(), room);
            for (place, expert) in experts.into_iter().enumerate() {
                let column = left + place % across * (width + 1);
                let row = fits + 2 + place / across * (height / 2 + 2);
                if row + 1 + height / 2 > bottom {
                    break;
                }
                let colour = expert_colour(expert);
                let label = format!("{} {:>3.0}%", expert + 1, 100.0 * mixture.usage[expert]);
                self.text(column, row, &label, colour);
                let map = overlay(&shot.picture, [width, height], mixture, (expert, colour), self.peak);
                self.picture(&map, column, row + 1);
            }
        }
        self.render()
    }

    fn text(&mut self, column: usize, row: usize, text: &str, colour: Colour) {
        let room = self.columns.saturating_sub(column);
        for (offset, character) in text.chars().take(room).enumerate() {
            self.put(column + offset, row, Cell { character, colour, ground: BACKGROUND });
        }
    }

    /// Draws a picture, with two rows of pixels in each character.
    fn picture(&mut self, picture: &RgbFrame, column: usize, row: usize) {
        for y in (0..picture.height).step_by(2) {
            for x in 0..picture.width {
                let ground = if y + 1 < picture.height { picture.pixel(x, y + 1) } else { BACKGROUND };
                let cell = Cell { character: UPPER_HALF, colour: picture.pixel(x, y), ground };
                self.put(column + x, row + y / 2, cell);
            }
        }
    }

    fn put(&mut self, column: usize, row: usize, cell: Cell) {
        if column < self.columns && row < self.rows {
            self.cells[row * self.columns + column] = cell;
        }
    }

    /// The characters with their colours. Rows are placed one by one, so that the terminal never scrolls.
    fn render(&self) -> String {
        let mut text = String::with_capacity(self.cells.len() * 8);
        for (row, cells) in self.cells.chunks_exact(self.columns.max(1)).enumerate() {
            let _ = write!(text, "\x1b[{};1H", row + 1);
            let mut before: Option<Cell> = None;
            for cell in cells {
                let Cell { character, colour: [r, g, b], ground } = *cell;
                if before.is_none_or(|before| before.ground != ground) {
                    let [r, g, b] = ground;
                    let _ = write!(text, "\x1b[48;2;{r};{g};{b}m");
                }
                if character != ' ' && before.is_none_or(|before| before.colour != cell.colour) {
                    let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
                }
                text.push(character);
                // A space shows no text colour, so the colour before it still holds.
                let colour = match (character, before) {
                    (' ', Some(before)) => before.colour,
                    (' ', None) => [0, 0, 1],
                    _ => cell.colour,
                };
                before = Some(Cell { colour, ..*cell });
            }
        }
        text.push_str("\x1b[0m");
        text
    }
}

/// The largest size of a map, in pixels, at which `count` of them fit into `room` (columns, rows), and how many are in a row of them.
fn map_size(count: usize, [columns, rows]: [usize; 2]) -> ([usize; 2], usize) {
    let of = |factor: usize| {
        let size = MAP.map(|side| factor * side);
        (size, (columns / (size[0] + 1)).max(1))
    };
    let fits = |([width, height], across): &([usize; 2], usize)| {
        *width < columns && count.div_ceil(*across) * (height / 2 + 2) <= rows + 1
    };
    (2..=4).rev().map(of).find(fits).unwrap_or_else(|| of(1))
}

/// The picture at the largest size within `room` (width, height). A small picture is enlarged by a whole factor, a large one averaged.
fn fitted(picture: &RgbFrame, [width, height]: [usize; 2]) -> RgbFrame {
    let factor = (width / picture.width.max(1)).min(height / picture.height.max(1));
    if factor >= 1 {
        return picture.enlarged(factor);
    }
    let share = (width as f64 / picture.width as f64).min(height as f64 / picture.height as f64);
    let [columns, rows] = [picture.width, picture.height].map(|side| ((side as f64 * share) as usize).max(1));
    let range = |at: usize, of: usize, size: usize| {
        let from = at * size / of;
        from..((at + 1) * size / of).max(from + 1).min(size)
    };
    let mut pixels = Vec::with_capacity(columns * rows * 3);
    for y in 0..rows {
        for x in 0..columns {
            let mut sum = [0_usize; 3];
            let (xs, ys) = (range(x, columns, picture.width), range(y, rows, picture.height));
            let count = xs.len() * ys.len();
            for at_y in ys {
                for at_x in xs.clone() {
                    let pixel = picture.pixel(at_x, at_y);
                    sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += usize::from(value));
                }
            }
            pixels.extend(sum.map(|sum| (sum / count.max(1)) as u8));
        }
    }
    RgbFrame { width: columns, height: rows, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fills_its_room() {
        let picture = RgbFrame { width: 10, height: 10, pixels: vec![9; 300] };
        assert_eq!(fitted(&picture, [44, 42]).width, 40);
        let large = RgbFrame { width: 160, height: 210, pixels: vec![9; 160 * 210 * 3] };
        let small = fitted(&large, [60, 42]);
        assert_eq!((small.width, small.height), (32, 42));
        assert!(small.pixels.iter().all(|&value| value == 9));
    }

    #[test]
    fn maps_are_as_large_as_there_is_room() {
        assert_eq!(map_size(4, [48, 20]), ([11, 12], 4));
        assert_eq!(map_size(4, [48, 28]), ([22, 24], 2));
        assert_eq!(map_size(1, [48, 28]), ([44, 48], 1));
        assert_eq!(map_size(16, [5, 2]), ([11, 12], 1));
    }

    #[test]
    fn every_row_has_its_place_and_no_more_characters_than_columns() {
        let shot = Shot {
            picture: RgbFrame { width: 10, height: 10, pixels: vec![50; 300] },
            inspection: None,
            action: 0,
            actions: vec!["no-op"],
            episode: 1,
            step: 2,
            episode_return: 3.0,
        };
        for (columns, rows) in [(80, 24), (40, 12), (3, 2), (200, 60)] {
            let text = Screen::new(columns, rows).draw(&shot, "title", "keys", true);
            let mut plain = String::new();
            let mut in_escape = false;
            for character in text.chars() {
                match (in_escape, character) {
                    (false, '\x1b') => in_escape = true,
                    (true, 'm') => in_escape = false,
                    (true, 'H') => {
                        in_escape = false;
                        plain.push('\n');
                    }
                    (true, _) => {}
                    (false, character) => plain.push(character),
                }
            }
            let lines: Vec<&str> = plain.split('\n').skip(1).collect();
            assert_eq!(lines.len(), rows);
            assert!(lines.iter().all(|line| line.chars().count() == columns), "{columns} x {rows}");
        }
    }
}
