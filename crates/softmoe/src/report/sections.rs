//! The arms of a report by the question that they answer.

use super::{ArmReport, Report};
use crate::plot::MOST_LINES;

/// The learners under the titles of their groups: first those of no group, then group by group in the order of their first arms.
pub(super) fn grouped(report: &Report) -> Vec<(&str, Vec<&ArmReport>)> {
    let arms = learners(report);
    let titles: Vec<&str> = arms.iter().map(|arm| arm.group.as_str()).collect();
    let named = |(title, members): (_, Vec<usize>)| (title, members.iter().map(|&k| arms[k]).collect());
    groups_of(&titles).into_iter().map(named).collect()
}

/// The arms of each panel of curves, with its title: at most [`MOST_LINES`].
pub(super) fn sections(report: &Report) -> Vec<(String, Vec<&ArmReport>)> {
    let arms = learners(report);
    let titles: Vec<&str> = arms.iter().map(|arm| arm.group.as_str()).collect();
    let is_reference = |k: usize| arms[k].label == report.reference;
    let named = |(title, members): (_, Vec<usize>)| (title, members.iter().map(|&k| arms[k]).collect());
    panels_of(&titles, is_reference).into_iter().map(named).collect()
}

fn learners(report: &Report) -> Vec<&ArmReport> {
    report.arms.iter().filter(|arm| arm.mark.is_some()).collect()
}

/// The positions of equal `titles`, those of the empty one first.
fn groups_of<'a>(titles: &[&'a str]) -> Vec<(&'a str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = vec![("", Vec::new())];
    for (arm, &title) in titles.iter().enumerate() {
        match groups.iter_mut().find(|(known, _)| *known == title) {
            Some((_, arms)) => arms.push(arm),
            None => groups.push((title, vec![arm])),
        }
    }
    groups
}

/// The positions of the arms in each panel, with its title, for arms whose groups have these `titles`. Every panel has what the
/// others are compared with: the arms of no group if there are groups and few such arms, else the reference.
fn panels_of(titles: &[&str], is_reference: impl Fn(usize) -> bool) -> Vec<(String, Vec<usize>)> {
    let groups = groups_of(titles);
    let ungrouped = &groups[0].1;
    let is_few = groups.len() > 1 && ungrouped.len() <= MOST_LINES / 2;
    let compared = ungrouped.iter().copied().filter(|&arm| is_few || is_reference(arm));
    let base: Vec<usize> = compared.take(MOST_LINES / 2).collect();
    let room = MOST_LINES - base.len();
    let mut panels: Vec<(String, Vec<usize>)> = Vec::new();
    for (title, arms) in &groups {
        let others: Vec<usize> = arms.iter().copied().filter(|arm| !base.contains(arm)).collect();
        if others.is_empty() {
            continue;
        }
        let parts = others.len().div_ceil(room);
        for part in others.chunks(others.len().div_ceil(parts)) {
            match panels.last_mut() {
                // Small groups share a panel.
                Some((titles, last)) if !titles.is_empty() && last.len() + part.len() <= room => {
                    titles.push_str(" · ");
                    titles.push_str(title);
                    last.extend(part);
                }
                _ => panels.push(((*title).to_owned(), part.to_vec())),
            }
        }
    }
    if panels.is_empty() {
        return vec![(String::new(), base)];
    }
    panels.into_iter().map(|(title, arms)| (title, [base.clone(), arms].concat())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_groups_share_a_panel_with_what_they_are_compared_with() {
        let titles = ["", "", "tokens", "slots", "slots", "width", "width", "width", "depth", "depth"];
        let panels = panels_of(&titles, |arm| arm == 0);
        let expected = [
            ("tokens · slots", vec![0, 1, 2, 3, 4]),
            ("width", vec![0, 1, 5, 6, 7]),
            ("depth", vec![0, 1, 8, 9]),
        ];
        assert_eq!(panels, expected.map(|(title, arms)| (title.to_owned(), arms)));
        let alone = panels_of(&["", ""], |arm| arm == 0);
        assert_eq!(alone, [(String::new(), vec![0, 1])]);
        assert_eq!(panels_of(&[""], |_| true), [(String::new(), vec![0])]);
    }

    proptest! {
        #[test]
        fn every_arm_is_in_a_panel_that_is_not_crowded(
            titles in prop::collection::vec(prop::sample::select(vec!["", "a", "b", "c"]), 1..20),
        ) {
            let panels = panels_of(&titles, |arm| arm == 0);
            for (title, arms) in &panels {
                prop_assert!(arms.len() <= MOST_LINES, "{title}: {arms:?}");
                prop_assert!(!titles[0].is_empty() || arms.contains(&0), "{title}: {arms:?}");
            }
            for arm in 0..titles.len() {
                prop_assert!(panels.iter().any(|(_, arms)| arms.contains(&arm)), "{arm} is in no panel");
            }
        }
    }
}
