//! Names typed by hand, and the nearest allowed name for a mistyped one.

use std::fmt;

/// Error for a name that is not allowed. Its message has the nearest allowed name, if one is near, and all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The kind of thing that is named, e.g. `arm`.
    pub kind: &'static str,
    /// The name given.
    pub given: String,
    /// The names allowed.
    pub allowed: Vec<String>,
}

/// Names of a kind that stand for others whose letters are not near.
const MEANT: [(&str, &[&str], &str); 1] = [(
    "device",
    &["gpu", "GPU", "nvidia", "amd", "rocm", "mps", "metal", "vulkan"],
    "`cuda` for a card of NVIDIA, or `wgpu` for any card with Vulkan, Metal or Direct3D 12",
)];

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no {} `{}`", self.kind, self.given)?;
        if let Some((.., meant)) =
            MEANT.iter().find(|(kind, names, _)| *kind == self.kind && names.contains(&&*self.given))
        {
            return write!(f, ": choose {meant}. Allowed: {}", list(&self.allowed));
        }
        match nearest(&self.given, self.allowed.iter().map(String::as_str)) {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?")?,
            None => write!(f, ".")?,
        }
        write!(f, " Allowed: {}", list(&self.allowed))
    }
}

impl std::error::Error for UnknownName {}

/// `given`, if it is one of `allowed`.
///
/// # Errors
///
/// [`UnknownName`] otherwise.
pub fn known<'a>(
    kind: &'static str,
    given: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Result<&'a str, UnknownName> {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    allowed.iter().find(|name| **name == given).copied().ok_or_else(|| UnknownName {
        kind,
        given: given.to_owned(),
        allowed: allowed.iter().map(|&name| name.to_owned()).collect(),
    })
}

/// The value in `all` with the name `given`.
///
/// # Errors
///
/// [`UnknownName`] if there is none.
pub(crate) fn by_name<T: Copy>(
    kind: &'static str,
    given: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, UnknownName> {
    all.iter().copied().find(|&one| name(one) == given).ok_or_else(|| UnknownName {
        kind,
        given: given.to_owned(),
        allowed: all.iter().map(|&one| name(one).to_owned()).collect(),
    })
}

/// The name among `allowed` that `given` was most likely meant to be.
///
/// The fewest edits win; more than a third of the name's letters (at least two) is too many, unless one of
/// the two names is the beginning of the other.
pub fn nearest<'a>(given: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(given, name);
    let is_near = |name: &str| {
        let begins = given.len() >= 2 && (name.starts_with(given) || given.starts_with(name));
        begins || distance(name) <= (given.chars().count() / 3).max(2)
    };
    allowed.into_iter().filter(|name| is_near(name)).min_by_key(|name| distance(name))
}

/// Names in backquotes, separated by commas.
pub(crate) fn list(names: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_gets_the_nearest_name() {
        let arms = ["flat", "softmoe-4", "softmoe-4-x4", "expert-choice-4"];
        assert_eq!(nearest("sofmoe-4", arms), Some("softmoe-4"));
        assert_eq!(nearest("flta", arms), Some("flat"));
        assert_eq!(nearest("expert-choice", arms), Some("expert-choice-4"));
        assert_eq!(nearest("soft", arms), Some("softmoe-4"));
        assert_eq!(nearest("transformer", arms), None);
        assert_eq!(nearest("", arms), None);
    }
}
