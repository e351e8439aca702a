//! The verdict on the figure's claim, by the rules that the experiment fixed before any run.

use super::judgement::{Judgement, Outcome, judge, with_family};
use crate::normalise::Normalisation;
use softmoe_config::{Experiment, Profile};

/// Verdict on a figure: the judgements of its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The paper's claim.
    pub claim: String,
    /// The premise, if the claim has one.
    pub premise: Option<Judgement>,
    /// Each rule.
    pub judgements: Vec<Judgement>,
    /// The whole claim.
    pub outcome: Outcome,
}

impl Verdict {
    /// Judges the rules of `experiment` for `profile` by normalised scores.
    ///
    /// Without a supported premise the claim is not applicable; otherwise it is contradicted if a rule is, supported if
    /// every rule is, not judged if no rule was, and inconclusive otherwise.
    pub fn judge(experiment: &Experiment, profile: &Profile, normalisation: &Normalisation) -> Self {
        let judge = |rule| judge(experiment, rule, normalisation);
        let premise = experiment.premise.as_ref().map(judge);
        let judgements = with_family(experiment.rules_for(profile).map(judge).collect());
        let outcomes: Vec<Outcome> = judgements.iter().map(|judgement| judgement.outcome).collect();
        let outcome = overall(premise.as_ref(), &outcomes);
        Verdict { claim: experiment.claim.clone(), premise, judgements, outcome }
    }

    /// The outcome, with its reason where the claim does not apply: `not applicable at this size: there is no gain to explain`.
    pub fn sentence(&self) -> String {
        match self.outcome {
            Outcome::NotApplicable => "not applicable at this size: there is no gain to explain".to_owned(),
            outcome => outcome.to_string(),
        }
    }
}

fn overall(premise: Option<&Judgement>, outcomes: &[Outcome]) -> Outcome {
    match premise {
        // Without an interval nothing is known of the gain.
        Some(premise) if premise.p_value.is_none() => return Outcome::NotJudged,
        Some(premise) if premise.outcome != Outcome::Supported => return Outcome::NotApplicable,
        _ => {}
    }
    let all = |outcome| outcomes.iter().all(|part| *part == outcome);
    if outcomes.contains(&Outcome::Contradicted) {
        Outcome::Contradicted
    } else if all(Outcome::NotJudged) {
        Outcome::NotJudged
    } else if all(Outcome::Supported) {
        Outcome::Supported
    } else {
        Outcome::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Contradicted, Inconclusive, NotApplicable, NotJudged, Supported};

    #[test]
    fn the_whole_follows_its_parts() {
        let of = |outcomes: &[Outcome]| overall(None, outcomes);
        assert_eq!(of(&[Supported, Supported]), Supported);
        assert_eq!(of(&[Supported, Contradicted, NotJudged]), Contradicted);
        assert_eq!(of(&[Supported, Inconclusive]), Inconclusive);
        assert_eq!(of(&[Supported, NotJudged]), Inconclusive);
        assert_eq!(of(&[NotJudged, NotJudged]), NotJudged);
        assert_eq!(of(&[]), NotJudged);
    }

    #[test]
    fn without_its_premise_a_claim_does_not_apply() {
        let premise = |outcome| Judgement { outcome, p_value: Some(0.5), ..Judgement::unknown() };
        let of = |premise: Judgement| overall(Some(&premise), &[Supported, Contradicted]);
        assert_eq!(of(premise(Supported)), Contradicted);
        assert_eq!(of(premise(Inconclusive)), NotApplicable);
        assert_eq!(of(premise(Contradicted)), NotApplicable);
        assert_eq!(of(Judgement::unknown()), NotJudged);
    }
}
