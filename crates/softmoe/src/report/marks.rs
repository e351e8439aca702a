//! The mark of an arm: it follows from the arm's network and intervention, so that it is the same in every figure.

use crate::plot::{Family, Mark, Marker, Pattern, Shade};
use softmoe_config::{
    Algorithm, Arm, BodySpec, ExpertSpec, InterventionSpec, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec,
    SlotsSpec, TokensSpec,
};

/// The mark of `arm`: the family's colour, paler for other widths; markers by the number of experts or the pooling; patterns by
/// everything else.
pub(super) fn mark(arm: &Arm) -> Mark {
    let shade = match arm.body.scale() {
        1.0 => Shade::Full,
        scale if scale > 1.0 && scale < 8.0 => Shade::Pale,
        _ => Shade::Paler,
    };
    let of_agent = arm.agent.map_or(0, of_agent);
    let of_encoder = usize::from(arm.encoder.is_some());
    let variant =
        of_body(&arm.body) + of_agent + of_encoder + arm.intervention.as_ref().map_or(0, of_intervention);
    let pattern = Pattern::ALL[variant % Pattern::ALL.len()];
    Mark { family: family(&arm.body), shade, pattern, marker: marker(&arm.body) }
}

fn family(body: &BodySpec) -> Family {
    match body {
        BodySpec::Flat { .. } => Family::Flat,
        BodySpec::SoftMoe { .. } => Family::SoftMoe,
        BodySpec::ExpertChoice { .. } => Family::ExpertChoice,
        BodySpec::TopK { .. } => Family::TopK,
        BodySpec::Tokenized { .. } => Family::Tokenized,
        BodySpec::GlobalAveragePooling { .. } => Family::GlobalAveragePooling,
        BodySpec::Simplicial { .. } => Family::Simplicial,
        BodySpec::DeviceOnly { .. } => Family::Other,
    }
}

fn marker(body: &BodySpec) -> Marker {
    match *body {
        BodySpec::SoftMoe { experts, .. }
        | BodySpec::ExpertChoice { experts, .. }
        | BodySpec::TopK { experts, .. } => match experts {
            1 => Marker::Circle,
            2 => Marker::Square,
            4 => Marker::Triangle,
            8 => Marker::Diamond,
            _ => Marker::Cross,
        },
        BodySpec::Tokenized { pool: PoolSpec::Sum, .. } => Marker::Square,
        BodySpec::Simplicial { version: SimplicialSpec::V2, .. } => Marker::Square,
        _ => Marker::Circle,
    }
}

/// A number for the ways, other than width and experts, in which a body differs from the plain one of its family.
fn of_body(body: &BodySpec) -> usize {
    let deeper = |layers: usize| 2 * layers.min(1);
    match *body {
        BodySpec::Flat { extra_layers, .. } => deeper(extra_layers),
        BodySpec::SoftMoe {
            slots,
            tokens,
            extra_layers,
            expert_type,
            normalised,
            random_phi,
            dispatch,
            combine,
            bottleneck,
            residual,
            ..
        } => {
            let uniform = [dispatch, combine].contains(&MixingSpec::Uniform);
            of_slots(slots)
                + of_tokens(tokens)
                + deeper(extra_layers)
                + usize::from(normalised || random_phi)
                + 2 * usize::from(uniform)
                + 2 * usize::from(residual)
                + 3 * usize::from(bottleneck || expert_type == ExpertSpec::Big)
        }
        BodySpec::ExpertChoice { slots, tokens, extra_layers, bottleneck, .. } => {
            of_slots(slots) + of_tokens(tokens) + deeper(extra_layers) + 3 * usize::from(bottleneck)
        }
        BodySpec::TopK { k, importance_loss, load_loss, tokens, extra_layers, bottleneck, .. } => {
            let balanced = importance_loss > 0.0 || load_loss > 0.0;
            of_tokens(tokens)
                + deeper(extra_layers)
                + usize::from(k > 1)
                + 2 * usize::from(balanced)
                + 3 * usize::from(bottleneck)
        }
        BodySpec::Tokenized { relu, tokens, .. } => of_tokens(tokens) + usize::from(relu == ReluSpec::After),
        BodySpec::DeviceOnly { tokens, .. } => of_tokens(tokens),
        BodySpec::GlobalAveragePooling { .. } | BodySpec::Simplicial { .. } => 0,
    }
}

fn of_slots(slots: SlotsSpec) -> usize {
    match slots {
        SlotsSpec::TokensOverExperts => 0,
        SlotsSpec::Tokens => 1,
        SlotsSpec::Fraction(_) => 2,
        SlotsSpec::Count(_) => 3,
    }
}

fn of_tokens(tokens: TokensSpec) -> usize {
    match tokens {
        TokensSpec::PerConv => 0,
        TokensSpec::PerPatch | TokensSpec::PerPatchAverage => 1,
        TokensSpec::PerFeature | TokensSpec::PerSample => 2,
        TokensSpec::Shuffled => 3,
    }
}

fn of_agent(agent: Algorithm) -> usize {
    match agent {
        Algorithm::Rainbow => 0,
        Algorithm::Der => 1,
        Algorithm::Dqn => 2,
    }
}

fn of_intervention(intervention: &InterventionSpec) -> usize {
    match intervention {
        InterventionSpec::None => 0,
        InterventionSpec::Redo { .. } => 1,
        InterventionSpec::RandomReset { .. } => 2,
        InterventionSpec::ShrinkAndPerturb { .. } => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Mark {
        mark(&Arm { body: body.parse().unwrap(), ..arm() })
    }

    fn arm() -> Arm {
        softmoe_config::file::parse(
            std::path::Path::new("arm.ron"),
            "(name: \"flat\", label: \"flat\", body: flat())",
        )
        .unwrap()
    }

    #[test]
    fn families_have_colours_and_variants_have_shades_and_patterns() {
        assert_eq!(of("flat()"), Mark::of(Family::Flat));
        assert_eq!(of("soft_moe(experts: 1)"), Mark::of(Family::SoftMoe));
        assert_eq!(of("flat(scale: 4)"), Mark { shade: Shade::Pale, ..Mark::of(Family::Flat) });
        let plain = of("soft_moe(experts: 4)");
        assert_eq!(plain.marker, Marker::Triangle);
        assert_eq!(of("soft_moe(experts: 4, slots: tokens)"), Mark { pattern: Pattern::Dashed, ..plain });
        assert_eq!(of("expert_choice(experts: 4)"), Mark { family: Family::ExpertChoice, ..plain });
    }

    /// The variants of SoftMoE that one figure compares.
    #[test]
    fn variants_of_a_family_differ() {
        let figures: [&[&str]; 5] = [
            &["", "slots: tokens", "scale: 0.25", "scale: 4", "extra_layers: 1"],
            &["", "tokens: per_patch", "tokens: per_feature", "tokens: shuffled"],
            &["slots: tokens", "slots: fraction(0.1)", "slots: count(1)"],
            &["", "random_phi: true", "dispatch: uniform, combine: uniform", "bottleneck: true"],
            &["", "scale: 4", "scale: 8"],
        ];
        for figure in figures {
            let mut marks: Vec<Mark> =
                figure.iter().map(|fields| of(&format!("soft_moe(experts: 4, {fields})"))).collect();
            marks.extend([1, 2, 8].map(|experts| of(&format!("soft_moe(experts: {experts})"))));
            for (index, mark) in marks.iter().enumerate() {
                assert!(!marks[..index].contains(mark), "{figure:?}: {mark:?}");
            }
        }
    }
}
