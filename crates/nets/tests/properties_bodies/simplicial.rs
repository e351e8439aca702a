//! The simplicial embeddings.

use super::{NONE, assert_near, maps, output};
use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::Layer;
use softmoe_nets::layers::{Relu, SimplicialGroups, SimplicialMap};
use softmoe_nets::shapes::Shape;

proptest! {
    #[test]
    fn simplicial_maps_sum_to_one_over_the_width(map in maps(), temperature in 0.05f64..2.0, seed: u64) {
        let (_, _, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let y = output(&SimplicialMap { temperature }, NONE, &x, map);
        for (x, y) in x.chunks_exact(width * channels).zip(y.chunks_exact(width * channels)) {
            for channel in 0..channels {
                let along = |values: &[f64]| -> Vec<f64> {
                    values.iter().skip(channel).step_by(channels).copied().collect()
                };
                let weights: Vec<f64> = along(x).iter().map(|x| (x / temperature).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let want: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
                assert_near(&along(y), &want)?;
                assert_near(&[along(y).iter().sum()], &[1.0])?;
            }
        }
    }

    #[test]
    fn simplicial_groups_sum_to_one(
        batch in 1usize..4, groups in 1usize..5, width in 1usize..9, temperature in 0.05f64..2.0, seed: u64,
    ) {
        let input = (batch, groups * width);
        let x = uniform(batch * groups * width, 1.0, seed);
        let y = output(&SimplicialGroups { groups, temperature }, NONE, &x, input);
        for group in y.chunks_exact(width) {
            assert_near(&[group.iter().sum()], &[1.0])?;
        }
        // No value is negative: a ReLU behind it changes nothing.
        prop_assert_eq!(&output(&Relu, NONE, &y, input), &y);
        // Only x / temperature counts; the same for all of a group cancels.
        let moved: Vec<f64> = x.iter().enumerate().map(|(i, x)| 3.0 * x + (i / width) as f64).collect();
        let three = SimplicialGroups { groups, temperature: 3.0 * temperature };
        for (got, want) in output(&three, NONE, &moved, input).iter().zip(&y) {
            prop_assert!((got - want).abs() < 1e-9, "{} is not {}", got, want);
        }
    }

    #[test]
    fn both_simplicial_embeddings_agree_on_a_map_of_one_row_and_channel(
        batch in 1usize..4, width in 1usize..9, seed: u64,
    ) {
        let x = uniform(batch * width, 1.0, seed);
        let want = output(&SimplicialGroups::new(1), NONE, &x, (batch, width));
        assert_near(&output(&SimplicialMap::default(), NONE, &x, (batch, 1, width, 1)), &want)?;
    }
}

#[test]
#[should_panic(expected = "cannot split 10 features into 4 equal groups")]
fn uneven_groups_are_refused_at_run_time() {
    SimplicialGroups::new(4).output_shape((1, 10));
}

#[test]
#[should_panic(expected = "temperature is 0; it should be positive")]
fn a_temperature_of_zero_is_refused() {
    SimplicialMap { temperature: 0.0 }.output_shape((1, 2_usize, 3_usize, 4_usize));
}
