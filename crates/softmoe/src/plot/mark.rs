//! The marks of arms: a colour for the family of networks, and shade, pattern and marker for the variants of a family.

use super::style::tint;
use plotters::style::RGBColor;
use serde::{Deserialize, Serialize};

/// A family of networks; each has its own colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Flattened feature map: black.
    Flat,
    /// SoftMoE: blue.
    SoftMoe,
    /// ExpertChoice: orange.
    ExpertChoice,
    /// Top-k routing: red.
    TopK,
    /// Tokenized: green.
    Tokenized,
    /// Global average pooling: pink.
    GlobalAveragePooling,
    /// Simplicial embeddings: wine.
    Simplicial,
    /// Anything else: grey.
    Other,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 8] = [
        Family::Flat,
        Family::SoftMoe,
        Family::ExpertChoice,
        Family::TopK,
        Family::Tokenized,
        Family::GlobalAveragePooling,
        Family::Simplicial,
        Family::Other,
    ];

    /// The family's full colour. Deuteranopes can tell all of them apart.
    pub(super) const fn colour(self) -> RGBColor {
        match self {
            Family::Flat => RGBColor(0x00, 0x00, 0x00),
            Family::SoftMoe => RGBColor(0x00, 0x72, 0xb2),
            Family::ExpertChoice => RGBColor(0xe6, 0x9f, 0x00),
            Family::TopK => RGBColor(0xb2, 0x18, 0x2b),
            Family::Tokenized => RGBColor(0x22, 0xaa, 0x55),
            Family::GlobalAveragePooling => RGBColor(0xe3, 0x77, 0xc2),
            Family::Simplicial => RGBColor(0x88, 0x22, 0x55),
            Family::Other => RGBColor(0x80, 0x80, 0x80),
        }
    }
}

/// Lightness of a family's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shade {
    /// The full colour.
    Full,
    /// Mixed with white.
    Pale,
    /// Mixed with more white.
    Paler,
}

/// Dashes of a line, and hatching of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// A solid line, a plain bar.
    Solid,
    /// Dashes; rising lines.
    Dashed,
    /// Dots; falling lines.
    Dotted,
    /// Dashes and dots in turn; crossed lines.
    DashDotted,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Pattern; 4] = [Pattern::Solid, Pattern::Dashed, Pattern::Dotted, Pattern::DashDotted];

    /// Lengths of strokes and gaps in turn, in pixels; empty for a solid line.
    pub(super) const fn dashes(self) -> &'static [f64] {
        match self {
            Pattern::Solid => &[],
            Pattern::Dashed => &[20.0, 11.0],
            Pattern::Dotted => &[5.0, 9.0],
            Pattern::DashDotted => &[22.0, 9.0, 5.0, 9.0],
        }
    }
}

/// The shape drawn at the points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle on its base.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A cross.
    Cross,
}

/// The mark of an arm, the same in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The family of its network.
    pub family: Family,
    /// Lightness of the family's colour.
    pub shade: Shade,
    /// Dashes or hatching.
    pub pattern: Pattern,
    /// Shape of its points.
    pub marker: Marker,
}

impl Mark {
    /// The mark of a family's plain member.
    pub const fn of(family: Family) -> Self {
        Mark { family, shade: Shade::Full, pattern: Pattern::Solid, marker: Marker::Circle }
    }

    /// The family's colour in its shade.
    pub(super) fn colour(self) -> RGBColor {
        let share = match self.shade {
            Shade::Full => 1.0,
            Shade::Pale => 0.6,
            Shade::Paler => 0.38,
        };
        tint(self.family.colour(), share)
    }

    /// The family's full colour, for text and outlines, which must not be pale.
    pub(super) const fn outline(self) -> RGBColor {
        self.family.colour()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palette::color_difference::Ciede2000;
    use palette::{IntoColor, Lab, LinSrgb, Srgb};

    /// Deuteranopia in linear RGB: Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of
    /// color vision deficiency", severity 1.
    const DEUTERANOPIA: [[f32; 3]; 3] =
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]];

    /// CIEDE2000 difference of two colours, as seen by a deuteranope or not.
    fn difference(left: RGBColor, right: RGBColor, deuteranope: bool) -> f32 {
        let seen = |RGBColor(r, g, b): RGBColor| -> Lab {
            let linear: LinSrgb<f32> = Srgb::new(r, g, b).into_format::<f32>().into_linear();
            let linear = if deuteranope {
                let rgb = [linear.red, linear.green, linear.blue];
                let [r, g, b] = DEUTERANOPIA
                    .map(|row| row.iter().zip(rgb).map(|(a, x)| a * x).sum::<f32>().clamp(0.0, 1.0));
                LinSrgb::new(r, g, b)
            } else {
                linear
            };
            linear.into_color()
        };
        seen(left).difference(seen(right))
    }

    /// A CIEDE2000 difference of 1 is just noticeable beside each other; 10 is seen at a glance.
    #[test]
    fn families_differ_for_everybody() {
        for (index, left) in Family::ALL.into_iter().enumerate() {
            for right in &Family::ALL[..index] {
                for deuteranope in [false, true] {
                    let difference = difference(left.colour(), right.colour(), deuteranope);
                    assert!(difference > 15.0, "{left:?}, {right:?}, {deuteranope}: {difference}");
                }
            }
            let white = difference(left.colour(), RGBColor(255, 255, 255), true);
            assert!(white > 20.0, "{left:?} on white: {white}");
        }
    }

    /// The test's own measure: red and green that deuteranopes confuse are far apart for others.
    #[test]
    fn deuteranopia_is_simulated() {
        let (red, green) = (RGBColor(0xd5, 0x5e, 0x00), RGBColor(0x90, 0x84, 0x00));
        assert!(difference(red, green, true) < 12.0);
        assert!(difference(red, green, false) > 25.0);
    }

    #[test]
    fn shades_of_the_figures_own_families_differ_for_everybody() {
        let families = [Family::Flat, Family::SoftMoe, Family::ExpertChoice, Family::Tokenized];
        let shades = [Shade::Full, Shade::Pale, Shade::Paler];
        let marks: Vec<Mark> = families
            .into_iter()
            .flat_map(|family| shades.map(|shade| Mark { shade, ..Mark::of(family) }))
            .collect();
        for (index, left) in marks.iter().enumerate() {
            for right in &marks[..index] {
                for deuteranope in [false, true] {
                    let difference = difference(left.colour(), right.colour(), deuteranope);
                    assert!(difference > 5.0, "{left:?}, {right:?}, {deuteranope}: {difference}");
                }
            }
        }
    }
}
