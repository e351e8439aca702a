//! `docs/published.ron`: the figures of the documentation, with the commit that they were made with.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures of the documentation by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFigures {
    /// Figures by name, e.g. `fig3`.
    pub figures: BTreeMap<String, PublishedFigure>,
}

/// Figure of the documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFigure {
    /// Profile of its runs.
    pub profile: String,
    /// Commit that its runs were made with.
    pub commit: String,
    /// Fingerprint of the numbers that the commit computes, as `softmoe-run fingerprint` prints it.
    pub fingerprint: String,
}

impl PublishedFigures {
    /// The figures that were made with other numbers than those of `fingerprint`, and how to make them anew; none if there is no
    /// such figure.
    pub fn outdated(&self, fingerprint: &str) -> Option<String> {
        let outdated = self.figures.iter().filter(|(_, figure)| figure.fingerprint != fingerprint);
        let lines: Vec<String> = outdated
            .map(|(name, PublishedFigure { profile, commit, fingerprint: then })| {
                format!(
                    "{name} was published with commit {commit}, whose numbers have the fingerprint {then}; now it is {fingerprint}. \
                     Make it anew from a commit without changes: `cargo xtask reproduce {name} --profile {profile} --out NEW`, then \
                     `cargo xtask publish {name} --profile {profile} --out NEW`"
                )
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_of_other_numbers_is_outdated() {
        let figure = |fingerprint: &str| PublishedFigure {
            profile: "quick".into(),
            commit: "0123456789ab".into(),
            fingerprint: fingerprint.into(),
        };
        let figures = [("fig3".to_owned(), figure("aaaa0000")), ("fig4".to_owned(), figure("bbbb0000"))];
        let published = PublishedFigures { figures: figures.into() };
        let message = published.outdated("aaaa0000").unwrap();
        assert!(message.starts_with("fig4 was published with commit 0123456789ab"), "{message}");
        assert!(
            message.contains("cargo xtask publish fig4 --profile quick") && !message.contains("fig3"),
            "{message}"
        );
        assert_eq!(PublishedFigures::default().outdated("aaaa0000"), None);
    }
}
