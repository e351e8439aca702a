//! The sum tree against a walk along its weights. Whole weights, so that both are exact.

use proptest::prelude::*;
use softmoe_replay::SumTree;

proptest! {
    #[test]
    fn finds_what_a_walk_finds(
        weights in prop::collection::vec(prop_oneof![Just(0u32), 1u32..5], 1..40),
        halves in 0u32..400,
    ) {
        let mut tree = SumTree::new(weights.len());
        weights.iter().enumerate().for_each(|(item, &weight)| tree.set(item, weight.into()));
        let total: u32 = weights.iter().sum();
        prop_assert_eq!(tree.total(), f64::from(total));
        if total > 0 {
            let target = f64::from(halves) / 2.0;
            let cumulative = (0..weights.len()).map(|item| weights[..=item].iter().sum::<u32>());
            let walked = cumulative.enumerate().find(|&(_, sum)| f64::from(sum) > target).map(|(item, _)| item);
            // At the total and beyond, where rounding can put a target, it is the last that weighs anything.
            let last = weights.iter().rposition(|&weight| weight > 0).unwrap();
            prop_assert_eq!(tree.find(target), walked.unwrap_or(last));
        }
    }

    /// However it got its weights, it is the tree that was given them at once: nothing drifts.
    #[test]
    fn forgets_how_it_came_to_be(
        changes in prop::collection::vec((0usize..13, 0.0f64..1e6), 0..500),
        targets in prop::collection::vec(0.0f64..1.0, 5),
    ) {
        let mut tree = SumTree::new(13);
        changes.iter().for_each(|&(item, weight)| tree.set(item, weight));
        let mut fresh = SumTree::new(13);
        (0..13).for_each(|item| fresh.set(item, tree.get(item)));
        prop_assert_eq!(tree.total().to_bits(), fresh.total().to_bits());
        if tree.total() > 0.0 {
            for share in targets {
                prop_assert_eq!(tree.find(share * tree.total()), fresh.find(share * fresh.total()));
            }
        }
    }
}

#[test]
#[should_panic(expected = "weight NaN of item 1")]
fn a_weight_that_is_none_panics() {
    SumTree::new(2).set(1, f64::NAN);
}
