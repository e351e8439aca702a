//! Declarations of the C interface in `glue/glue.hpp`.

use std::ffi::{c_char, c_int};

/// The emulator, opaque to Rust.
#[repr(C)]
pub(crate) struct Emulator {
    _opaque: [u8; 0],
}

/// Buffer for the message of a failed call.
#[repr(C)]
pub(crate) struct Message {
    pub(crate) text: *mut c_char,
    pub(crate) capacity: usize,
}

/// Options that are fixed before a game starts.
#[repr(C)]
pub(crate) struct Options {
    pub(crate) seed: i32,
    pub(crate) repeat_action: f32,
    pub(crate) max_frames: i32,
}

/// Borrowed bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Bytes {
    pub(crate) data: *const u8,
    pub(crate) length: usize,
}

unsafe extern "C" {
    pub(crate) fn emulator_open(
        rom: *const c_char,
        game: *const c_char,
        options: Options,
        opened: *mut *mut Emulator,
        message: Message,
    ) -> c_int;
    pub(crate) fn emulator_close(emulator: *mut Emulator);
    pub(crate) fn emulator_reset(emulator: *mut Emulator, message: Message) -> c_int;
    pub(crate) fn emulator_act(
        emulator: *mut Emulator,
        action: i32,
        reward: *mut i32,
        message: Message,
    ) -> c_int;
    pub(crate) fn emulator_lives(emulator: *mut Emulator) -> i32;
    pub(crate) fn emulator_game_over(emulator: *const Emulator) -> i32;
    pub(crate) fn emulator_truncated(emulator: *const Emulator) -> i32;
    pub(crate) fn emulator_size(emulator: *const Emulator, height: *mut usize, width: *mut usize);
    pub(crate) fn emulator_screen(emulator: *const Emulator) -> Bytes;
    pub(crate) fn emulator_ram(emulator: *const Emulator) -> Bytes;
    pub(crate) fn emulator_palette(emulator: *const Emulator, grey: *mut u8, rgb: *mut u8);
    pub(crate) fn emulator_actions(emulator: *const Emulator, minimal: i32, actions: *mut u8) -> usize;
    pub(crate) fn emulator_save(emulator: *mut Emulator, state: *mut Bytes, message: Message) -> c_int;
    pub(crate) fn emulator_restore(emulator: *mut Emulator, state: Bytes, message: Message) -> c_int;
    pub(crate) fn emulator_held_action(emulator: *mut Emulator) -> i32;
    pub(crate) fn emulator_hold_action(emulator: *mut Emulator, action: i32, message: Message) -> c_int;
    pub(crate) fn emulator_frames(emulator: *const Emulator, current: *mut Bytes, previous: *mut Bytes);
    pub(crate) fn emulator_set_frames(
        emulator: *mut Emulator,
        current: Bytes,
        previous: Bytes,
        message: Message,
    ) -> c_int;
    pub(crate) fn emulator_patterns(emulator: *const Emulator, places: *mut u32, message: Message) -> c_int;
    pub(crate) fn emulator_set_patterns(
        emulator: *mut Emulator,
        places: *const u32,
        message: Message,
    ) -> c_int;
}
