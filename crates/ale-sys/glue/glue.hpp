// The C interface between Rust and ALE. Every function that can fail returns 0 on success and writes a message on failure.
// No exception crosses the interface, and no call makes ALE exit the process: see the checks in glue.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

struct Emulator;

// Buffer for the message of a failed call: at most `capacity` bytes, zero-terminated.
struct Message {
  char* text;
  size_t capacity;
};

// Options that are fixed before a game starts. ALE reads them when it loads the ROM.
struct Options {
  int32_t seed;         // not negative
  float repeat_action;  // probability of a sticky action, drawn once for each frame
  int32_t max_frames;   // frames after which an episode is truncated; 0 for no limit
};

// Borrowed bytes, valid until the next call with the same emulator.
struct Bytes {
  const uint8_t* data;
  size_t length;
};

int emulator_open(const char* rom, const char* game, Options options, Emulator** opened, Message message);
void emulator_close(Emulator* emulator);

int emulator_reset(Emulator* emulator, Message message);
int emulator_act(Emulator* emulator, int32_t action, int32_t* reward, Message message);

int32_t emulator_lives(Emulator* emulator);
int32_t emulator_game_over(const Emulator* emulator);
int32_t emulator_truncated(const Emulator* emulator);

// Height and width of the screen, in pixels.
void emulator_size(const Emulator* emulator, size_t* height, size_t* width);
// Palette indices, row by row.
Bytes emulator_screen(const Emulator* emulator);
Bytes emulator_ram(const Emulator* emulator);
// The grey level and the RGB colour of each of the 256 palette indices.
void emulator_palette(const Emulator* emulator, uint8_t* grey, uint8_t* rgb);
// Writes the numbers of the actions to an array of 18 bytes, and returns their count.
size_t emulator_actions(const Emulator* emulator, int32_t minimal, uint8_t* actions);

// Saves the emulator's own state, including its random generator, but without the parts below.
int emulator_save(Emulator* emulator, Bytes* state, Message message);
// Restores a saved state. If the emulator does not serialise the same state again, the old state is put back.
int emulator_restore(Emulator* emulator, Bytes state, Message message);
// The action that a sticky action repeats.
int32_t emulator_held_action(Emulator* emulator);
int emulator_hold_action(Emulator* emulator, int32_t action, Message message);
// The pixels of the current and of the previous frame, each with the length of the screen.
void emulator_frames(const Emulator* emulator, Bytes* current, Bytes* previous);
// Overwrites both frames, and the screen with the current one.
int emulator_set_frames(Emulator* emulator, Bytes current, Bytes previous, Message message);

// The six patterns that the graphics chip draws (ball, missiles, players, playfield), as offsets into its tables.
int emulator_patterns(const Emulator* emulator, uint32_t* places, Message message);
int emulator_set_patterns(Emulator* emulator, const uint32_t* places, Message message);

}  // extern "C"
