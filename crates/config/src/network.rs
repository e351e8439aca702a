//! The network of a run: encoder, body, sizes; with a head and an observation, an architecture.

use crate::body::{BodySpec, EncoderSizes};
use crate::check::Check;
use crate::{ConfigError, file};
use serde::{Deserialize, Serialize};
use softmoe_env::{Element, MOST_ACTIONS};
use std::fmt;
use std::str::FromStr;

/// Network of a run: encoder, body and sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The encoder, which maps an observation to a feature map.
    pub encoder: EncoderSpec,
    /// The body, between the feature map and the head: the paper's penultimate layer.
    pub body: BodySpec,
    /// Hidden width before an arm's `scale` (Atari 512, MinAtar 128).
    pub hidden: usize,
}

/// Widest hidden layer: 16 times Atari's.
const WIDEST: u64 = 8_192;
/// Largest factor on the Impala encoder's channels.
const WIDEST_ENCODER: u64 = 16;

impl NetworkSpec {
    /// Notes the values that make no sense.
    pub(crate) fn check(&self, check: &mut Check) {
        let NetworkSpec { encoder, body, hidden } = self;
        check.count("network.hidden", *hidden as u64, WIDEST, encoder.usual_hidden() as u64);
        match *encoder {
            EncoderSpec::Impala { width } => {
                check.count("network.encoder.width", width as u64, WIDEST_ENCODER, 1);
            }
            EncoderSpec::Dense { width } => {
                check.count("network.encoder.width", width as u64, WIDEST, sixty_four() as u64);
            }
            EncoderSpec::MinAtar
            | EncoderSpec::MinAtarDeep
            | EncoderSpec::MinAtarResidual { .. }
            | EncoderSpec::Nature => {}
        }
        let scale = body.scale();
        let width = scale * *hidden as f64;
        check.that(
            width >= 1.0 && width.fract() == 0.0 && width <= WIDEST as f64,
            "network.body.scale",
            scale,
            &format!("a factor that makes hidden = {hidden} a whole width between 1 and {WIDEST}"),
            1,
        );
        body.check(
            check,
            EncoderSizes {
                feature_map: encoder.feature_map(),
                pixels: encoder.pixels(),
                smallest_image: if *encoder == EncoderSpec::MinAtar { 9 } else { 1 },
            },
        );
    }

    /// The hidden width of the body: `hidden` times its scale.
    pub fn scaled_hidden(&self) -> usize {
        ((self.hidden as f64 * self.body.scale()).round() as usize).max(1)
    }
}

/// Encoder of observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum EncoderSpec {
    /// One 3x3 VALID convolution of 16 channels and ReLU: 10x10 -> 8x8x16 (MinAtar's DQN).
    #[serde(rename = "minatar")]
    MinAtar,
    /// Three SAME convolutions, 8x8 stride 4, 4x4 stride 2 and 3x3: 84x84 -> 11x11x64 (Mnih et al. 2015).
    Nature,
    /// Three residual stages of 16, 32 and 32 channels: 84x84 -> 11x11x32 (Espeholt et al. 2018, arXiv 1802.01561).
    Impala {
        /// Factor on the channels of every stage (1 if left out).
        #[serde(default = "one")]
        width: usize,
    },
    /// One dense layer and ReLU over a vector: 1x1 pixel of n channels -> 1x1xwidth.
    Dense {
        /// Outputs of the layer (64 if left out).
        #[serde(default = "sixty_four")]
        width: usize,
    },
    /// Three 3x3 SAME convolutions of 32 channels, each with a ReLU: 10x10 -> 10x10x32. Ours, for MinAtar: MinAtar's own
    /// kernel, three times.
    #[serde(rename = "minatar_deep")]
    MinAtarDeep,
    /// One residual stage of Impala's with 32 channels, for MinAtar: 10x10 -> 5x5x32, without pooling 10x10x32 (ours, after
    /// Espeholt et al. 2018, arXiv 1802.01561).
    #[serde(rename = "minatar_residual")]
    MinAtarResidual {
        /// Whether the stage halves height and width, as in Impala (if left out, it does).
        #[serde(default = "yes")]
        pooling: bool,
    },
}

/// Channels of the deeper encoders for MinAtar: those of Impala's last stage.
pub(crate) const DEEP_CHANNELS: usize = 32;

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn sixty_four() -> usize {
    64
}

impl EncoderSpec {
    /// The encoders' names.
    pub const NAMES: [&str; 6] = ["minatar", "minatar_deep", "minatar_residual", "nature", "impala", "dense"];

    /// Height and width of the observations.
    pub const fn pixels(self) -> [usize; 2] {
        match self {
            EncoderSpec::MinAtar | EncoderSpec::MinAtarDeep | EncoderSpec::MinAtarResidual { .. } => [10, 10],
            EncoderSpec::Nature | EncoderSpec::Impala { .. } => [84, 84],
            EncoderSpec::Dense { .. } => [1, 1],
        }
    }

    /// The kind of the values that it reads: Atari's grey levels divided by 255, as in the release; MinAtar's zeros and ones
    /// as they are; a vector's floats.
    pub const fn element(self) -> Element {
        match self {
            EncoderSpec::MinAtar | EncoderSpec::MinAtarDeep | EncoderSpec::MinAtarResidual { .. } => {
                Element::Byte { scale: 1 }
            }
            EncoderSpec::Nature | EncoderSpec::Impala { .. } => Element::Byte { scale: u8::MAX },
            EncoderSpec::Dense { .. } => Element::Float,
        }
    }

    /// Notes a problem if the encoder does not take observations of these pixels.
    pub(crate) fn check_pixels(self, check: &mut Check, [height, width]: [usize; 2]) {
        let takes = self.pixels();
        let rule = format!(
            "one that takes observations of {height}x{width} pixels, not of {}x{}",
            takes[0], takes[1]
        );
        let instead = match height {
            1 => EncoderSpec::Dense { width: sixty_four() },
            2..84 => EncoderSpec::MinAtar,
            _ => EncoderSpec::Nature,
        };
        check.that(takes == [height, width], "network.encoder", self, &rule, instead);
    }

    /// Height, width and channels of the feature map.
    pub const fn feature_map(self) -> [usize; 3] {
        match self {
            EncoderSpec::MinAtar => [8, 8, 16],
            EncoderSpec::Nature => [11, 11, 64],
            EncoderSpec::Impala { width } => [11, 11, 32 * width],
            EncoderSpec::Dense { width } => [1, 1, width],
            EncoderSpec::MinAtarDeep | EncoderSpec::MinAtarResidual { pooling: false } => {
                [10, 10, DEEP_CHANNELS]
            }
            EncoderSpec::MinAtarResidual { pooling: true } => [5, 5, DEEP_CHANNELS],
        }
    }

    /// The usual hidden width with this encoder: 512 on Atari's observations, 128 on MinAtar's.
    pub const fn usual_hidden(self) -> usize {
        match self {
            EncoderSpec::Dense { .. } => 64,
            EncoderSpec::MinAtar | EncoderSpec::MinAtarDeep | EncoderSpec::MinAtarResidual { .. } => 128,
            EncoderSpec::Nature | EncoderSpec::Impala { .. } => 512,
        }
    }
}

/// As in a file, e.g. `minatar` or `impala(width:1)`.
impl fmt::Display for EncoderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// As in a file; `impala` is `impala()`.
impl FromStr for EncoderSpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("encoder", text)
    }
}

/// The head of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum HeadSpec {
    /// Logits of the atoms of every action's return (Bellemare et al. 2017, arXiv 1707.06887).
    Categorical {
        /// Atoms of the distribution.
        atoms: usize,
        /// Separate value and advantage streams (Wang et al. 2016, arXiv 1511.06581).
        dueling: bool,
        /// Whether the dense layers of the whole network, apart from experts' outputs, are noisy.
        noisy: bool,
    },
    /// Every action's value.
    Q {
        /// As for `Categorical`.
        dueling: bool,
        /// As for `Categorical`.
        noisy: bool,
    },
}

impl HeadSpec {
    /// Whether the network's dense layers are noisy.
    pub const fn noisy(self) -> bool {
        match self {
            HeadSpec::Categorical { noisy, .. } | HeadSpec::Q { noisy, .. } => noisy,
        }
    }

    /// Whether value and advantage are separate streams.
    pub const fn dueling(self) -> bool {
        match self {
            HeadSpec::Categorical { dueling, .. } | HeadSpec::Q { dueling, .. } => dueling,
        }
    }

    /// Outputs of the head for each action: atoms, or one value.
    pub const fn values(self) -> usize {
        match self {
            HeadSpec::Categorical { atoms, .. } => atoms,
            HeadSpec::Q { .. } => 1,
        }
    }
}

/// In words, e.g. `dueling, noisy, categorical with 51 atoms`.
impl fmt::Display for HeadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dueling = if self.dueling() { "dueling, " } else { "" };
        let noisy = if self.noisy() { "noisy, " } else { "" };
        match self {
            HeadSpec::Categorical { atoms, .. } => {
                write!(f, "{dueling}{noisy}categorical with {atoms} atoms")
            }
            HeadSpec::Q { .. } => write!(f, "{dueling}{noisy}of one value an action"),
        }
    }
}

/// Architecture of a network: everything that decides its layers and the shapes of its parameters.
///
/// ```
/// use softmoe_config::Architecture;
///
/// let text = "(network: (encoder: impala(), body: soft_moe(experts: 4), hidden: 512), \
///              head: categorical(atoms: 51, dueling: true, noisy: true), observation: (84, 84, 4), actions: 18)";
/// let architecture: Architecture = text.parse()?;
/// assert_eq!(architecture.to_string().parse::<Architecture>()?, architecture);
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Encoder, body, sizes.
    pub network: NetworkSpec,
    /// The head, and whether layers are noisy.
    pub head: HeadSpec,
    /// Height, width and channels of an observation.
    pub observation: [usize; 3],
    /// Number of actions.
    pub actions: usize,
    /// Seed of the permutation of shuffled tokens (unused by others).
    #[serde(default)]
    pub permutation_seed: u64,
}

/// Most channels of an observation.
const MOST_CHANNELS: u64 = 1_024;

impl Architecture {
    /// Whether the sizes fit together.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] with every value that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::default();
        self.network.check(&mut check);
        let [height, width, channels] = self.observation;
        self.network.encoder.check_pixels(&mut check, [height, width]);
        check.count("observation's number of channels", channels as u64, MOST_CHANNELS, 4);
        check.count("actions", self.actions as u64, MOST_ACTIONS as u64, 6);
        check.finish("the network")
    }
}

/// As RON in one line.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// From RON.
impl FromStr for Architecture {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("architecture", text)
    }
}
