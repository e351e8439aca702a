//! Typing errors in names: what was given, what is allowed, what was probably meant.

/// An error message for a `kind` named `given` that is not among `known`, with the nearest of them.
pub fn unknown<'a>(kind: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3)
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    format!("there is no {kind} `{given}`{nearest} (known: {})", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn names_the_nearest() {
        let message = unknown("arm", "softmo-4", ["flat", "softmoe-4", "expert-choice-4"]);
        assert!(message.contains("did you mean `softmoe-4`?"), "{message}");
    }

    #[test]
    fn names_none_when_nothing_is_near() {
        let message = unknown("game", "pong", ["asterix", "space_invaders"]);
        assert_eq!(message, "there is no game `pong` (known: asterix, space_invaders)");
    }
}
