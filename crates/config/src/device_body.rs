//! Bodies with a forward pass for devices and no gradients on the CPU engine yet.

use crate::{ConfigError, Device, file};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// Body that runs on devices only; a file names it as `device_only(body: attention(layers: 2))`.
///
/// A new one is a variant here, and a line in `softmoe-agents`' list of bodies (`docs/extending.md`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum DeviceBodySpec {
    /// Tokens that attend to each other (Vaswani et al. 2017, arXiv 1706.03762); all of them go to the head.
    Attention {
        /// Number of attention layers (1 if left out).
        #[serde(default = "one")]
        layers: usize,
    },
}

fn one() -> usize {
    1
}

impl DeviceBodySpec {
    /// Reason why the body cannot be trained on `device`, and the remedy; none if it can be.
    pub fn why_not_on(self, device: Device) -> Option<String> {
        (device == Device::Cpu).then(|| {
            format!(
                "the body `{self}` has only a device forward, and the CPU engine needs gradients; use `--device flex` \
                 (also on a CPU), `wgpu` or `cuda`"
            )
        })
    }

    /// The numbers among its settings, by name.
    pub(crate) fn numbers(self) -> Vec<(String, f64)> {
        let Ok(Value::Object(variant)) = serde_json::to_value(self) else { return Vec::new() };
        let settings = variant.into_iter().filter_map(|(_, settings)| match settings {
            Value::Object(settings) => Some(settings),
            _ => None,
        });
        settings.flatten().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect()
    }
}

/// As in a file, e.g. `attention(layers:2)`.
impl fmt::Display for DeviceBodySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// As in a file; `attention` is `attention()`.
impl FromStr for DeviceBodySpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("body", text)
    }
}
