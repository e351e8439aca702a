//! The networks that a configuration can name: one table from their parts to concrete types.

use crate::AgentError;
use dfdx::shapes::Const;
use softmoe_nets::layers::{CategoricalHead, Conv2d, Dense, ExpertChoice, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::{BoxedNetwork, Builder, ExpertSettings, Layer, Network};
use softmoe_spec::{BodySpec, EncoderSpec, NetworkSpec, RainbowConfig, SlotsSpec};

/// Atoms of the return distribution.
pub const ATOMS: usize = 51;

/// MinAtar's encoder: one 3x3 convolution of 16 channels, no padding, and ReLU.
type MinAtarEncoder = (Conv2d<Const<8>, Const<8>, Const<16>, 3, 1>, Relu);
/// A sample of MinAtar: 10x10 pixels, of as many channels as the game has.
type MinAtarShape = (usize, Const<10>, Const<10>, usize);

/// What the layers of a categorical network need to know.
#[derive(Clone, Copy, Debug)]
struct HeadSettings {
    actions: usize,
    noisy: bool,
    dueling: bool,
}

/// The categorical network of `spec`, for observations of `shape` (height, width, channels) and a number of
/// actions. Its output is (actions, [`ATOMS`]).
///
/// # Errors
/// If no such network was compiled in ([`AgentError::UnknownNetwork`] lists those that were), or if the agent asks
/// for another number of atoms.
pub fn categorical(
    spec: &NetworkSpec,
    agent: &RainbowConfig,
    shape: [usize; 3],
    actions: usize,
) -> Result<Box<dyn Network>, AgentError> {
    if agent.atoms != ATOMS {
        let (given, allowed) =
            (agent.atoms.to_string(), format!("{ATOMS}, which the networks are compiled for"));
        return Err(AgentError::Setting { setting: "agent.atoms", given, allowed });
    }
    let EncoderSpec::MinAtar = spec.encoder;
    let [height, width, channels] = shape;
    if [height, width] != [10, 10] {
        let (given, allowed) = (format!("minatar for {height}x{width} pixels"), "for 10x10 pixels".into());
        return Err(AgentError::Setting { setting: "network.encoder", given, allowed });
    }
    let head = HeadSettings { actions, noisy: agent.noisy, dueling: agent.dueling };
    let hidden = |scale: f64| ((spec.hidden as f64 * scale).round() as usize).max(1);
    match spec.body {
        BodySpec::Flat { scale, extra_layers: 0 } => Ok(flat(channels, hidden(scale), head)),
        BodySpec::Flat { scale, extra_layers: 1 } => Ok(flat_of_two(channels, hidden(scale), head)),
        BodySpec::Flat { .. } => Err(unknown(spec)),
        BodySpec::SoftMoe { experts, slots, scale, extra_layers } => {
            let settings = ExpertSettings { hidden: hidden(scale), extra_layers, noisy: agent.noisy };
            match (experts, slots) {
                (1, _) => Ok(soft_moe::<1, 64>(channels, settings, head)),
                (2, SlotsSpec::TokensOverExperts) => Ok(soft_moe::<2, 32>(channels, settings, head)),
                (4, SlotsSpec::TokensOverExperts) => Ok(soft_moe::<4, 16>(channels, settings, head)),
                (8, SlotsSpec::TokensOverExperts) => Ok(soft_moe::<8, 8>(channels, settings, head)),
                (4, SlotsSpec::Tokens) => Ok(soft_moe::<4, 64>(channels, settings, head)),
                _ => Err(unknown(spec)),
            }
        }
        BodySpec::ExpertChoice { experts, slots, scale } => {
            let settings = ExpertSettings { hidden: hidden(scale), extra_layers: 0, noisy: agent.noisy };
            match (experts, slots) {
                (1, _) => Ok(expert_choice::<1, 64>(channels, settings, head)),
                (4, SlotsSpec::TokensOverExperts) => Ok(expert_choice::<4, 16>(channels, settings, head)),
                (4, SlotsSpec::Tokens) => Ok(expert_choice::<4, 64>(channels, settings, head)),
                _ => Err(unknown(spec)),
            }
        }
    }
}

/// The error for a body that is not in the table above, which [`BodySpec::is_compiled`] repeats.
fn unknown(spec: &NetworkSpec) -> AgentError {
    AgentError::UnknownNetwork { given: spec.body.to_string(), known: BodySpec::COMPILED.into() }
}

fn encoder(builder: &mut Builder, channels: usize) -> MinAtarEncoder {
    (Conv2d::new(builder, "encoder", channels, (Const, Const, Const)), Relu)
}

fn head<F: softmoe_nets::Size>(
    builder: &mut Builder,
    features: F,
    settings: HeadSettings,
) -> CategoricalHead<F, Const<ATOMS>> {
    let HeadSettings { actions, noisy, dueling } = settings;
    if dueling {
        CategoricalHead::dueling(builder, "head", features, actions, Const, noisy)
    } else {
        CategoricalHead::plain(builder, "head", features, actions, Const, noisy)
    }
}

fn boxed<L>(builder: Builder, layer: L, channels: usize) -> Box<dyn Network>
where
    L: Layer<MinAtarShape> + 'static,
{
    Box::new(BoxedNetwork::new(builder, layer, move |batch| -> MinAtarShape {
        (batch, Const, Const, channels)
    }))
}

/// Flatten, dense, ReLU.
fn flat(channels: usize, hidden: usize, settings: HeadSettings) -> Box<dyn Network> {
    let mut builder = Builder::new();
    let b = &mut builder;
    let layer = (
        encoder(b, channels),
        Flatten(Const::<1024>),
        Dense::new(b, "hidden", Const::<1024>, hidden, settings.noisy),
        Relu,
        head(b, hidden, settings),
    );
    boxed(builder, layer, channels)
}

/// Flatten, dense, ReLU, dense, ReLU.
fn flat_of_two(channels: usize, hidden: usize, settings: HeadSettings) -> Box<dyn Network> {
    let mut builder = Builder::new();
    let b = &mut builder;
    let layer = (
        encoder(b, channels),
        Flatten(Const::<1024>),
        Dense::new(b, "hidden", Const::<1024>, hidden, settings.noisy),
        Relu,
        Dense::new(b, "hidden_1", hidden, hidden, settings.noisy),
        Relu,
        head(b, hidden, settings),
    );
    boxed(builder, layer, channels)
}

/// PerConv tokens, a soft mixture of `N` experts of `P` slots each, flatten.
fn soft_moe<const N: usize, const P: usize>(
    channels: usize,
    experts: ExpertSettings,
    settings: HeadSettings,
) -> Box<dyn Network> {
    let mut builder = Builder::new();
    let b = &mut builder;
    let sizes = (Const::<64>, Const::<16>, Const::<N>, Const::<P>);
    let layer = (
        encoder(b, channels),
        PerConv(Const::<64>),
        SoftMoe::new(b, "soft_moe", sizes, experts),
        Flatten(Const::<1024>),
        head(b, Const::<1024>, settings),
    );
    boxed(builder, layer, channels)
}

/// PerConv tokens, `N` experts that choose `P` tokens each, flatten.
fn expert_choice<const N: usize, const P: usize>(
    channels: usize,
    experts: ExpertSettings,
    settings: HeadSettings,
) -> Box<dyn Network> {
    let mut builder = Builder::new();
    let b = &mut builder;
    let sizes = (Const::<64>, Const::<16>, Const::<N>, Const::<P>);
    let layer = (
        encoder(b, channels),
        PerConv(Const::<64>),
        ExpertChoice::new(b, "expert_choice", sizes, experts),
        Flatten(Const::<1024>),
        head(b, Const::<1024>, settings),
    );
    boxed(builder, layer, channels)
}
