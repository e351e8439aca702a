//! Saving and restoring.
//!
//! ALE takes most damaged states without a word, and some end the process. So a saved state has a checksum over all of it, and names the
//! version of ALE and the game; all three are checked before ALE sees a byte. ALE's own state lacks the action in force and the screens;
//! they are saved beside it.

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
    /// CRC-32 of all of the above.
    checksum: u32,
}

/// What is restored.
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
    /// The state with a checksum.
    fn new(version: String, game: String, body: Vec<u8>) -> Self {
        let checksum = checksum(&version, &game, &body);
        AtariState { version, game, body, checksum }
    }
}

/// The lengths are part of it, so that no byte can move from one field to the next.
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
        let held_action = held_action.ok_or_else(|| impossible("the action in force is one of 18"))?;
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
