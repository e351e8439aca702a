//! Fields that are younger than the format of checkpoints: they exist where fields have names, as in RON and JSON. A format without names,
//! such as that of checkpoints up to version 9, holds nothing for them, and they are then as if left out.

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_unit()
    }
}

pub(super) fn truth<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_bool(*value)
    } else {
        serializer.serialize_unit()
    }
}

pub(super) fn one_or<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    if deserializer.is_human_readable() { f64::deserialize(deserializer) } else { Ok(1.0) }
}

pub(super) fn no_or<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if deserializer.is_human_readable() { bool::deserialize(deserializer) } else { Ok(false) }
}
