//! Tokenizations and pooled maps of any size and any values.

use super::{NONE, assert_near, input_gradient, maps, maps_of_patches, output, permutation};
use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::layers::{
    AveragePool, Flatten, GlobalAveragePool, PerConv, PerFeature, PerPatch, PerSample, Shuffled,
};
use softmoe_nets::shapes::{Const, Shape};
use softmoe_nets::{Builder, Layer, NotAPermutation, Permutation, Weights};

proptest! {
    #[test]
    fn per_feature_twice_is_the_identity(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let there = PerFeature(height * width);
        let tokens = output(&there, NONE, &x, map);
        // The tokens, read as a map of one row whose positions are the channels.
        let back = PerFeature(channels);
        let transposed = (batch, 1, channels, height * width);
        prop_assert_eq!(output(&back, NONE, &tokens, transposed), x.as_slice());
        // The gradient is the transpose too.
        prop_assert_eq!(input_gradient(&there, NONE, &x, &tokens, map), x);
    }

    #[test]
    fn per_feature_is_the_transpose_of_per_conv(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let positions = height * width;
        let x = uniform(map.num_elements(), 1.0, seed);
        let rows = output(&PerConv(positions), NONE, &x, map);
        let columns = output(&PerFeature(positions), NONE, &x, map);
        for (sample, position, channel) in
            (0..batch).flat_map(|s| (0..positions).flat_map(move |p| (0..channels).map(move |c| (s, p, c))))
        {
            let by_position = rows[(sample * positions + position) * channels + channel];
            prop_assert_eq!(by_position, columns[(sample * channels + channel) * positions + position]);
        }
    }

    #[test]
    fn shuffling_is_undone_by_the_inverse(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let len = height * width * channels;
        let permutation = permutation(len, seed);
        let x = uniform(map.num_elements(), 1.0, !seed);
        let shuffled = Shuffled::new(height * width, permutation.clone());
        let y = output(&shuffled, NONE, &x, map);
        let restored = Shuffled::new(height * width, permutation.inverse());
        prop_assert_eq!(&output(&restored, NONE, &y, map), &x);
        prop_assert_eq!(&input_gradient(&shuffled, NONE, &x, &y, map), &x);
        // A bijection within each sample: the same values, elsewhere.
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        for sample in 0..batch {
            let at = sample * len..(sample + 1) * len;
            prop_assert_eq!(sorted(&x[at.clone()]), sorted(&y[at]));
        }
        prop_assert_eq!(permutation.inverse().inverse(), permutation);
    }

    #[test]
    fn a_permutation_is_read_back_as_it_was_stored(len in 0usize..40, seed: u64) {
        let drawn = permutation(len, seed);
        prop_assert_eq!(&permutation(len, seed), &drawn, "the same seed, the same order");
        let stored = serde_json::to_string(&drawn).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Permutation>(&stored).unwrap(), &drawn);
        prop_assert_eq!(Permutation::new(drawn.sources().to_vec()), Ok(drawn));
    }

    #[test]
    fn a_list_that_is_no_permutation_is_refused(len in 2usize..20, at: prop::sample::Index, seed: u64) {
        let at = at.index(len);
        let sources = permutation(len, seed).sources().to_vec();
        let with = |place| {
            let mut sources = sources.clone();
            sources[at] = place;
            Permutation::new(sources)
        };
        prop_assert_eq!(with(len), Err(NotAPermutation::Beyond { place: len, len }));
        let twice = sources[(at + 1) % len];
        prop_assert_eq!(with(twice), Err(NotAPermutation::Twice { place: twice, len }));
        let stored = serde_json::to_string(&vec![0; len]).unwrap();
        let error = serde_json::from_str::<Permutation>(&stored).unwrap_err().to_string();
        prop_assert!(error.contains("names place 0 twice"), "{}", error);
    }

    #[test]
    fn average_pooling_is_a_patch_embedding_of_equal_weights(map in maps_of_patches(), seed: u64) {
        let (_, height, width, channels) = map;
        let mut builder = Builder::new();
        let (h, w) = (height / 3, width / 3);
        let layer = PerPatch::new(&mut builder, "embedding", [height, width], h * w, channels);
        let mut parameters = vec![0.0; builder.parameters().len()];
        let kernel = builder.parameters().get("embedding/kernel").unwrap().range.clone();
        for (i, weight) in parameters[kernel].iter_mut().enumerate() {
            // (3, 3, channels, channels)
            let (from, to) = (i / channels % channels, i % channels);
            *weight = if from == to { 1.0 / 9.0 } else { 0.0 };
        }
        let x = uniform(map.num_elements(), 1.0, seed);
        let want = output(&layer, Weights { parameters: &parameters, noise: None }, &x, map);
        let pool = (AveragePool::<_, _, 3, 3>(h, w), PerConv(h * w));
        assert_near(&output(&pool, NONE, &x, map), &want)?;
    }

    #[test]
    fn one_window_over_the_whole_map_is_global_average_pooling(
        batch in 1usize..4, channels in 1usize..6, seed: u64,
    ) {
        let map = (batch, 5_usize, 5_usize, channels);
        let x = uniform(map.num_elements(), 1.0, seed);
        let want = output(&AveragePool::<_, _, 5, 1>(1_usize, 1_usize), NONE, &x, map);
        assert_near(&output(&GlobalAveragePool, NONE, &x, map), &want)?;
    }

    #[test]
    fn per_sample_is_the_flattened_map(map in maps(), seed: u64) {
        let (_, height, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let len = height * width * channels;
        prop_assert_eq!(output(&(PerSample(len), Flatten(len)), NONE, &x, map), x);
    }
}

#[test]
#[should_panic(
    expected = "the length of Shuffled's permutation should be 24, as its input makes it, but is 23"
)]
fn a_permutation_of_another_map_is_refused() {
    Shuffled::new(6, permutation(23, 0)).output_shape((1, Const::<2>, Const::<3>, 4_usize));
}

#[test]
#[should_panic(expected = "PerFeature's token width should be 6, as its input makes it, but is 5")]
fn a_token_width_that_does_not_fit_is_refused_at_run_time() {
    PerFeature(5).output_shape((1, 2_usize, 3_usize, 4_usize));
}

#[test]
#[should_panic(expected = "PerPatch's number of tokens should be 9, as its input makes it, but is 121")]
fn a_number_of_patches_that_does_not_fit_is_refused_at_run_time() {
    PerPatch::new(&mut Builder::new(), "embedding", [11, 11], 121, 32);
}
