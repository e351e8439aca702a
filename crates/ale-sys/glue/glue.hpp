// The C interface between Rust and ALE. Every function that can fail returns 0 for success and writes a message otherwise.
// No exception leaves it, and no call of it reaches one of ALE's exits: see the checks in glue.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

struct Emulator;

// Where a failed call writes its message: at most `capacity` bytes, with a zero at the end.
struct Message {
  char* text;
  size_t capacity;
};

// What is decided before a game starts. ALE reads it when it loads the ROM.
struct Options {
  int32_t seed;         // not negative
  float repeat_action;  // probability that the last action stays in force, once for each frame
  int32_t max_frames;   // frames after which an episode is truncated; 0 for none
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
// Indices into the palette, row by row.
Bytes emulator_screen(const Emulator* emulator);
Bytes emulator_ram(const Emulator* emulator);
// For each of 256 indices of the palette: its grey level, and its red, green and blue.
void emulator_palette(const Emulator* emulator, uint8_t* grey, uint8_t* rgb);
// Writes the actions' numbers to 18 bytes, and gives how many there are.
size_t emulator_actions(const Emulator* emulator, int32_t minimal, uint8_t* actions);

// The emulator's own state, its random generator included, but without the following.
int emulator_save(Emulator* emulator, Bytes* state, Message message);
// Takes it. Where the state does not read back as it was given, the former one is put back.
int emulator_restore(Emulator* emulator, Bytes state, Message message);
// The action in force, which a sticky action repeats.
int32_t emulator_held_action(Emulator* emulator);
int emulator_hold_action(Emulator* emulator, int32_t action, Message message);
// The pixels of the last frame and of the one before, each as long as the screen.
void emulator_frames(const Emulator* emulator, Bytes* current, Bytes* previous);
// Overwrites them, and the screen with the last one.
int emulator_set_frames(Emulator* emulator, Bytes current, Bytes previous, Message message);

// The six patterns that the graphics chip draws with: ball, missiles, players, playfield, as places in its tables.
int emulator_patterns(const Emulator* emulator, uint32_t* places, Message message);
int emulator_set_patterns(Emulator* emulator, const uint32_t* places, Message message);

}  // extern "C"
