//! Settings, batches and priorities that cannot be, and what they are answered with; memory.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, ReplayError, Sampling};

const LAYOUT: Layout =
    Layout { capacity: 100, frame_len: 6, channels: 2, stack: 4, n_step: 3, discount: 0.99 };

fn filled(sampling: Sampling) -> Replay {
    let mut replay = Replay::new(LAYOUT, sampling).unwrap();
    (0..150).for_each(|_| replay.push(&[1; 6], 0, 1.0, EpisodeEnd::Continues));
    replay
}

#[test]
fn a_layout_out_of_bounds_names_the_field_and_the_rule() {
    let wrong = [
        (Layout { capacity: 6, ..LAYOUT }, "capacity of the replay is 6", "at least 7 frames"),
        (Layout { frame_len: 0, ..LAYOUT }, "frame_len of the replay is 0", "at least 1"),
        (Layout { channels: 0, ..LAYOUT }, "channels of the replay is 0", "at least 1"),
        (
            Layout { channels: 4, ..LAYOUT },
            "channels of the replay is 4",
            "must divide frame_len, which is 6",
        ),
        (Layout { stack: 0, ..LAYOUT }, "stack of the replay is 0", "at least 1"),
        (Layout { stack: 70_000, ..LAYOUT }, "stack of the replay is 70000", "at most 65535"),
        (Layout { n_step: 0, ..LAYOUT }, "n_step of the replay is 0", "at least 1"),
        (Layout { n_step: usize::MAX, ..LAYOUT }, "capacity of the replay is 100", "at least"),
        (Layout { discount: 1.5, ..LAYOUT }, "discount of the replay is 1.5", "between 0 and 1"),
        (Layout { discount: f64::NAN, ..LAYOUT }, "discount of the replay is NaN", "between 0 and 1"),
    ];
    for (layout, given, rule) in wrong {
        let message = Replay::new(layout, Sampling::Uniform).unwrap_err().to_string();
        assert!(message.contains(given) && message.contains(rule), "{message}");
    }
    assert!(Replay::new(Layout { capacity: 7, ..LAYOUT }, Sampling::Uniform).is_ok());
}

#[test]
fn a_replay_that_fits_no_machine_is_an_error() {
    for capacity in [usize::MAX, usize::MAX / 8, 1 << 50] {
        let error = Replay::new(Layout { capacity, ..LAYOUT }, Sampling::Uniform).unwrap_err();
        assert!(matches!(error, ReplayError::Memory { .. }));
        assert!(error.to_string().contains("choose a smaller capacity"));
    }
}

/// A million frames of Atari stay within 7.5 GB, tree included.
#[test]
fn a_million_frames_fit() {
    let atari =
        Layout { capacity: 1_000_000, frame_len: 84 * 84, channels: 1, stack: 4, n_step: 3, discount: 0.99 };
    assert!(atari.bytes() < 7_100_000_000, "{}", atari.bytes());
}

#[test]
fn an_empty_replay_and_a_strange_batch_are_errors() {
    let empty = Replay::new(LAYOUT, Sampling::Uniform).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let result = empty.sample(&mut rng, &mut Batch::new(2, &LAYOUT));
    assert!(matches!(result, Err(ReplayError::Empty { pushed: 0 })));

    let replay = filled(Sampling::Uniform);
    let result = replay.sample(&mut rng, &mut Batch::new(2, &Layout { stack: 1, ..LAYOUT }));
    assert!(matches!(result, Err(ReplayError::Batch { field: "states", given: 12, expected: 48 })));
    replay.sample(&mut rng, &mut Batch::new(0, &LAYOUT)).unwrap();
    let mut resized = Batch::new(2, &LAYOUT);
    resized.discounts.pop();
    let result = replay.sample(&mut rng, &mut resized);
    assert!(matches!(result, Err(ReplayError::Batch { field: "discounts", given: 1, expected: 2 })));
}

#[test]
fn priorities_that_are_none_change_nothing() {
    let mut replay = filled(Sampling::Prioritized);
    let ids: Vec<_> = replay.ids().take(2).collect();
    for wrong in [f64::NAN, f64::INFINITY, -0.5, 1e300] {
        let error = replay.update_priorities(&ids, &[2.0, wrong]).unwrap_err();
        assert!(matches!(error, ReplayError::Priority { position: 1, .. }), "{error}");
    }
    let error = replay.update_priorities(&ids, &[2.0f32]).unwrap_err();
    assert!(matches!(error, ReplayError::PriorityCount { ids: 2, priorities: 1 }));
    assert!(replay.ids().all(|id| replay.priority(id) == Some(1.0)));
}

#[test]
#[should_panic(expected = "bytes of a frame")]
fn a_frame_of_another_size_panics() {
    filled(Sampling::Uniform).push(&[0; 5], 0, 0.0, EpisodeEnd::Continues);
}

#[test]
fn nothing_is_allocated_once_it_is_made() {
    for sampling in [Sampling::Uniform, Sampling::Prioritized] {
        let mut replay = Replay::new(LAYOUT, sampling).unwrap();
        let mut batch = Batch::new(32, &LAYOUT);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
        let allocated = allocation_counter::measure(|| {
            for step in 0..1_000 {
                let end = if step % 30 == 29 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
                replay.push(&[1; 6], 0, 1.0, end);
                if replay.available() > 0 {
                    replay.sample(&mut rng, &mut batch).unwrap();
                    replay.update_priorities(&batch.ids, &[0.5f32; 32]).unwrap();
                }
            }
        });
        assert_eq!(allocated.count_total, 0);
    }
}
