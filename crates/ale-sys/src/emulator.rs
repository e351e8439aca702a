//! The emulator as a safe type.

use std::ffi::{CString, c_char, c_int};
use std::path::Path;
use std::ptr::NonNull;
use std::{fs, ptr, slice};

use crate::error::AleError;
use crate::interface::{self, Bytes, Emulator, Message, Options};

/// Maximum length of an error message in bytes.
const MESSAGE: usize = 512;
/// Upper bound on the size of a ROM in bytes, with a margin. ALE's largest ROM has 16,384 bytes.
const LARGEST_ROM: u64 = 1 << 20;

/// One of the 18 joystick actions, by ALE's number: 0 is a no-op, 1 fires, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action(u8);

impl Action {
    /// The no-op.
    pub const NOOP: Action = Action(0);

    /// The action with this number; `None` unless the number is below 18.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 18 { Some(Action(number)) } else { None }
    }

    /// ALE's number of the action.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Options that are fixed before a game starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AleOptions {
    /// Seed of the generator that draws sticky actions, at most 2^31 - 1.
    pub seed: u32,
    /// Probability of a sticky action: the previous action is repeated. Drawn once for each frame.
    pub repeat_action_probability: f32,
    /// Number of frames after which an episode is truncated; 0 for no limit. ALE counts from the start of the console.
    pub max_frames: u32,
}

/// The complete state of an [`Ale`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AleState {
    /// ALE's own state, including its random generator.
    pub emulator: Vec<u8>,
    /// The action that a sticky action repeats.
    pub held_action: Action,
    /// The current frame: palette indices, with the length of the [screen](Ale::screen).
    pub frame: Vec<u8>,
    /// The previous frame. Parts of it may show through in the next frame.
    pub previous_frame: Vec<u8>,
    /// The patterns that the graphics chip draws until its registers are next written, as offsets into its tables.
    pub patterns: [u32; 6],
}

/// A game in the emulator.
///
/// An `Ale` can be sent to another thread, but not shared between threads.
#[derive(Debug)]
pub struct Ale {
    emulator: NonNull<Emulator>,
    height: usize,
    width: usize,
}

// SAFETY: an emulator owns all data that it changes. ALE writes its shared tables once, before the first read, under
// `std::call_once`. An emulator may therefore move to another thread.
unsafe impl Send for Ale {}

impl Drop for Ale {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `emulator_open`, and nothing uses it after this call.
        unsafe { interface::emulator_close(self.emulator.as_ptr()) }
    }
}

impl Ale {
    /// Opens the game in the file `rom` at the start of an episode. The file must be the ROM of `game` (ALE's name, e.g.
    /// `space_invaders`).
    ///
    /// # Errors
    ///
    /// [`AleError::Option`] for an option out of range; [`AleError::Rom`] if the file is missing, unreadable, damaged or the ROM
    /// of another game.
    pub fn open(rom: &Path, game: &str, options: AleOptions) -> Result<Self, AleError> {
        let AleOptions { seed, repeat_action_probability: repeat_action, max_frames } = options;
        let seed = number("seed", seed)?;
        let max_frames = number("max_frames", max_frames)?;
        if !(0.0..=1.0).contains(&repeat_action) {
            let value = repeat_action.to_string();
            return Err(AleError::Option {
                option: "repeat_action_probability",
                value,
                rule: "a number from 0 to 1",
            });
        }
        let refused = |reason: String| AleError::Rom { path: rom.to_owned(), reason };
        let about = fs::metadata(rom).map_err(|error| refused(error.to_string()))?;
        if !about.is_file() || about.len() > LARGEST_ROM {
            return Err(refused("it is no file of a cartridge's size".into()));
        }
        let path = rom.to_str().and_then(|path| CString::new(path).ok());
        let path = path.ok_or_else(|| refused("its path is not plain text".into()))?;
        let game = CString::new(game).map_err(|_| refused("the game's name is not plain text".into()))?;
        let options = Options { seed, repeat_action, max_frames };
        let mut opened = ptr::null_mut();
        call(|message| {
            // SAFETY: the texts end with a zero and live until after the call; `opened` and `message` are valid places.
            unsafe { interface::emulator_open(path.as_ptr(), game.as_ptr(), options, &mut opened, message) }
        })
        .map_err(refused)?;
        let emulator = NonNull::new(opened).ok_or_else(|| refused("the emulator did not start".into()))?;
        let mut ale = Ale { emulator, height: 0, width: 0 };
        // SAFETY: the emulator is open, and both places are valid.
        unsafe { interface::emulator_size(emulator.as_ptr(), &mut ale.height, &mut ale.width) };
        Ok(ale)
    }

    /// Starts a new episode. The emulator's random generator is not reset, so episodes differ.
    ///
    /// # Errors
    ///
    /// [`AleError::Exception`].
    pub fn reset(&mut self) -> Result<(), AleError> {
        self.call("reset", |emulator, message| {
            // SAFETY: the emulator is open, and `message` is a valid place.
            unsafe { interface::emulator_reset(emulator, message) }
        })
    }

    /// Emulates one frame and returns its reward. After the end of an episode, the call has no effect.
    ///
    /// # Errors
    ///
    /// [`AleError::Exception`].
    pub fn act(&mut self, action: Action) -> Result<i32, AleError> {
        let mut reward = 0;
        self.call("act", |emulator, message| {
            // SAFETY: the emulator is open, and `reward` and `message` are valid places.
            unsafe { interface::emulator_act(emulator, action.0.into(), &mut reward, message) }
        })?;
        Ok(reward)
    }

    /// Remaining lives; 0 in a game without lives.
    pub fn lives(&self) -> i32 {
        // SAFETY: the emulator is open. The C++ function only reads a number of the loaded game.
        unsafe { interface::emulator_lives(self.emulator.as_ptr()) }
    }

    /// Whether the game is over.
    pub fn is_game_over(&self) -> bool {
        // SAFETY: the emulator is open.
        unsafe { interface::emulator_game_over(self.emulator.as_ptr()) != 0 }
    }

    /// Whether the episode has lasted for [`AleOptions::max_frames`].
    pub fn is_truncated(&self) -> bool {
        // SAFETY: the emulator is open.
        unsafe { interface::emulator_truncated(self.emulator.as_ptr()) != 0 }
    }

    /// Height of the screen in pixels. Most games have 210; some have up to 250.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width of the screen in pixels: 160.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The screen.
    ///
    /// # Shapes
    ///
    /// (height, width): indices into the [palette](Self::palette), row by row.
    pub fn screen(&self) -> &[u8] {
        // SAFETY: the emulator is open, and its screen does not move until a call that needs `&mut self`.
        unsafe { borrowed(interface::emulator_screen(self.emulator.as_ptr())) }
    }

    /// The console's RAM, 128 bytes.
    pub fn ram(&self) -> &[u8] {
        // SAFETY: the emulator is open, and its copy of the RAM does not move until a call that needs `&mut self`.
        unsafe { borrowed(interface::emulator_ram(self.emulator.as_ptr())) }
    }

    /// The grey level and the RGB colour of each of the 256 palette indices.
    pub fn palette(&self) -> ([u8; 256], [[u8; 3]; 256]) {
        let (mut grey, mut colours) = ([0; 256], [[0; 3]; 256]);
        let rgb = colours.as_flattened_mut();
        // SAFETY: the emulator is open; the call writes 256 and 768 bytes, the sizes of the two arrays.
        unsafe { interface::emulator_palette(self.emulator.as_ptr(), grey.as_mut_ptr(), rgb.as_mut_ptr()) };
        (grey, colours)
    }

    /// The game's minimal action set, in ALE's order.
    pub fn minimal_actions(&self) -> Vec<Action> {
        self.actions(true)
    }

    /// The game's full action set, in ALE's order.
    pub fn all_actions(&self) -> Vec<Action> {
        self.actions(false)
    }

    fn actions(&self, minimal: bool) -> Vec<Action> {
        let mut actions = [0; 18];
        // SAFETY: the emulator is open; the call writes at most 18 bytes, the size of the array.
        let count = unsafe {
            interface::emulator_actions(self.emulator.as_ptr(), minimal.into(), actions.as_mut_ptr())
        };
        actions[..count].iter().copied().filter_map(Action::new).collect()
    }

    /// Saves the complete state.
    ///
    /// # Errors
    ///
    /// [`AleError::Exception`].
    pub fn save(&self) -> Result<AleState, AleError> {
        let mut state = Bytes { data: ptr::null(), length: 0 };
        call(|message| {
            // SAFETY: the emulator is open, and `state` and `message` are valid places. The call changes only the text that
            // `state` then points to, and nothing else borrows that text.
            unsafe { interface::emulator_save(self.emulator.as_ptr(), &mut state, message) }
        })
        .map_err(|reason| AleError::Exception { call: "save", reason })?;
        // SAFETY: the call succeeded, and its bytes are valid until the next one.
        let emulator = unsafe { borrowed(state) }.to_vec();
        let [frame, previous_frame] = self.frames().map(<[u8]>::to_vec);
        // SAFETY: the emulator is open.
        let held = unsafe { interface::emulator_held_action(self.emulator.as_ptr()) };
        let held_action = u8::try_from(held).ok().and_then(Action::new).unwrap_or(Action::NOOP);
        let mut patterns = [0; 6];
        call(|message| {
            // SAFETY: the emulator is open, and the array has room for six offsets.
            unsafe { interface::emulator_patterns(self.emulator.as_ptr(), patterns.as_mut_ptr(), message) }
        })
        .map_err(|reason| AleError::Exception { call: "save", reason })?;
        Ok(AleState { emulator, held_action, frame, previous_frame, patterns })
    }

    /// Continues from a saved state of the same game.
    ///
    /// ALE accepts most damaged states without an error, and some make it exit the process. Pass only bytes whose integrity was checked.
    ///
    /// # Errors
    ///
    /// [`AleError::State`] if the state has the wrong size, or if the emulator does not serialise the same state again after the
    /// restore. The emulator then returns to its old state. MiniatureGolf is the exception: ALE writes its counters as flags, so neither
    /// its new state nor its old one is restored.
    pub fn restore(&mut self, state: &AleState) -> Result<(), AleError> {
        let refused = |reason: String| AleError::State { reason };
        if state.emulator.is_empty() {
            return Err(refused("it is empty".into()));
        }
        let length = self.height * self.width;
        if state.frame.len() != length || state.previous_frame.len() != length {
            return Err(refused(format!("its frames do not have the {length} pixels of this game's")));
        }
        let emulator = self.emulator.as_ptr();
        let before = self.save()?;
        call(|message| {
            // SAFETY: the emulator is open, and the borrowed bytes live until after the call.
            unsafe { interface::emulator_restore(emulator, bytes(&state.emulator), message) }
        })
        .map_err(refused)?;
        let result = self.set_rest(state).map_err(refused);
        if result.is_err() {
            // SAFETY: as above.
            let _ = call(|message| unsafe {
                interface::emulator_restore(emulator, bytes(&before.emulator), message)
            });
        }
        result
    }

    /// Sets the parts of the state that ALE's own state lacks. Fails on an invalid value.
    fn set_rest(&mut self, state: &AleState) -> Result<(), String> {
        let emulator = self.emulator.as_ptr();
        call(|message| {
            // SAFETY: the emulator is open, and the array has six offsets, which the call checks.
            unsafe { interface::emulator_set_patterns(emulator, state.patterns.as_ptr(), message) }
        })?;
        call(|message| {
            // SAFETY: the emulator is open.
            unsafe { interface::emulator_hold_action(emulator, state.held_action.0.into(), message) }
        })?;
        call(|message| {
            let (frame, previous) = (bytes(&state.frame), bytes(&state.previous_frame));
            // SAFETY: the emulator is open, and both frames have the screen's length, which was checked.
            unsafe { interface::emulator_set_frames(emulator, frame, previous, message) }
        })
    }

    /// The current and the previous frame, as the emulator drew them.
    fn frames(&self) -> [&[u8]; 2] {
        let mut frames = [Bytes { data: ptr::null(), length: 0 }; 2];
        let [current, previous] = &mut frames;
        // SAFETY: the emulator is open, and both places are valid.
        unsafe { interface::emulator_frames(self.emulator.as_ptr(), current, previous) };
        // SAFETY: the frames do not move until a call that needs `&mut self`.
        frames.map(|frame| unsafe { borrowed(frame) })
    }

    fn call(
        &mut self,
        name: &'static str,
        function: impl FnOnce(*mut Emulator, Message) -> c_int,
    ) -> Result<(), AleError> {
        let emulator = self.emulator.as_ptr();
        call(|message| function(emulator, message))
            .map_err(|reason| AleError::Exception { call: name, reason })
    }
}

/// Converts a number to the signed type of ALE's settings.
fn number(option: &'static str, value: u32) -> Result<i32, AleError> {
    i32::try_from(value).map_err(|_| AleError::Option {
        option,
        value: value.to_string(),
        rule: "at most 2147483647",
    })
}

/// Makes a call. If the call fails, returns its message.
fn call(function: impl FnOnce(Message) -> c_int) -> Result<(), String> {
    let mut text: [c_char; MESSAGE] = [0; MESSAGE];
    if function(Message { text: text.as_mut_ptr(), capacity: MESSAGE }) == 0 {
        return Ok(());
    }
    let letters = text.iter().take_while(|letter| **letter != 0).map(|letter| letter.cast_unsigned());
    Err(String::from_utf8_lossy(&letters.collect::<Vec<u8>>()).into_owned())
}

fn bytes(slice: &[u8]) -> Bytes {
    Bytes { data: slice.as_ptr(), length: slice.len() }
}

/// The bytes as a slice.
///
/// # Safety
///
/// The bytes must be valid and must not change for as long as the slice lives.
unsafe fn borrowed<'a>(bytes: Bytes) -> &'a [u8] {
    // SAFETY: the caller guarantees it.
    unsafe { slice::from_raw_parts(bytes.data, bytes.length) }
}
