//! Saved state of a game of Atari: the fuzzed bytes are the state, or, with a correct checksum, the part of it that is not the emulator's own.
//! What is refused changes nothing; what is taken can be played and saved.
//!
//! Needs emulator and ROMs: `cargo xtask atari setup`, then `cargo fuzz run --features atari atari_state`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe_env::DynEnvironment;
use softmoe_env::atari::{Atari, AtariGame, Settings};
use std::cell::RefCell;

/// A game, its state in bytes, and the parts of an older one: version, game, body, checksum.
struct Small {
    atari: Atari,
    state: Vec<u8>,
    parts: (String, String, Vec<u8>, u32),
}

thread_local! {
    static SMALL: RefCell<Small> = RefCell::new(small());
}

fn small() -> Small {
    let mut atari = Atari::new(AtariGame::Pong, &Settings::default(), 1).expect("`cargo xtask atari setup`");
    for action in 0..20 {
        DynEnvironment::step(&mut atari, action % 6);
    }
    // The parts are of an older state, so that a refused one that changed the emulator is seen.
    let parts = postcard::from_bytes(&DynEnvironment::save(&atari)).expect("its own state");
    for action in 0..20 {
        DynEnvironment::step(&mut atari, action % 6);
    }
    let state = DynEnvironment::save(&atari);
    Small { atari, state, parts }
}

/// The state whose body has these bytes behind those of the emulator.
fn with_rest((version, game, body, _): &(String, String, Vec<u8>, u32), rest: &[u8]) -> Vec<u8> {
    let (emulator, _) = postcard::take_from_bytes::<Vec<u8>>(body).expect("its own body");
    let body = [postcard::to_stdvec(&emulator).expect("memory"), rest.to_vec()].concat();
    let mut hasher = crc32fast::Hasher::new();
    for part in [version.as_bytes(), game.as_bytes(), &body] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    postcard::to_stdvec(&(version, game, body, hasher.finalize())).expect("memory")
}

fuzz_target!(|input: &[u8]| {
    let Some((&kind, bytes)) = input.split_first() else { return };
    SMALL.with_borrow_mut(|Small { atari, state, parts }| {
        let given = if kind % 2 == 0 { bytes.to_vec() } else { with_rest(parts, bytes) };
        match DynEnvironment::restore(atari, &given) {
            Ok(()) => {
                DynEnvironment::step(atari, 0);
                let saved = DynEnvironment::save(atari);
                DynEnvironment::restore(atari, &saved).expect("its own state");
            }
            Err(_) => assert!(DynEnvironment::save(atari) == *state, "a refused state changed the game"),
        }
        DynEnvironment::restore(atari, state).expect("its own state");
    });
});
