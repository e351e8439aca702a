//! Sweeps: arms for the values of a setting, e.g. `agent.n_step=1,3,5`.

use crate::experiment::RANDOM_ARM;
use crate::names::known;
use crate::{Arm, ConfigError, Experiment};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Sweep over the values of one setting.
///
/// ```
/// use softmoe_config::Sweep;
///
/// let sweep: Sweep = "agent.n_step=1,3,5".parse()?;
/// assert_eq!(sweep.arm_names("flat"), ["flat-n-step-1", "flat-n-step-3", "flat-n-step-5"]);
/// // Names are safe in paths and shells; commas inside parentheses belong to a value.
/// let sweep: Sweep = "network.body=flat(scale: 2.0),soft_moe(experts: 2, slots: tokens)".parse()?;
/// assert_eq!(sweep.arm_names("flat"), ["flat-body-flat-scale-2.0", "flat-body-soft-moe-experts-2-slots-tokens"]);
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    key: String,
    values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refuse =
            |message: &str| ConfigError::Setting { setting: text.to_owned(), message: message.to_owned() };
        let rule = "a sweep is written `key=value,value`, e.g. `agent.n_step=1,3,5`";
        let (key, values) = text.split_once('=').ok_or_else(|| refuse(rule))?;
        let values: Vec<String> = split(values).into_iter().map(|value| value.trim().to_owned()).collect();
        if key.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(refuse(rule));
        }
        let sweep = Sweep { key: key.trim().to_owned(), values };
        let names = sweep.arm_names("arm");
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(refuse("two of its values give arms of the same name; give each value once"));
        }
        Ok(sweep)
    }
}

/// As it is typed.
impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.values.join(","))
    }
}

impl Sweep {
    /// The last part of the key in kebab case, e.g. `n-step`.
    fn short_key(&self) -> String {
        kebab(self.key.rsplit('.').next().unwrap_or_default())
    }

    /// The names of the arms that the sweep makes of `arm`, in kebab case, in the order of its values.
    pub fn arm_names(&self, arm: &str) -> Vec<String> {
        let key = self.short_key();
        self.values.iter().map(|value| format!("{arm}-{key}-{}", kebab(value))).collect()
    }

    /// The experiment that has, for each of `arms`, an arm a value, beside the references. It has the figure's name and the
    /// key's, and no rules: a sweep tests no claim.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] for an arm that the experiment does not have; as [`Experiment::validate`] for a key or a
    /// value that an arm does not have.
    pub fn of(&self, experiment: &Experiment, arms: &[&str]) -> Result<Experiment, ConfigError> {
        let mut swept = Vec::new();
        for arm in arms.iter().filter(|arm| **arm != RANDOM_ARM) {
            known("arm", arm, experiment.arms.iter().map(|arm| arm.name.as_str()))?;
            let base = experiment.arm(arm)?;
            for (name, value) in self.arm_names(arm).into_iter().zip(&self.values) {
                let mut set = base.set.clone();
                set.push(format!("{}={value}", self.key));
                let label =
                    format!("{}, {} = {value}", base.label, self.key.rsplit('.').next().unwrap_or_default());
                swept.push(Arm { name, label, set, ..base.clone() });
            }
        }
        let mut references: BTreeSet<&str> = arms.iter().map(|arm| experiment.reference_of(arm)).collect();
        references.insert(&experiment.reference);
        let mut made = experiment.clone();
        made.arms.retain(|arm| references.contains(arm.name.as_str()));
        made.arms.extend(swept);
        made.figure = format!("{}-{}", experiment.figure, self.short_key());
        made.title = format!("{}: {self}", experiment.title);
        made.claim = "None: a sweep tests no claim.".to_owned();
        made.premise = None;
        made.rules.clear();
        made.groups.clear();
        made.drawings.clear();
        let has = |name: &String| made.arms.iter().any(|arm| arm.name == *name);
        for profile in made.profiles.values_mut() {
            profile.arms.clear();
            profile.without.retain(has);
        }
        made.validate()?;
        Ok(made)
    }
}

/// The parts of `text` between commas that are not inside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `text` as words of an arm's name: lower case, digits and points, joined by hyphens.
fn kebab(text: &str) -> String {
    let minus = text.strip_prefix('-').map(|rest| format!("minus-{rest}"));
    let text = minus.as_deref().unwrap_or(text).to_owned();
    // 40_000 is one number, and n_step two words.
    let is_number = text.starts_with(|letter: char| letter.is_ascii_digit());
    let text = if is_number { text.replace('_', "") } else { text };
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
    let words = text.split(|letter: char| !letters(letter)).map(|word| word.trim_matches('.'));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_be_told_apart_are_refused() {
        for wrong in ["agent.n_step", "=1,2", "agent.n_step=1,,2", "agent.n_step=1,1", "agent.n_step=1_0,10"]
        {
            assert!(wrong.parse::<Sweep>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_in_kebab_case() {
        assert_eq!(kebab("n_step"), "n-step");
        assert_eq!(kebab("40_000"), "40000");
        assert_eq!(kebab("2.5e-4"), "2.5e-4");
        assert_eq!(kebab("-0.5"), "minus-0.5");
        assert_eq!(kebab("c51(v_max: 10.0)"), "c51-v-max-10.0");
    }
}
