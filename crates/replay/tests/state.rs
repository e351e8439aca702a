//! Saving and restoring: nothing is lost, and damage is an error.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, ReplayError, Restoring, Sampling, Storage};

const SAMPLINGS: [Sampling; 2] = [Sampling::Uniform, Sampling::Prioritized];

/// Bytes before the priorities: magic, version, layout, sampling, counts.
const HEADER: usize = 8 + 4 + 5 * 8 + 8 + 1 + 8 + 8 + 2 + 8;

/// Pushes random rows, and now and then samples and updates priorities, as an agent does. Gives every batch.
fn live(replay: &mut Replay, rng: &mut Xoshiro256PlusPlus, steps: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    for _ in 0..steps {
        let end = match rng.random_range(0..10) {
            0 => EpisodeEnd::Terminal,
            1 => EpisodeEnd::Truncated,
            _ => EpisodeEnd::Continues,
        };
        replay.push(&rng.random::<[u8; 3]>(), rng.random(), rng.random(), end);
        if replay.available() > 0 && rng.random_bool(0.3) {
            let mut batch = Batch::new(4, replay.layout());
            replay.sample(rng, &mut batch).unwrap();
            let priorities: [f32; 4] = std::array::from_fn(|_| rng.random_range(0.0..3.0));
            replay.update_priorities(&batch.ids, &priorities).unwrap();
            batches.push(batch);
        }
    }
    batches
}

fn saved(replay: &Replay) -> Vec<u8> {
    let mut state = Vec::new();
    replay.write_state(&mut state).unwrap();
    state
}

fn any_layout() -> impl Strategy<Value = Layout> {
    (1usize..5, 1usize..5, 0usize..20).prop_map(|(stack, n_step, more)| Layout {
        capacity: stack + n_step + more,
        frame_len: 3,
        channels: 1,
        stack,
        n_step,
        discount: 0.97,
    })
}

/// A replay that has gone round its ring.
fn example(sampling: Sampling) -> Replay {
    let layout = Layout { capacity: 12, frame_len: 3, channels: 1, stack: 3, n_step: 2, discount: 0.97 };
    let mut replay = Replay::new(layout, sampling).unwrap();
    live(&mut replay, &mut Xoshiro256PlusPlus::seed_from_u64(5), 40);
    assert!(replay.available() > 0);
    replay
}

proptest! {
    #[test]
    fn a_restored_replay_goes_on_bit_for_bit(
        layout in any_layout(),
        sampling in prop::sample::select(SAMPLINGS.to_vec()),
        before in 0usize..100,
        after in 0usize..100,
        seed in any::<u64>(),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut replay = Replay::new(layout, sampling).unwrap();
        live(&mut replay, &mut rng, before);
        let state = saved(&replay);
        let mut restored = Replay::read_state(state.as_slice(), layout, sampling).unwrap();
        prop_assert_eq!(&saved(&restored), &state);

        let uninterrupted = live(&mut replay, &mut rng.clone(), after);
        let resumed = live(&mut restored, &mut rng, after);
        prop_assert_eq!(uninterrupted, resumed);
        prop_assert_eq!(saved(&replay), saved(&restored));
    }

    /// Rows written piece by piece as they come, as checkpoints write them, and read into either storage.
    #[test]
    fn rows_in_pieces_make_the_whole(
        layout in any_layout(),
        sampling in prop::sample::select(SAMPLINGS.to_vec()),
        pieces in prop::collection::vec(1usize..40, 1..6),
        seed in any::<u64>(),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut replay = Replay::with_storage(layout, sampling, Storage::Compressed).unwrap();
        let mut written: Vec<(std::ops::Range<u64>, Vec<u8>)> = Vec::new();
        for steps in pieces {
            live(&mut replay, &mut rng, steps);
            let start = written.last().map_or(0, |(rows, _)| rows.end).max(replay.rows().start);
            let rows = start..replay.rows().end;
            let mut bytes = Vec::new();
            replay.write_rows(rows.clone(), &mut bytes).unwrap();
            written.push((rows, bytes));
        }
        let mut head = Vec::new();
        replay.write_head(&mut head).unwrap();
        for storage in [Storage::Plain, Storage::Compressed] {
            let mut restoring = Restoring::read_head(head.as_slice(), layout, sampling, storage).unwrap();
            for (rows, bytes) in &written {
                let before = restoring.missing().start.saturating_sub(rows.start) as usize;
                if let Some(bytes) = bytes.get(before * (6 + layout.frame_len)..) {
                    restoring.read_rows(bytes, rows.end.max(restoring.missing().start)).unwrap();
                }
            }
            let restored = restoring.finish().unwrap();
            prop_assert_eq!(restored.storage(), storage);
            prop_assert_eq!(saved(&restored), saved(&replay));
        }
    }

    #[test]
    fn flipped_bits_are_an_error_or_a_replay_that_works(
        sampling in prop::sample::select(SAMPLINGS.to_vec()),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8, any::<bool>()), 1..4),
    ) {
        let replay = example(sampling);
        let mut state = saved(&replay);
        for (at, bit, in_header) in flips {
            let len = if in_header { HEADER } else { state.len() };
            state[at.index(len)] ^= 1 << bit;
        }
        if let Ok(mut restored) = Replay::read_state(state.as_slice(), *replay.layout(), sampling) {
            live(&mut restored, &mut Xoshiro256PlusPlus::seed_from_u64(6), 50);
        }
    }

    #[test]
    fn random_counts_are_an_error_or_a_replay_that_works(
        sampling in prop::sample::select(SAMPLINGS.to_vec()),
        pushed in prop_oneof![any::<u64>(), 0u64..80],
        first_id in prop_oneof![any::<u64>(), 0u64..80],
        preceding in prop_oneof![any::<u16>(), 0u16..4],
    ) {
        let replay = example(sampling);
        let mut state = saved(&replay);
        state[HEADER - 26..HEADER - 18].copy_from_slice(&pushed.to_le_bytes());
        state[HEADER - 18..HEADER - 10].copy_from_slice(&first_id.to_le_bytes());
        state[HEADER - 10..HEADER - 8].copy_from_slice(&preceding.to_le_bytes());
        if let Ok(mut restored) = Replay::read_state(state.as_slice(), *replay.layout(), sampling) {
            live(&mut restored, &mut Xoshiro256PlusPlus::seed_from_u64(6), 50);
        }
    }
}

#[test]
fn a_state_cut_short_is_damaged() {
    for sampling in SAMPLINGS {
        let replay = example(sampling);
        let state = saved(&replay);
        for len in 0..state.len() {
            let cut = Replay::read_state(&state[..len], *replay.layout(), sampling);
            assert!(matches!(cut, Err(ReplayError::Damaged(_))), "{len} of {} bytes: {cut:?}", state.len());
        }
    }
}

#[test]
fn bytes_after_a_state_are_refused() {
    for sampling in SAMPLINGS {
        let replay = example(sampling);
        let state = [saved(&replay), vec![0]].concat();
        let error = Replay::read_state(state.as_slice(), *replay.layout(), sampling).unwrap_err();
        assert!(error.to_string().contains("more bytes follow its end"), "{error}");
    }
}

#[test]
fn rows_that_are_missing_or_too_many_are_damage() {
    let replay = example(Sampling::Uniform);
    let (mut head, mut rows) = (Vec::new(), Vec::new());
    replay.write_head(&mut head).unwrap();
    replay.write_rows(replay.rows(), &mut rows).unwrap();
    let restoring = || {
        Restoring::read_head(head.as_slice(), *replay.layout(), Sampling::Uniform, Storage::Plain).unwrap()
    };
    assert_eq!(restoring().missing(), 28..40);
    let mut some = restoring();
    some.read_rows(rows.as_slice(), 39).unwrap();
    assert!(some.finish().unwrap_err().to_string().contains("rows 39 to 39 are missing"));
    let error = restoring().read_rows(rows.as_slice(), 41).unwrap_err();
    assert!(error.to_string().contains("end with 40, not with 41"), "{error}");
}

#[test]
fn the_largest_action_is_that_of_the_rows_kept() {
    let layout = Layout { capacity: 12, frame_len: 1, channels: 1, stack: 1, n_step: 1, discount: 0.9 };
    let mut replay = Replay::new(layout, Sampling::Uniform).unwrap();
    assert_eq!(replay.largest_action(), None);
    for (row, largest) in [(9, 9), (3, 9), (7, 9)] {
        replay.push(&[0], row, 0.0, EpisodeEnd::Continues);
        assert_eq!(replay.largest_action(), Some(largest));
    }
    for _ in 0..10 {
        replay.push(&[0], 1, 0.0, EpisodeEnd::Continues);
    }
    // The row of action 9 was overwritten.
    assert_eq!(replay.largest_action(), Some(7));
}

#[test]
fn another_layout_or_sampling_is_a_mismatch_that_names_the_field() {
    let replay = example(Sampling::Uniform);
    let (state, layout) = (saved(&replay), *replay.layout());
    let others = [
        ("capacity", Layout { capacity: 13, ..layout }, Sampling::Uniform),
        ("frame_len", Layout { frame_len: 4, ..layout }, Sampling::Uniform),
        ("channels", Layout { channels: 3, ..layout }, Sampling::Uniform),
        ("stack", Layout { stack: 2, ..layout }, Sampling::Uniform),
        ("n_step", Layout { n_step: 1, ..layout }, Sampling::Uniform),
        ("discount", Layout { discount: 0.98, ..layout }, Sampling::Uniform),
        ("sampling", layout, Sampling::Prioritized),
    ];
    for (name, layout, sampling) in others {
        match Replay::read_state(state.as_slice(), layout, sampling) {
            Err(ReplayError::Mismatch { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}
