//! The layout of a film's pictures: the game, the experts, the values.

use super::canvas::{Align, Canvas};
use super::overlay::{LEAST_PEAK, overlay, peak};
use super::{CHOSEN, GROUND, MUTED, OTHER, Shot, TEXT, expert_colour, shown_experts};
use crate::plot::outlines;
use softmoe_agents::inspect::{Inspection, MixtureWeights, ReturnDistribution};
use softmoe_env::RgbFrame;

/// Pixels around and between the parts.
const MARGIN: usize = 16;
/// Height of the line above the parts, and of the line below them.
const LINE: usize = 30;
/// Size of the text, in pixels.
const EM: f32 = 14.0;
const SMALL: f32 = 12.0;
/// Width of the values, and of an action's name and number in it.
const VALUES: usize = 300;
const NAME: usize = 92;
const NUMBER: usize = 52;
/// Least height of an action's row.
const LEAST_ROW: usize = 22;
/// Height of the line above an expert.
const LABEL: usize = 18;
/// Most pixels a side.
const MOST: usize = 8_192;
/// The least probability of a return that is shown on the axis.
const VISIBLE: f32 = 0.02;

/// The contents and sizes of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSettings {
    /// The text above the game, e.g. the run's name.
    pub title: String,
    /// The side of a pixel of the game, in pixels.
    pub scale: usize,
    /// Whether experts and values are shown beside the game.
    pub shows_network: bool,
}

/// Draws shots as pictures of one size.
#[derive(Clone, Debug)]
pub struct Scene {
    settings: SceneSettings,
    /// Width and height of the game, and height of all parts.
    game: [usize; 2],
    height: usize,
    experts: Option<Panels>,
    has_values: bool,
    /// The shown range of returns; it only grows.
    returns: [f32; 2],
    /// The largest weight so far, as a multiple of the mean.
    peak: f64,
}

/// The places of the experts.
#[derive(Clone, Debug)]
struct Panels {
    columns: usize,
    /// Width and height of the game in a panel.
    size: [usize; 2],
    /// Of all.
    width: usize,
}

impl Panels {
    /// Places for `count` experts in `height` pixels; the game has the aspect of `game`.
    fn new(count: usize, [width, height]: [usize; 2], total: usize) -> Self {
        let rows = match count {
            1 => 1,
            2..=8 => 2,
            _ => 4,
        };
        let columns = count.div_ceil(rows).max(1);
        let most = (total - (rows - 1) * MARGIN / 2) / rows - LABEL;
        let size = [(most * width / height).max(1), most];
        Panels { columns, size, width: columns * size[0] + (columns - 1) * MARGIN / 2 }
    }
}

impl Scene {
    /// The scene of a film that begins with `first`.
    ///
    /// # Errors
    /// A text, if the pictures would be too large.
    pub fn new(first: &Shot, settings: SceneSettings) -> Result<Self, String> {
        let game =
            [first.picture.width, first.picture.height].map(|side| side.saturating_mul(settings.scale));
        let shown = first.inspection.as_ref().filter(|_| settings.shows_network);
        let rows = shown.map_or(0, |inspection| inspection.values.len() * LEAST_ROW + LABEL);
        let height = game[1].max(rows);
        let mixture = shown.and_then(|inspection| inspection.mixture.as_ref());
        let panels = |mixture: &MixtureWeights| {
            Panels::new(
                shown_experts(&mixture.usage).len(),
                [first.picture.width, first.picture.height],
                height,
            )
        };
        if game.iter().any(|&side| side > MOST / 2) {
            return Err(format!(
                "a game of {} x {} pixels at scale {} is too large: its sides can have at most {} pixels",
                first.picture.width,
                first.picture.height,
                settings.scale,
                MOST / 2
            ));
        }
        Ok(Scene {
            experts: mixture.map(panels),
            has_values: shown.is_some(),
            game,
            height,
            settings,
            returns: [-0.5, 0.5],
            peak: LEAST_PEAK,
        })
    }

    /// Width and height of the pictures. Both are even, as videos need it.
    pub fn size(&self) -> [usize; 2] {
        let experts = self.experts.as_ref().map_or(0, |panels| panels.width + MARGIN);
        let values = if self.has_values { VALUES + MARGIN } else { 0 };
        let width = 2 * MARGIN + self.game[0] + experts + values;
        [width, 2 * LINE + self.height].map(|side| side.next_multiple_of(2))
    }

    /// The picture of a shot. Its network and its actions are those of the first one.
    pub fn draw(&mut self, shot: &Shot) -> RgbFrame {
        let mut canvas = Canvas::new(self.size());
        let (left, top) = (MARGIN, LINE);
        let [width, _] = self.size();
        let baseline = LINE as f32 - 10.0;
        canvas.text(&self.settings.title, EM, TEXT, (left as f32, baseline), Align::Left);
        canvas.picture(&shot.picture, (left, top), self.settings.scale);
        let bottom = (top + self.height) as f32 + 20.0;
        canvas.text(&shot.status(), EM, TEXT, (left as f32, bottom), Align::Left);
        let mut left = left + self.game[0] + MARGIN;
        if let Some(inspection) = &shot.inspection {
            if let (Some(panels), Some(mixture)) = (self.experts.clone(), &inspection.mixture) {
                self.peak = self.peak.max(peak(mixture));
                self.draw_experts(&mut canvas, shot, mixture, &panels, left);
                left += panels.width + MARGIN;
                let note = match mixture.grid {
                    Some(_) => format!("dispatch weights, brightest at {:.1} times the mean", self.peak),
                    None => "dispatch weights; these tokens have no position in the game".to_owned(),
                };
                canvas.text(&note, SMALL, MUTED, ((width - MARGIN) as f32, bottom), Align::Right);
            }
            if self.has_values {
                self.draw_values(&mut canvas, shot, inspection, left);
            }
        }
        canvas.finish()
    }

    fn draw_experts(
        &self,
        canvas: &mut Canvas,
        shot: &Shot,
        mixture: &MixtureWeights,
        panels: &Panels,
        left: usize,
    ) {
        let [width, height] = panels.size;
        for (place, expert) in shown_experts(&mixture.usage).into_iter().enumerate() {
            let (row, column) = (place / panels.columns, place % panels.columns);
            let x = left + column * (width + MARGIN / 2);
            let y = LINE + row * (height + LABEL + MARGIN / 2);
            let colour = expert_colour(expert);
            let baseline = y as f32 + 12.0;
            let label = if width > 90 { format!("expert {}", expert + 1) } else { (expert + 1).to_string() };
            canvas.text(&label, SMALL, colour, (x as f32, baseline), Align::Left);
            let usage = format!("{:.0}%", 100.0 * mixture.usage[expert]);
            canvas.text(&usage, SMALL, MUTED, ((x + width) as f32, baseline), Align::Right);
            let map = overlay(&shot.picture, [width, height], mixture, (expert, colour), self.peak);
            canvas.picture(&map, (x, y + LABEL), 1);
        }
    }

    /// A row for each action: its name, the distribution of its return or a bar, its value.
    fn draw_values(&mut self, canvas: &mut Canvas, shot: &Shot, inspection: &Inspection, left: usize) {
        let count = inspection.values.len();
        let height = ((self.height - LABEL) / count.max(1)).min(72) as f32;
        let (from, to) = (left + NAME, left + VALUES - NUMBER);
        self.widen(inspection);
        let highest = inspection.distribution.as_ref().map_or(1.0, |distribution| {
            distribution.probabilities.iter().fold(0.0_f32, |most, &p| most.max(p))
        });
        for (action, value) in inspection.values.iter().enumerate() {
            let top = LINE as f32 + action as f32 * height;
            let is_chosen = action == shot.action;
            let colour = if is_chosen { CHOSEN } else { OTHER };
            let words = if is_chosen { CHOSEN } else { TEXT };
            let plot = [from as f32, top + 2.0, (to - from) as f32, height - 4.0];
            canvas.fill(plot, GROUND);
            match &inspection.distribution {
                Some(distribution) => {
                    self.draw_distribution(canvas, distribution, action, plot, highest, colour)
                }
                None => {
                    let [zero, end] = [self.place(plot, 0.0), self.place(plot, *value)];
                    let bar = [zero.min(end), plot[1] + 2.0, (end - zero).abs().max(1.0), plot[3] - 4.0];
                    canvas.fill(bar, colour);
                }
            }
            // The mean is a line on the distribution.
            canvas.fill([self.place(plot, *value), plot[1], 1.0, plot[3]], TEXT);
            let baseline = top + height / 2.0 + 4.5;
            let name = shot.actions.get(action).copied().unwrap_or("?");
            let em = if text_fits(name, EM) { EM } else { SMALL - 1.5 };
            canvas.text(name, em, words, (left as f32, baseline), Align::Left);
            if action == inspection.action {
                // The greedy action, whether or not it is taken.
                canvas.fill([from as f32 - 5.0, plot[1], 3.0, plot[3]], words);
            }
            let number = format!("{value:.2}");
            canvas.text(&number, EM, words, ((left + VALUES) as f32, baseline), Align::Right);
        }
        let baseline = LINE as f32 + count as f32 * height + 12.0;
        let [low, high] = self.returns;
        for (value, x, align) in [(low, from, Align::Left), (high, to, Align::Right)] {
            canvas.text(&format!("{value:.1}"), SMALL, MUTED, (x as f32, baseline), align);
        }
        let axis = if inspection.distribution.is_some() { "return" } else { "value" };
        canvas.text(axis, SMALL, MUTED, ((from + to) as f32 / 2.0, baseline), Align::Middle);
    }

    fn draw_distribution(
        &self,
        canvas: &mut Canvas,
        distribution: &ReturnDistribution,
        action: usize,
        plot: [f32; 4],
        highest: f32,
        colour: super::Colour,
    ) {
        let support = &distribution.support;
        let spacing = support.get(1).map_or(1.0, |second| second - support[0]);
        let [left, top, width, height] = plot;
        for (value, probability) in support.iter().zip(distribution.of(action)) {
            let [from, to] =
                [value - spacing / 2.0, value + spacing / 2.0].map(|value| self.place(plot, value));
            let (from, to) = (from.max(left), (to - 1.0).min(left + width));
            // Whole pixels: few colours.
            let tall = (probability / highest * (height - 2.0)).round();
            if to > from && tall > 0.0 {
                canvas.fill([from.round(), top + height - tall, (to - from).round().max(1.0), tall], colour);
            }
        }
    }

    /// Makes room for the returns that have some probability, and for all values.
    fn widen(&mut self, inspection: &Inspection) {
        let [low, high] = &mut self.returns;
        let mut include = |value: f32, around: f32| {
            *low = low.min(value - around);
            *high = high.max(value + around);
        };
        inspection.values.iter().for_each(|&value| include(value, 0.0));
        if let Some(ReturnDistribution { support, probabilities }) = &inspection.distribution {
            let spacing = support.get(1).map_or(1.0, |second| second - support[0]);
            for probabilities in probabilities.chunks_exact(support.len()) {
                for (&value, &probability) in support.iter().zip(probabilities) {
                    if probability > VISIBLE {
                        include(value, spacing / 2.0);
                    }
                }
            }
        }
    }

    /// The column of a return or value.
    fn place(&self, [left, _, width, _]: [f32; 4], value: f32) -> f32 {
        let [low, high] = self.returns;
        (left + (value - low) / (high - low) * width).clamp(left, left + width).round()
    }
}

/// Whether an action's name has room before its diagram.
fn text_fits(name: &str, em: f32) -> bool {
    outlines(name, em).1 <= NAME as f32 - 8.0
}
