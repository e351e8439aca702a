//! A player's states, episodes and saved states, against frames written by hand.

mod toys;

use proptest::prelude::*;
use softmoe_env::{DynEnvironment, Player, TimeLimit};
use toys::{Counter, Floats};

/// The stack of the frames with these counts, oldest first; 0 is a frame before the episode's start.
fn stacked(counts: &[u8]) -> Vec<u8> {
    let frame = |count: u8| if count == 0 { [0; 4] } else { Counter::frame(count) };
    let pixel =
        |pixel: usize| counts.iter().flat_map(move |&count| [0, 1].map(|i| frame(count)[2 * pixel + i]));
    (0..2).flat_map(pixel).collect()
}

#[test]
fn a_state_is_the_last_frames_side_by_side_in_the_channels() {
    let mut player = Player::new(Box::new(Counter::new(50, 3)));
    assert_eq!(player.state(), stacked(&[0, 0, 1]));
    assert_eq!(player.state(), [0, 0, 0, 0, 1, 101, 0, 0, 0, 0, 1, 201], "height, width, frame, channel");
    for (count, expected) in [(1, [0, 1, 2]), (2, [1, 2, 3]), (3, [2, 3, 4])] {
        let played = player.step(0);
        assert_eq!(played.frame, Counter::frame(count), "the frame that the action was chosen on");
        assert_eq!(player.state(), stacked(&expected));
        assert_eq!(player.frame(), Counter::frame(count + 1));
    }
}

#[test]
fn a_stack_of_one_is_the_frame() {
    let mut player = Player::new(Box::new(Counter::new(50, 1)));
    for _ in 0..3 {
        assert_eq!(player.state(), player.frame());
        player.step(0);
    }
}

#[test]
fn episodes_are_counted_and_returned_and_begin_with_an_empty_stack() {
    for limit in [3, 99] {
        let mut player = Player::new(Box::new(TimeLimit::new(Counter::new(3, 2), limit)));
        for episode in 0..3 {
            assert_eq!((player.episodes(), player.episode_return()), (episode, 0.0));
            assert_eq!(player.state(), stacked(&[0, 1]));
            assert_eq!(player.step(2).finished, None);
            assert_eq!(player.step(0).finished, None);
            assert_eq!(player.episode_return(), 2.0);
            let played = player.step(1);
            assert_eq!(played.frame, Counter::frame(3));
            assert_eq!((played.finished, played.step.reward), (Some(3.0), 1.0));
            assert!(played.step.terminal && !played.step.truncated, "limit {limit}");
        }
    }
    let mut player = Player::new(Box::new(TimeLimit::new(Counter::new(3, 2), 2)));
    player.step(1);
    let played = player.step(1);
    assert_eq!((played.finished, played.step.truncated, played.step.terminal), (Some(2.0), true, false));
}

#[test]
fn a_reset_abandons_the_episode() {
    let mut player = Player::new(Box::new(Counter::new(50, 2)));
    player.step(2);
    player.reset();
    assert_eq!((player.episodes(), player.episode_return()), (0, 0.0));
    assert_eq!(player.state(), stacked(&[0, 1]));
}

#[test]
fn a_lost_life_empties_the_stack_only_where_asked_to() {
    for (restarts, after) in [(false, [1, 2]), (true, [0, 2])] {
        let mut player = Player::new(Box::new(Counter::new(50, 2))).restart_stack_on_life_loss(restarts);
        let played = player.step(1);
        assert!(played.step.life_lost);
        assert_eq!(played.finished, None, "the episode goes on");
        assert_eq!(player.state(), stacked(&after));
        player.step(1);
        assert_eq!(player.state(), stacked(&[2, 3]));
        assert_eq!(player.episode_return(), 2.0);
    }
}

#[test]
fn floats_are_little_endian_in_the_boxed_form() {
    let mut player: Player = Player::new(Box::new(Floats::default()));
    player.step(0);
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    assert_eq!(player.frame(), floats(&[0.25, -0.25, 1.0]));
    assert_eq!(player.state(), floats(&[0.0, -0.0, 1.0, 0.25, -0.25, 1.0]));
}

#[test]
#[should_panic]
fn a_frame_of_another_length_is_refused() {
    DynEnvironment::observe(&Floats::default(), &mut [0; 11]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_player_continues_identically(
        stack in 1_usize..5, length in 1_u8..9, limit in 1_u64..9, before in 0_usize..30, after in 1_usize..30,
    ) {
        let new = || Player::new(Box::new(TimeLimit::new(Counter::new(length, stack), limit)));
        let (mut player, mut restored) = (new(), new());
        for t in 0..before {
            player.step(t % 3);
        }
        restored.step(1);
        restored.restore(&player.save()).expect("its own state");
        for t in 0..after {
            prop_assert_eq!(player.state(), restored.state());
            prop_assert_eq!(player.episodes(), restored.episodes());
            prop_assert_eq!(player.step(t % 3), restored.step(t % 3));
        }
        prop_assert_eq!(player.save(), restored.save());
    }
}

#[test]
fn changed_states_are_refused_and_leave_the_player_as_it_was() {
    let mut player = Player::new(Box::new(Counter::new(50, 2)));
    player.step(1);
    let saved = player.save();
    let mut longer = saved.clone();
    longer.push(0);
    let mut impossible = Player::new(Box::new(Counter { count: 51, length: 90, stack: 2 }));
    impossible.step(0);
    let mut other = Player::new(Box::new(Counter::new(50, 3)));
    other.step(0);
    for (state, reason) in [
        (longer, "1 bytes follow"),
        (saved[..saved.len() - 1].to_vec(), "not a saved state"),
        (Vec::new(), "not a saved state"),
        (impossible.save(), "it counts to 50"),
        (other.save(), "are 12 bytes and should be 8"),
    ] {
        let error = player.restore(&state).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
        assert_eq!(player.save(), saved);
    }
}
