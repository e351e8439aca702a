//! Whether the arms, rules and profiles of an experiment fit together.

use crate::error::none_of;
use crate::experiment::RANDOM_ARM;
use crate::names::known;
use crate::profile::{SHARED_PROFILES, problems as profile_problems};
use crate::{ConfigError, Experiment, Profile, Rule};
use std::collections::BTreeSet;

/// Whether `name` is made of words of small letters, digits and inner dots with hyphens between them. Such a name is one directory.
fn is_in_kebab_case(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
    name.split('-').all(|word| !word.is_empty() && word.chars().all(letters) && !word.starts_with('.'))
}

impl Experiment {
    /// Whether arms, rules and profiles fit together, and every profile makes runs that validate.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] with everything that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = self.arm_problems();
        problems.extend(self.group_problems());
        problems.extend(self.rule_problems());
        if let Some(name) = self.shared_profiles.keys().next() {
            problems.push(format!(
                "`shared_profiles` has `{name}`, which is looked up in {SHARED_PROFILES} beside the experiment's file"
            ));
        }
        if self.profiles.is_empty() && self.drawings.is_empty() {
            problems.push("there is no profile but must be at least one, e.g. `quick`".into());
        }
        if !self.profiles.is_empty() && !self.drawings.is_empty() {
            problems
                .push("has `profiles` and `drawings` but must have either: what is drawn has no runs".into());
        }
        // Both name directories: a file from a stranger must not lead out of `--out`.
        for (kind, name) in self
            .profiles
            .keys()
            .map(|name| ("profile", name))
            .chain(self.drawings.keys().map(|name| ("drawing", name)))
        {
            if !is_in_kebab_case(name) {
                problems.push(format!("the {kind} `{name}` must be in kebab case, e.g. `quick-2`"));
            }
        }
        for (name, profile) in &self.profiles {
            let of_profile = profile_problems(profile).into_iter().chain(self.problems_of_arms_in(profile));
            problems.extend(of_profile.map(|problem| format!("profile `{name}` {problem}")));
        }
        none_of(format!("experiment {}", self.figure), problems)?;
        for (name, profile) in &self.profiles {
            let arms: Vec<&str> = self.arms_for(profile).collect();
            // Seeds differ in nothing else.
            let one_seed = Profile { seeds: 1, ..profile.clone() };
            self.resolve(name, &one_seed, &arms).map_err(|error| ConfigError::Invalid {
                subject: format!("experiment {}", self.figure),
                problems: vec![format!("profile `{name}`: {error}")],
            })?;
        }
        for name in self.drawings.keys() {
            for arm in &self.arms {
                self.drawn(name, &arm.name).map_err(|error| ConfigError::Invalid {
                    subject: format!("experiment {}", self.figure),
                    problems: vec![format!("drawing `{name}`, arm `{}`: {error}", arm.name)],
                })?;
            }
        }
        Ok(())
    }

    /// What makes no sense in the arms of a profile: arms that are none, and arms without their references.
    fn problems_of_arms_in(&self, profile: &Profile) -> Vec<String> {
        let mut problems = Vec::new();
        for arm in profile.arms.iter().chain(&profile.without) {
            if let Err(error) = known("arm", arm, self.arm_names()) {
                problems.push(format!("names an arm that is none: {error}"));
            }
        }
        if !problems.is_empty() {
            return problems;
        }
        for arm in &profile.without {
            if profile.arms.contains(arm) || arm == RANDOM_ARM {
                problems.push(format!("cannot be `without` the arm `{arm}`, which it runs"));
            }
        }
        let has = |name: &str| self.arms_for(profile).any(|arm| arm == name);
        for arm in self.arms_for(profile).filter(|arm| *arm != RANDOM_ARM) {
            let reference = self.reference_of(arm);
            if !has(reference) {
                problems.push(format!("is `without` the arm `{reference}`, with which `{arm}` is compared"));
            }
        }
        if let Some(arm) = self.premise.iter().flat_map(Rule::arms).find(|arm| !has(arm)) {
            problems.push(format!("is `without` the arm `{arm}`, which the premise is about"));
        }
        for arm in &profile.arms {
            let reference = self.reference_of(arm);
            if arm != RANDOM_ARM && !profile.arms.iter().any(|other| other == reference) {
                problems.push(format!(
                    "has `{arm}` among its `arms`, but not `{reference}`, with which it is compared"
                ));
            }
        }
        problems
    }

    fn arm_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for name in self.arms.iter().map(|arm| arm.name.as_str()) {
            if !seen.insert(name) {
                problems.push(format!("there are two arms `{name}` but names must be unique"));
            }
            if !is_in_kebab_case(name) {
                problems.push(format!("the arm `{name}` must be in kebab case, e.g. `softmoe-4-x0.25`"));
            }
            if name == RANDOM_ARM {
                problems.push(format!(
                    "the arm `{RANDOM_ARM}` is added to every experiment: name yours otherwise"
                ));
            }
        }
        let names = || self.arms.iter().map(|arm| arm.name.as_str());
        problems.extend(known("arm", &self.reference, names()).err().map(|e| format!("`reference`: {e}")));
        for arm in &self.arms {
            let unknown = arm.reference.as_deref().and_then(|name| known("arm", name, names()).err());
            problems.extend(unknown.map(|error| format!("`reference` of the arm `{}`: {error}", arm.name)));
        }
        problems
    }

    fn group_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for (title, arms) in &self.groups {
            if title.trim().is_empty() || arms.is_empty() {
                problems.push(format!("the group \"{title}\" must have a title and at least one arm"));
            }
            for arm in arms {
                let names = self.arms.iter().map(|arm| arm.name.as_str());
                problems.extend(known("arm", arm, names).err().map(|e| format!("group \"{title}\": {e}")));
                if !seen.insert(arm) {
                    problems.push(format!("the arm `{arm}` is in two groups but must be in one at most"));
                }
            }
        }
        problems
    }

    fn rule_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let numbered =
            self.rules.iter().enumerate().map(|(index, rule)| (format!("rule {}", index + 1), rule));
        for (at, rule) in self.premise.iter().map(|rule| ("`premise`".to_owned(), rule)).chain(numbered) {
            for arm in rule.arms() {
                problems.extend(known("arm", arm, self.arm_names()).err().map(|e| format!("{at}: {e}")));
            }
            if rule.terms().is_empty() {
                problems.push(format!("{at}: `pairs` is empty but must have a pair (arm, than)"));
            } else if rule.terms().iter().all(|(weight, _)| *weight == 0.0) {
                problems.push(format!(
                    "{at} compares {} with itself but must name two arms",
                    rule.arms().join(", ")
                ));
            }
            if let Some(margin) = rule.margin()
                && !(margin.is_finite() && margin >= 0.0)
            {
                problems.push(format!("{at}: `margin` is {margin} but must be a finite number from 0"));
            }
        }
        if !(self.effect.is_finite() && self.effect > 0.0) {
            problems
                .push(format!("`effect` is {} but must be a finite number above 0, e.g. 0.2", self.effect));
        }
        problems
    }
}
