#include "glue.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "ale/ale_interface.hpp"
#include "ale/common/ColourPalette.hpp"
#include "ale/common/Log.hpp"
#include "ale/emucore/Console.hxx"
#include "ale/emucore/MD5.hxx"
#include "ale/emucore/MediaSrc.hxx"
#include "ale/emucore/TIA.hxx"
#include "ale/environment/stella_environment.hpp"
#include "ale/games/Roms.hpp"

using ale::Action;
using ale::ALEInterface;
using ale::ALEState;
using ale::StellaEnvironment;

// ALE's saved states lack the action that a sticky action repeats, and the members that hold it are private. An explicit template
// instantiation may name private members, and a friend function that it defines exposes them.
Action& action_in_force(StellaEnvironment& environment);
float& strength_in_force(StellaEnvironment& environment);

template <Action StellaEnvironment::*action, float StellaEnvironment::*strength>
struct InForce {
  friend Action& action_in_force(StellaEnvironment& environment) { return environment.*action; }
  friend float& strength_in_force(StellaEnvironment& environment) { return environment.*strength; }
};

template struct InForce<&StellaEnvironment::m_player_a_action, &StellaEnvironment::m_paddle_a_strength>;

// ALE's saved states also lack the table patterns that the graphics chip draws until the next write to a register. Parts of the first
// frame depend on them. The chip declares a debugger class as its friend, which ALE does not define.
namespace ale::stella {
class TIADebug {
 public:
  // Marks an offset into the disabled mask table by its highest bit. Offsets count elements.
  static constexpr uint32_t NOTHING = 1u << 31;
  // Number of elements that the chip reads from an offset on.
  static constexpr uint32_t LINE = 160;

  explicit TIADebug(TIA& chip) : chip(chip) {}

  void save(uint32_t* places) const {
    places[0] = place(chip.myCurrentBLMask, TIA::ourBallMaskTable);
    places[1] = place(chip.myCurrentM0Mask, TIA::ourMissleMaskTable);
    places[2] = place(chip.myCurrentM1Mask, TIA::ourMissleMaskTable);
    places[3] = place(chip.myCurrentP0Mask, TIA::ourPlayerMaskTable);
    places[4] = place(chip.myCurrentP1Mask, TIA::ourPlayerMaskTable);
    places[5] = static_cast<uint32_t>(chip.myCurrentPFMask - &TIA::ourPlayfieldTable[0][0]);
  }

  void restore(const uint32_t* places) {
    const uint8_t* masks[5] = {
        mask(places[0], TIA::ourBallMaskTable),   mask(places[1], TIA::ourMissleMaskTable),
        mask(places[2], TIA::ourMissleMaskTable), mask(places[3], TIA::ourPlayerMaskTable),
        mask(places[4], TIA::ourPlayerMaskTable),
    };
    if (places[5] != 0 && places[5] != LINE) throw std::runtime_error("there is no such playfield");
    chip.myCurrentBLMask = masks[0];
    chip.myCurrentM0Mask = masks[1];
    chip.myCurrentM1Mask = masks[2];
    chip.myCurrentP0Mask = masks[3];
    chip.myCurrentP1Mask = masks[4];
    chip.myCurrentPFMask = &TIA::ourPlayfieldTable[0][0] + places[5];
  }

 private:
  template <typename Table>
  static uint32_t place(const uint8_t* mask, const Table& table) {
    const auto* first = reinterpret_cast<const uint8_t*>(&table);
    if (mask >= first && mask < first + sizeof(Table)) return static_cast<uint32_t>(mask - first);
    return NOTHING | static_cast<uint32_t>(mask - TIA::ourDisabledMaskTable);
  }

  template <typename Table>
  static const uint8_t* mask(uint32_t place, const Table& table) {
    const bool is_nothing = place & NOTHING;
    const uint32_t at = place & ~NOTHING;
    const size_t length = is_nothing ? sizeof(TIA::ourDisabledMaskTable) : sizeof(Table);
    if (at + LINE > length) throw std::runtime_error("there is no such pattern");
    return (is_nothing ? TIA::ourDisabledMaskTable : reinterpret_cast<const uint8_t*>(&table)) + at;
  }

  TIA& chip;
};
}  // namespace ale::stella

struct Emulator {
  std::unique_ptr<ALEInterface> ale;
  // Holds the last saved state until the next call.
  std::string state;
};

namespace {

// Number of actions of the first player. Other actions would make ALE exit the process.
constexpr int32_t ACTIONS = PLAYER_A_MAX;
// Strength of a paddle's movement.
constexpr float FULL = 1.0f;
// Pixels of one of the emulator's two frame buffers.
constexpr size_t FRAME_BUFFER = 160 * 300;

void tell(Message message, const char* text) {
  if (message.capacity == 0) return;
  const size_t length = std::min(std::strlen(text), message.capacity - 1);
  std::memcpy(message.text, text, length);
  message.text[length] = 0;
}

// Runs `body` and turns any exception into a message.
template <typename Body>
int guarded(Message message, Body body) noexcept {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    tell(message, error.what());
  } catch (const char* text) {
    tell(message, text);
  } catch (const std::string& text) {
    tell(message, text.c_str());
  } catch (...) {
    tell(message, "an exception of unknown type");
  }
  return 1;
}

Bytes bytes(const void* data, size_t length) { return {static_cast<const uint8_t*>(data), length}; }

// Checks that the file is the ROM of this game. ALE exits the process on an unknown ROM.
void check_rom(const std::filesystem::path& path, const std::string& game) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("the file cannot be read");
  std::vector<uint8_t> rom{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string sum = ale::stella::MD5(rom.data(), rom.size());
  // Without a name, only the MD5 sum decides.
  const std::unique_ptr<ale::RomSettings> settings(ale::buildRomRLWrapper({}, sum));
  if (!settings || settings->md5() != sum) {
    throw std::runtime_error("it is damaged, or is no game that ALE knows: its MD5 sum is " + sum);
  }
  if (settings->rom() != game) {
    throw std::runtime_error(std::string("it is the ROM of another game, ") + settings->rom());
  }
}

ale::stella::TIADebug chip(const Emulator* emulator) {
  return ale::stella::TIADebug(dynamic_cast<ale::stella::TIA&>(emulator->ale->theOSystem->console().mediaSource()));
}

size_t screen_length(const Emulator* emulator) { return emulator->ale->getScreen().arraySize(); }

}  // namespace

int emulator_open(const char* rom, const char* game, Options options, Emulator** opened, Message message) {
  return guarded(message, [&] {
    static std::once_flag quiet;
    std::call_once(quiet, [] { ale::Logger::setMode(ale::Logger::Error); });
    check_rom(rom, game);
    auto emulator = std::make_unique<Emulator>();
    emulator->ale = std::make_unique<ALEInterface>();
    ALEInterface& ale = *emulator->ale;
    ale.setInt("random_seed", options.seed);
    ale.setFloat("repeat_action_probability", options.repeat_action);
    ale.setInt("frame_skip", 1);
    ale.setInt("max_num_frames_per_episode", options.max_frames);
    ale.loadROM(rom);
    if (screen_length(emulator.get()) > FRAME_BUFFER) throw std::runtime_error("its screen is too large");
    // ALE does not initialise this member.
    strength_in_force(*ale.environment) = FULL;
    *opened = emulator.release();
  });
}

void emulator_close(Emulator* emulator) {
  char text[1];
  guarded({text, 0}, [&] { delete emulator; });
}

int emulator_reset(Emulator* emulator, Message message) {
  return guarded(message, [&] { emulator->ale->reset_game(); });
}

int emulator_act(Emulator* emulator, int32_t action, int32_t* reward, Message message) {
  return guarded(message, [&] {
    if (action < 0 || action >= ACTIONS) throw std::runtime_error("there is no such action");
    *reward = emulator->ale->act(static_cast<Action>(action), FULL);
  });
}

int32_t emulator_lives(Emulator* emulator) { return emulator->ale->lives(); }

int32_t emulator_game_over(const Emulator* emulator) { return emulator->ale->game_over(false); }

int32_t emulator_truncated(const Emulator* emulator) { return emulator->ale->game_truncated(); }

void emulator_size(const Emulator* emulator, size_t* height, size_t* width) {
  *height = emulator->ale->getScreen().height();
  *width = emulator->ale->getScreen().width();
}

Bytes emulator_screen(const Emulator* emulator) {
  return bytes(emulator->ale->getScreen().getArray(), screen_length(emulator));
}

Bytes emulator_ram(const Emulator* emulator) { return bytes(emulator->ale->getRAM().array(), RAM_LENGTH); }

void emulator_palette(const Emulator* emulator, uint8_t* grey, uint8_t* rgb) {
  // ALE reads the grey level of index i at i + 1 of a table of 256, so the last index would be out of bounds.
  uint8_t indices[256];
  for (int index = 0; index < 256; ++index) indices[index] = static_cast<uint8_t>(index);
  ale::ColourPalette& palette = emulator->ale->theOSystem->colourPalette();
  palette.applyPaletteGrayscale(grey, indices, 255);
  grey[255] = 0;
  palette.applyPaletteRGB(rgb, indices, 256);
}

size_t emulator_actions(const Emulator* emulator, int32_t minimal, uint8_t* actions) {
  const ale::ActionVect set = minimal ? emulator->ale->getMinimalActionSet() : emulator->ale->getLegalActionSet();
  const size_t count = std::min(set.size(), static_cast<size_t>(ACTIONS));
  for (size_t index = 0; index < count; ++index) actions[index] = static_cast<uint8_t>(set[index]);
  return count;
}

int emulator_save(Emulator* emulator, Bytes* state, Message message) {
  return guarded(message, [&] {
    emulator->state = emulator->ale->cloneSystemState().serialize();
    *state = bytes(emulator->state.data(), emulator->state.size());
  });
}

int emulator_restore(Emulator* emulator, Bytes state, Message message) {
  return guarded(message, [&] {
    ALEInterface& ale = *emulator->ale;
    const ALEState before = ale.cloneSystemState();
    const std::string given(reinterpret_cast<const char*>(state.data), state.length);
    try {
      ale.restoreSystemState(ALEState(given));
      // ALE ignores parts that it cannot read.
      if (ale.cloneSystemState().serialize() != given) throw std::runtime_error("the emulator does not read it back");
    } catch (...) {
      ale.restoreSystemState(before);
      throw;
    }
  });
}

int32_t emulator_held_action(Emulator* emulator) {
  return static_cast<int32_t>(action_in_force(*emulator->ale->environment));
}

int emulator_hold_action(Emulator* emulator, int32_t action, Message message) {
  return guarded(message, [&] {
    if (action < 0 || action >= ACTIONS) throw std::runtime_error("there is no such action");
    action_in_force(*emulator->ale->environment) = static_cast<Action>(action);
    strength_in_force(*emulator->ale->environment) = FULL;
  });
}

void emulator_frames(const Emulator* emulator, Bytes* current, Bytes* previous) {
  const ale::stella::MediaSource& source = emulator->ale->theOSystem->console().mediaSource();
  const size_t length = screen_length(emulator);
  *current = bytes(source.currentFrameBuffer(), length);
  *previous = bytes(source.previousFrameBuffer(), length);
}

int emulator_set_frames(Emulator* emulator, Bytes current, Bytes previous, Message message) {
  return guarded(message, [&] {
    const ale::stella::MediaSource& source = emulator->ale->theOSystem->console().mediaSource();
    const size_t length = screen_length(emulator);
    if (current.length != length || previous.length != length) throw std::runtime_error("a frame has another length");
    std::memcpy(source.currentFrameBuffer(), current.data, length);
    std::memcpy(source.previousFrameBuffer(), previous.data, length);
    std::memcpy(emulator->ale->getScreen().getArray(), current.data, length);
  });
}

int emulator_patterns(const Emulator* emulator, uint32_t* places, Message message) {
  return guarded(message, [&] { chip(emulator).save(places); });
}

int emulator_set_patterns(Emulator* emulator, const uint32_t* places, Message message) {
  return guarded(message, [&] { chip(emulator).restore(places); });
}
