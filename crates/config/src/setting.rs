//! Changing one value of a run's configuration by its key: `agent.n_step=5`.

use crate::error::unknown;
use crate::file;
use crate::names::UnknownName;
use crate::words::whole_number;
use crate::{
    BodySpec, ConfigError, DeviceBodySpec, EncoderSpec, InterventionSpec, LossSpec, RunConfig, SlotsSpec,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Keys of variants. The variant's name is not part of a key.
const VARIANTS: [&str; 8] = [
    "environment",
    "agent",
    "agent.intervention",
    "agent.loss",
    "network.body",
    "network.body.body",
    "network.body.slots",
    "network.encoder",
];

/// Keys that `--set` refuses, with the reason or the option to use instead.
const CHOSEN_ELSEWHERE: [(&str, &str); 10] = [
    ("version", "it is the version of the file itself"),
    ("figure", "the figure is the first argument of `cargo xtask reproduce`"),
    ("profile", "choose it with `--profile`"),
    ("arm", "choose it with `--arms`"),
    ("agent", "choose it with `--agent`"),
    ("seed", "choose how many with `--seeds`"),
    ("environment", "it follows from the games: choose them with `--games`"),
    ("environment.game", "choose it with `--games`"),
    ("training.agent_steps", "choose it with `--steps`"),
    ("kernels", "it is called `instruction_set`, e.g. `--set instruction_set=avx2`"),
];

/// Setting: a `key=value`.
///
/// The key is the path of a field in a [`RunConfig`], separated by dots; a variant's fields follow the field
/// that holds the variant, e.g. `agent.n_step`, `network.body.scale`.
///
/// ```
/// use softmoe_config::{AgentPreset, AgentSteps, Setting};
/// # use softmoe_config::{BodySpec, EncoderSpec, EnvironmentConfig, MinAtarGame, NetworkSpec, RunConfig, TrainingConfig};
/// # let mut config = RunConfig {
/// #     version: Default::default(),
/// #     profile: "quick".into(), arm: "flat".into(), seed: 0,
/// #     environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
/// #     agent: AgentPreset::RainbowMinatar.config(),
/// #     network: NetworkSpec {
/// #         encoder: EncoderSpec::MinAtar, body: BodySpec::flat(), hidden: 128,
/// #     },
/// #     training: TrainingConfig {
/// #         agent_steps: AgentSteps(1000), evaluation_period: AgentSteps(100), evaluation_episodes: 1,
/// #         final_evaluation_episodes: 1, checkpoint_period: AgentSteps(100),
/// #     },
/// #     instruction_set: Default::default(),
/// # };
/// let setting: Setting = "agent.n_step=5".parse()?;
/// setting.apply(&mut config)?;
/// assert_eq!(config.agent.learning().unwrap().n_step, 5);
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    key: String,
    value: String,
}

impl FromStr for Setting {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refuse = |message: String| ConfigError::Setting { setting: text.to_owned(), message };
        let Some((key, value)) = text.split_once('=') else {
            return Err(refuse("a setting is written `key=value`, e.g. `agent.n_step=5`".into()));
        };
        let (key, value) = (key.trim(), value.trim());
        if let Some((_, instead)) = CHOSEN_ELSEWHERE.iter().find(|(chosen, _)| *chosen == key) {
            return Err(refuse(format!("`{key}` is not a setting: {instead}")));
        }
        Ok(Setting { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl Setting {
    /// The key, e.g. `agent.n_step`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether `text`, a setting as in a file, has this setting's key.
    pub fn has_the_key_of(&self, text: &str) -> bool {
        text.split_once('=').is_some_and(|(key, _)| key.trim() == self.key)
    }

    /// Whether `config` has a field of this key.
    pub fn applies_to(&self, config: &RunConfig) -> bool {
        settable(config).contains(&self.key)
    }

    /// Sets the value in `config`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is no such key, [`ConfigError::Setting`] if the value is of another
    /// type than the key's; `config` is then as it was.
    pub fn apply(&self, config: &mut RunConfig) -> Result<(), ConfigError> {
        let refuse = |message: String| ConfigError::Setting { setting: self.to_string(), message };
        let mut json = serde_json::to_value(&*config).map_err(|e| refuse(e.to_string()))?;
        if !self.applies_to(config) {
            return Err(self.unknown(settable(config)));
        }
        let Some(leaf) = find(&mut json, &self.key) else {
            return Err(self.unknown(settable(config)));
        };
        *leaf = self.variant().unwrap_or_else(|| self.parse_like(leaf)).map_err(refuse)?;
        *config = serde_path_to_error::deserialize(json).map_err(|e| refuse(explain(e.into_inner())))?;
        Ok(())
    }

    /// The error for a key that none of the configurations has.
    pub(crate) fn unknown(&self, keys: Vec<String>) -> ConfigError {
        // A field's own name is enough to guess by: `n_step` and `network.n_step` are meant to be `agent.n_step`.
        let field = |key: &str| key.rsplit('.').next().map(str::to_owned);
        if let Some(key) = keys.iter().find(|key| field(key) == field(&self.key)) {
            let message = format!("there is no key `{}`; did you mean `{key}`?", self.key);
            return ConfigError::Setting { setting: self.to_string(), message };
        }
        UnknownName { kind: "key", given: self.key.clone(), allowed: keys }.into()
    }

    /// The value of a key that takes a whole variant, written as in a file: `soft_moe(experts: 4)`.
    fn variant(&self) -> Option<Result<Value, String>> {
        fn json<T: FromStr<Err = ConfigError> + Serialize>(text: &str) -> Result<Value, String> {
            let value: T = text.parse().map_err(|error| match error {
                ConfigError::Value { message, .. } => message,
                other => other.to_string(),
            })?;
            serde_json::to_value(value).map_err(|error| error.to_string())
        }
        Some(match self.key.as_str() {
            "agent.intervention" => json::<InterventionSpec>(&self.value),
            "agent.loss" => json::<LossSpec>(&self.value),
            "network.encoder" => json::<EncoderSpec>(&self.value),
            "network.body" => json::<BodySpec>(&self.value),
            "network.body.body" => json::<DeviceBodySpec>(&self.value),
            "network.body.slots" => json::<SlotsSpec>(&self.value),
            _ => return None,
        })
    }

    /// The value as the type that `current` has.
    fn parse_like(&self, current: &Value) -> Result<Value, String> {
        let example = |what: &str| format!("the value must be {what}, e.g. `{}={current}`", self.key);
        match current {
            Value::Bool(_) => self.value.parse().map(Value::Bool).map_err(|_| example("`true` or `false`")),
            Value::Number(number) if number.is_f64() => self
                .value
                .replace('_', "")
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| example("a finite number")),
            Value::Number(_) => {
                whole_number(&self.value).map(Value::from).ok_or_else(|| example("a whole number from 0"))
            }
            _ => Ok(Value::String(self.value.clone())),
        }
    }
}

/// An error of the reader, in words that name the nearest value.
fn explain(error: serde_json::Error) -> String {
    let text = error.to_string();
    // serde's message: unknown variant `a`, expected one of `b`, `c`
    let mut names = text.split('`').skip(1).step_by(2);
    match names.next() {
        Some(found) if text.starts_with("unknown variant") => {
            unknown("value", found, &names.collect::<Vec<_>>())
        }
        _ => text,
    }
}

/// The settings that turn `from` into `to`, as far as settings can.
///
/// ```
/// # use softmoe_config::{Experiment, Setting, setting};
/// # let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/experiments/fig3.ron");
/// # let experiment = Experiment::read(&path)?;
/// # let from = experiment.resolve("quick", experiment.profile("quick")?, &["flat"])?.remove(0);
/// let mut to = from.clone();
/// "agent.loss=huber".parse::<Setting>()?.apply(&mut to)?;
/// let settings = setting::between(&from, &to);
/// assert_eq!(settings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["agent.loss=huber"]);
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
pub fn between(from: &RunConfig, to: &RunConfig) -> Vec<Setting> {
    let Ok(mut json) = serde_json::to_value(to) else { return Vec::new() };
    let (old, new) = (fields(from), fields(to));
    let mut settings: Vec<Setting> = Vec::new();
    for key in settable(to) {
        // A variant is set whole where it is another one: its fields are then set with it.
        let is_inside = |setting: &Setting| {
            VARIANTS.contains(&setting.key.as_str()) && key.starts_with(&format!("{}.", setting.key))
        };
        if old.get(&key) != new.get(&key)
            && !settings.iter().any(is_inside)
            && let Some(value) = find(&mut json, &key)
        {
            settings.push(Setting { value: file::in_ron(value), key });
        }
    }
    settings
}

/// A value in which two configurations differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The value's key, e.g. `agent.n_step`.
    pub key: String,
    /// The value on the left, `nothing` if there is none.
    pub left: String,
    /// The value on the right, `nothing` if there is none.
    pub right: String,
}

/// The values in which two configurations differ, sorted by key.
pub fn differences(left: &RunConfig, right: &RunConfig) -> Vec<Difference> {
    let (left, right) = (fields(left), fields(right));
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |value: Option<&String>| value.map_or("nothing", |value| value.trim_matches('"')).to_owned();
    keys.into_iter()
        .filter(|key| left.get(*key) != right.get(*key))
        .map(|key| Difference { key: key.clone(), left: value(left.get(key)), right: value(right.get(key)) })
        .collect()
}

/// The fields of `config` by their keys, each with its value as JSON; a variant's own name is the value of the
/// field that holds it.
pub fn fields(config: &RunConfig) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    if let Ok(json) = serde_json::to_value(config) {
        flatten("", &json, &mut fields);
    }
    fields
}

/// The keys that a [`Setting`] may have in `config`, sorted.
pub fn settable(config: &RunConfig) -> Vec<String> {
    let fixed = |key: &str| CHOSEN_ELSEWHERE.iter().any(|(name, _)| *name == key);
    fields(config).into_keys().filter(|key| !fixed(key)).collect()
}

fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    let Value::Object(members) = value else {
        fields.insert(path.to_owned(), value.to_string());
        return;
    };
    for (name, member) in members {
        match member {
            Value::Object(inside) if VARIANTS.contains(&path) => {
                fields.insert(path.to_owned(), format!("\"{name}\""));
                for (name, member) in inside {
                    flatten(&format!("{path}.{name}"), member, fields);
                }
            }
            value if VARIANTS.contains(&path) => {
                fields.insert(path.to_owned(), format!("\"{name}({value})\""));
            }
            _ if path.is_empty() => flatten(name, member, fields),
            _ => flatten(&format!("{path}.{name}"), member, fields),
        }
    }
}

fn find<'a>(json: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let mut value = json;
    let mut path = String::new();
    for segment in key.split('.') {
        if VARIANTS.contains(&path.as_str()) {
            value = value.as_object_mut()?.values_mut().next()?;
        }
        value = value.as_object_mut()?.get_mut(segment)?;
        path = if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") };
    }
    Some(value)
}
