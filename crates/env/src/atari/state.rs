//! Saved states of Atari games.
//!
//! ALE accepts most damaged states without an error, and some make it exit the process. A saved state therefore names the ALE version and
//! the game, and has a checksum over all its bytes. All three are checked before ALE reads any byte. ALE's own state lacks the action that
//! a sticky action repeats, the screens and the patterns of the graphics chip; they are saved beside ALE's state.

use ale_sys::{Action, AleState};
use crc32fast::Hasher;
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_atari::{AtariGame, VERSION};

use super::environment::Atari;
use crate::error::decode;
use crate::{RestoreError, SaveState};

/// The state of an [`Atari`] game.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtariState {
    /// Version of ALE.
    version: String,
    /// Name of the game.
    game: String,
    /// A [`Body`] in postcard's format.
    body: Vec<u8>,
    /// CRC-32 of all fields above.
    checksum: u32,
}

/// The contents of a saved state.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Body {
    emulator: Vec<u8>,
    held_action: u8,
    frame: Vec<u8>,
    previous_frame: Vec<u8>,
    patterns: [u32; 6],
    second: Option<Vec<u8>>,
    pooled: Vec<u8>,
    lives: i32,
    noops: Xoshiro256PlusPlus,
}

impl AtariState {
    /// Creates a state with its checksum.
    fn new(version: String, game: String, body: Vec<u8>) -> Self {
        let checksum = checksum(&version, &game, &body);
        AtariState { version, game, body, checksum }
    }
}

/// The checksum covers the lengths, so no byte can move from one field to the next.
fn checksum(version: &str, game: &str, body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    for part in [version.as_bytes(), game.as_bytes(), body] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

impl SaveState for Atari {
    type State = AtariState;

    /// # Panics
    ///
    /// If the emulator throws an exception, e.g. for lack of memory.
    fn save(&self) -> AtariState {
        let (second, pooled) = self.screen.save();
        let AleState { emulator, held_action, frame, previous_frame, patterns } =
            self.ale.save().unwrap_or_else(|error| panic!("{}: {error}", self.game));
        let body = Body {
            emulator,
            held_action: held_action.number(),
            frame,
            previous_frame,
            patterns,
            second,
            pooled,
            lives: self.lives,
            noops: self.noops.clone(),
        };
        let body = postcard::to_stdvec(&body).expect("postcard writes bytes and numbers");
        AtariState::new(VERSION.to_owned(), self.game.name().to_owned(), body)
    }

    fn restore(&mut self, state: AtariState) -> Result<(), RestoreError> {
        let environment = self.game.name();
        let AtariState { version, game, body, checksum: expected } = state;
        let impossible = |rule| RestoreError::Impossible { environment, rule };
        if checksum(&version, &game, &body) != expected {
            return Err(impossible("its checksum is not that of its bytes"));
        }
        if version != VERSION {
            let software = "the Arcade Learning Environment";
            return Err(RestoreError::OtherVersion { software, found: version, expected: VERSION });
        }
        if game != environment {
            let known = AtariGame::ALL.iter().find(|known| known.name() == game);
            let found = known.map_or("an unknown game", |known| known.name());
            return Err(RestoreError::OtherEnvironment { found, expected: environment });
        }
        let body: Body = decode(&body)?;
        let length = self.ale.height() * self.ale.width();
        let others = [&body.frame, &body.previous_frame, &body.pooled];
        if others.into_iter().chain(&body.second).any(|screen| screen.len() != length) {
            return Err(impossible("its screens have the size of this game's"));
        }
        let held_action = Action::new(body.held_action);
        let held_action = held_action.ok_or_else(|| impossible("its held action is one of 18"))?;
        let mut ahead = body.noops.clone();
        if (0..4).all(|_| ahead.next_u64() == 0) {
            return Err(impossible("its random generator cannot be in this state"));
        }
        let Body { emulator, frame, previous_frame, patterns, second, pooled, lives, noops, .. } = body;
        let state = AleState { emulator, held_action, frame, previous_frame, patterns };
        let refused = |error: ale_sys::AleError| RestoreError::Undecodable { reason: error.to_string() };
        self.ale.restore(&state).map_err(refused)?;
        self.screen.restore(second.as_deref(), &pooled);
        (self.lives, self.noops, self.frames) = (lives, noops, 0);
        Ok(())
    }
}
