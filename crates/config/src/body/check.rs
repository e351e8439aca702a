//! Rules of a body's values.

use super::{BodySpec, ExpertSpec, MixingSpec, SimplicialSpec, SlotsSpec, TokensSpec};
use crate::check::Check;

/// Most hidden layers beyond the first.
const DEEPEST: u64 = 16;
/// Most experts of a mixture, and groups of a simplicial embedding: 32 times the paper's.
const MOST_EXPERTS: u64 = 256;
/// Largest initial scale of normalised logits. They lie between the scale and its negative: beyond 100, a softmax of single precision has
/// weights of one and zero only.
const LARGEST_SCALE: f64 = 100.0;
/// Most slots of an expert: eight times the tokens of the Impala encoder.
const MOST_SLOTS: u64 = 1_024;
/// Most weights of a mixture in a sample, tokens x experts x slots: half a gigabyte in a batch of 32.
const MOST_WEIGHTS: usize = 1 << 22;
/// Largest capacity factor of an expert that tokens choose.
const LARGEST_CAPACITY: f64 = 64.0;
/// Largest number of a body that has only a device forward: the device engine alone knows the body's own rules.
const LARGEST_NUMBER: f64 = 1_024.0;

/// The encoder before a body, on which the body's rules depend.
pub(crate) struct EncoderSizes {
    /// Height, width and channels of the feature map.
    pub(crate) feature_map: [usize; 3],
    /// Height and width of an observation.
    pub(crate) pixels: [usize; 2],
    /// Pixels of the smallest image that the encoder reads.
    pub(crate) smallest_image: usize,
}

impl BodySpec {
    /// Notes the values that make no sense after an encoder of these sizes.
    pub(crate) fn check(&self, check: &mut Check, encoder: EncoderSizes) {
        let tokens = self.tokens().unwrap_or_default().sizes(encoder.feature_map).0;
        match *self {
            BodySpec::Flat { extra_layers, .. } => layers(check, extra_layers),
            BodySpec::SoftMoe { expert_type: ExpertSpec::Big, .. } => self.check_big(check, encoder),
            BodySpec::SoftMoe { experts: n, slots: p, extra_layers, normalised, initial_scale, .. } => {
                experts(check, n);
                slots(check, p, tokens, n, MOST_SLOTS);
                layers(check, extra_layers);
                let key = "network.body.initial_scale";
                let holds = initial_scale > 0.0 && initial_scale <= LARGEST_SCALE;
                check.that(holds, key, initial_scale, &format!("above 0 and at most {LARGEST_SCALE}"), "1.0");
                let rule = "1 in a mixture that is not normalised (`normalised: true`), which has no scale";
                check.that(!holds || normalised || initial_scale == 1.0, key, initial_scale, rule, "1.0");
            }
            BodySpec::ExpertChoice { experts: n, slots: p, extra_layers, .. } => {
                experts(check, n);
                slots(check, p, tokens, n, tokens as u64);
                layers(check, extra_layers);
            }
            BodySpec::TopK {
                experts: n,
                k,
                capacity_factor,
                importance_loss,
                load_loss,
                extra_layers,
                ..
            } => {
                experts(check, n);
                check.count("network.body.k", k as u64, n.max(1) as u64, 1);
                check.that(
                    capacity_factor > 0.0 && capacity_factor <= LARGEST_CAPACITY,
                    "network.body.capacity_factor",
                    capacity_factor,
                    &format!("above 0 and at most {LARGEST_CAPACITY}"),
                    1,
                );
                check.not_negative("network.body.importance_loss", importance_loss, 0.0);
                check.not_negative("network.body.load_loss", load_loss, 0.0);
                layers(check, extra_layers);
            }
            BodySpec::Tokenized { .. } | BodySpec::GlobalAveragePooling { .. } => {}
            BodySpec::DeviceOnly { body, .. } => {
                for (name, number) in body.numbers() {
                    let holds = number.is_finite() && number.abs() <= LARGEST_NUMBER;
                    let rule = format!("at most {LARGEST_NUMBER}");
                    check.that(holds, &format!("network.body.body.{name}"), number, &rule, 1);
                }
            }
            BodySpec::Simplicial { version, groups, temperature, .. } => {
                let key = "network.body.groups";
                check.count(key, groups as u64, MOST_EXPERTS, 4);
                let holds = version == SimplicialSpec::V2 || groups == 1;
                check.that(holds, key, groups, "1 in version v1, whose softmax has no groups", 1);
                check.positive("network.body.temperature", temperature, 0.1);
            }
        }
    }

    /// A mixture whose experts begin with an encoder: its slots are images that the encoder can read.
    fn check_big(&self, check: &mut Check, encoder: EncoderSizes) {
        let BodySpec::SoftMoe {
            experts: n,
            slots: p,
            tokens,
            extra_layers,
            normalised,
            random_phi,
            dispatch,
            combine,
            residual,
            initial_scale,
            ..
        } = *self
        else {
            return;
        };
        let EncoderSizes { pixels: [height, width], smallest_image, .. } = encoder;
        experts(check, n);
        slots(check, p, height * width, n, MOST_SLOTS);
        layers(check, extra_layers);
        check.that(
            p.count(height * width, n) >= smallest_image,
            "network.body.slots",
            p,
            "9 or more, for experts' images of at least the 3x3 pixels that MinAtar's encoder reads",
            "'count(25)'",
        );
        let plain = !normalised
            && !random_phi
            && !residual
            && initial_scale == 1.0
            && (dispatch, combine) == (MixingSpec::Learned, MixingSpec::Learned)
            && tokens == TokensSpec::PerConv;
        let rule = "small in a mixture that is normalised, residual, a control, or over other tokens than `per_conv`";
        check.that(plain, "network.body.expert_type", "big", rule, "small");
    }
}

fn experts(check: &mut Check, experts: usize) {
    check.count("network.body.experts", experts as u64, MOST_EXPERTS, 4);
}

fn layers(check: &mut Check, layers: usize) {
    let key = "network.body.extra_layers";
    check.that(layers as u64 <= DEEPEST, key, layers, &format!("at most {DEEPEST}"), 1);
}

/// At least one slot an expert and at most `most`, and not more than a batch has memory for.
fn slots(check: &mut Check, slots: SlotsSpec, tokens: usize, experts: usize, most: u64) {
    let key = "network.body.slots";
    match slots {
        SlotsSpec::Fraction(fraction) => {
            let holds = fraction > 0.0 && fraction <= 1.0;
            check.that(holds, key, slots, "a fraction above 0 and at most 1", "'fraction(0.1)'");
        }
        SlotsSpec::Count(count) => {
            let holds = (1..=most).contains(&(count as u64));
            check.that(holds, key, slots, &format!("a count between 1 and {most}"), "tokens_over_experts");
        }
        SlotsSpec::TokensOverExperts | SlotsSpec::Tokens => {}
    }
    let weights = slots.count(tokens, experts).saturating_mul(experts).saturating_mul(tokens);
    check.that(
        weights <= MOST_WEIGHTS || experts as u64 > MOST_EXPERTS,
        key,
        slots,
        &format!(
            "fewer: {tokens} tokens in {} slots of {experts} experts are {weights} weights a sample, of at most \
             {MOST_WEIGHTS}",
            slots.count(tokens, experts)
        ),
        "'count(9)'",
    );
}
