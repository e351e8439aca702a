//! An Atari 2600 game as an environment.

use std::fmt;

use ale_sys::{Action, Ale, AleOptions};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_atari::{ACTION_NAMES, AtariGame, Files, Preprocessing, Settings};

use super::SIZE;
use super::error::AtariError;
use super::screen::Screen;
use crate::{Element, Environment, EnvironmentSpec, Render, RgbFrame, Step};

/// Number of frames in a state.
const STACK: usize = 4;

/// An Atari 2600 game without a time limit.
///
/// Ignores [`Settings::max_episode_steps`], which [`TimeLimit`](crate::TimeLimit) applies. After the end of an episode, steps have no
/// effect and no reward until [`reset`](Environment::reset). An observation is one frame, (84, 84, 1).
/// [`Player`](crate::Player) stacks four.
///
/// # Panics
///
/// [`step`](Environment::step) and [`reset`](Environment::reset) panic if the emulator throws an exception. No ROM that `setup` has checked
/// causes one. [`try_step`](Self::try_step) and [`try_reset`](Self::try_reset) return the exception as an error.
pub struct Atari {
    pub(super) game: AtariGame,
    pub(super) settings: Settings,
    pub(super) ale: Ale,
    actions: Vec<Action>,
    colours: Box<[[u8; 3]; 256]>,
    pub(super) screen: Screen,
    /// Random generator for the number of no-ops.
    pub(super) noops: Xoshiro256PlusPlus,
    pub(super) lives: i32,
    /// Number of frames of the last step.
    pub(super) frames: u32,
}

/// The result of an agent step.
struct Cut {
    reward: i32,
    terminal: bool,
    truncated: bool,
    life_lost: bool,
}

impl Atari {
    /// The game at the start of its first episode. `seed` seeds all random numbers.
    ///
    /// # Errors
    ///
    /// [`AtariError::NotSetUp`] if the emulator's files are not set up, [`AtariError::Emulator`] for a missing, damaged or wrong ROM,
    /// [`AtariError::Setting`] for a setting out of range.
    pub fn new(game: AtariGame, settings: &Settings, seed: u64) -> Result<Self, AtariError> {
        Self::with_files(&Files::find()?, game, settings, seed)
    }

    /// As [`new`](Self::new), with the emulator's files in another directory.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_files(
        files: &Files,
        game: AtariGame,
        settings: &Settings,
        seed: u64,
    ) -> Result<Self, AtariError> {
        let mut draws = Xoshiro256PlusPlus::seed_from_u64(seed);
        // The emulator takes seeds below 2^31.
        let emulator_seed = draws.next_u32() >> 1;
        let mut atari = Self::with_emulator_seed(files, game, settings, emulator_seed, draws)?;
        atari.begin_with_noops()?;
        Ok(atari)
    }

    /// The game at the start of an episode without no-ops, with a given seed for the emulator. Other software's episodes can thus be
    /// reproduced.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also if `emulator_seed` is 2^31 or more.
    pub fn with_exact_seed(
        game: AtariGame,
        settings: &Settings,
        emulator_seed: u32,
    ) -> Result<Self, AtariError> {
        let draws = Xoshiro256PlusPlus::seed_from_u64(emulator_seed.into());
        let mut atari = Self::with_emulator_seed(&Files::find()?, game, settings, emulator_seed, draws)?;
        atari.begin();
        Ok(atari)
    }

    fn with_emulator_seed(
        files: &Files,
        game: AtariGame,
        settings: &Settings,
        emulator_seed: u32,
        noops: Xoshiro256PlusPlus,
    ) -> Result<Self, AtariError> {
        settings.check()?;
        let options = AleOptions {
            seed: emulator_seed,
            repeat_action_probability: settings.sticky_action_probability as f32,
            max_frames: settings.max_episode_frames,
        };
        let ale = Ale::open(&files.rom(game), game.rom(), options)?;
        let (grey, colours) = ale.palette();
        Ok(Atari {
            game,
            settings: settings.clone(),
            actions: if settings.full_action_set { ale.all_actions() } else { ale.minimal_actions() },
            colours: Box::new(colours),
            screen: Screen::new(ale.height(), ale.width(), grey),
            noops,
            lives: ale.lives(),
            frames: 0,
            ale,
        })
    }

    /// The game.
    pub fn game(&self) -> AtariGame {
        self.game
    }

    /// ALE's number of each action of this environment: 0 is a no-op, 1 fires, 2 goes up, and so on.
    pub fn action_numbers(&self) -> Vec<u8> {
        self.actions.iter().map(|action| action.number()).collect()
    }

    /// Remaining lives; 0 in a game without lives.
    pub fn lives(&self) -> i32 {
        self.ale.lives()
    }

    /// The console's RAM, 128 bytes.
    pub fn ram(&self) -> &[u8] {
        self.ale.ram()
    }

    /// The greyscale maximum over the last two frames, before the resize to an observation.
    ///
    /// # Shapes
    ///
    /// [`screen_size`](Self::screen_size), (height, width).
    pub fn pooled(&self) -> &[u8] {
        self.screen.pooled()
    }

    /// Height and width of the emulator's screen. Most games have 210 rows; some have up to 250.
    pub fn screen_size(&self) -> [usize; 2] {
        [self.ale.height(), self.ale.width()]
    }

    /// Number of frames that the last step emulated: [`Settings::frame_skip`], or fewer if the step ended early.
    pub fn frames_of_last_step(&self) -> u32 {
        self.frames
    }

    /// Takes one action, as [`step`](Environment::step).
    ///
    /// # Errors
    ///
    /// [`AtariError::Emulator`] if the emulator throws an exception.
    ///
    /// # Panics
    ///
    /// If `action` is not below the number of actions.
    pub fn try_step(&mut self, action: usize) -> Result<Step, AtariError> {
        let Cut { reward, terminal, truncated, life_lost } = self.play(self.actions[action])?;
        Ok(Step { reward: reward as f32, terminal, life_lost, truncated })
    }

    /// Starts a new episode, as [`reset`](Environment::reset).
    ///
    /// # Errors
    ///
    /// [`AtariError::Emulator`] if the emulator throws an exception.
    pub fn try_reset(&mut self) -> Result<(), AtariError> {
        self.ale.reset()?;
        self.begin_with_noops()
    }

    /// Starts a new episode after exactly `noop_frames` frames of the first action, which is a no-op in nearly all games.
    ///
    /// # Errors
    ///
    /// [`AtariError::Emulator`] if the emulator throws an exception.
    pub fn reset_after(&mut self, noop_frames: u32) -> Result<(), AtariError> {
        self.ale.reset()?;
        self.wait(noop_frames)?;
        self.begin();
        Ok(())
    }

    /// Plays the no-ops and makes the first observation of an episode. The emulator must just have been reset.
    fn begin_with_noops(&mut self) -> Result<(), AtariError> {
        match (self.settings.preprocessing, self.settings.noop_max) {
            (_, 0) => self.begin(),
            (Preprocessing::Dopamine, most) => {
                let steps = self.noops.random_range(0..most);
                self.begin();
                for _ in 0..steps {
                    let cut = self.play(self.actions[0])?;
                    let ends_a_life = cut.life_lost && self.settings.terminal_on_life_loss;
                    if cut.terminal || cut.truncated || ends_a_life {
                        self.ale.reset()?;
                        self.begin();
                    }
                }
            }
            (Preprocessing::Gymnasium, most) => {
                let frames = self.noops.random_range(1..=most);
                self.wait(frames)?;
                self.begin();
            }
        }
        Ok(())
    }

    /// Emulates frames with the first action, and resets the emulator if the game ends.
    fn wait(&mut self, frames: u32) -> Result<(), AtariError> {
        for _ in 0..frames {
            self.ale.act(self.actions[0])?;
            if self.ale.is_game_over() || self.ale.is_truncated() {
                self.ale.reset()?;
            }
        }
        Ok(())
    }

    /// Makes the first observation of an episode from the emulator's screen.
    fn begin(&mut self) {
        self.lives = self.ale.lives();
        self.frames = 0;
        self.screen.begin(self.ale.screen());
    }

    /// Plays an agent step.
    fn play(&mut self, action: Action) -> Result<Cut, AtariError> {
        let Settings { frame_skip, preprocessing, terminal_on_life_loss, .. } = self.settings;
        let lives_before = self.lives;
        let mut cut = Cut { reward: 0, terminal: false, truncated: false, life_lost: false };
        // The last two frames are kept in slots 0 and 1.
        let first_shown = frame_skip.saturating_sub(2);
        let mut looked_at = 0;
        for frame in 0..frame_skip {
            self.frames = frame + 1;
            cut.reward += self.ale.act(action)?;
            cut.terminal = self.ale.is_game_over();
            cut.truncated = !cut.terminal && self.ale.is_truncated();
            let lives = self.ale.lives();
            let lost_now = lives < self.lives;
            self.lives = lives;
            let is_over = cut.terminal || cut.truncated || (terminal_on_life_loss && lost_now);
            let sees_the_end = preprocessing == Preprocessing::Dopamine;
            if frame >= first_shown && (sees_the_end || !is_over) {
                self.screen.look((frame - first_shown) as usize, self.ale.screen());
                looked_at += 1;
            }
            if is_over {
                cut.life_lost = terminal_on_life_loss && lost_now;
                break;
            }
        }
        if !terminal_on_life_loss {
            cut.life_lost = self.lives < lives_before;
        }
        cut.life_lost &= !cut.terminal;
        match preprocessing {
            // The step ended before the last two frames: the previous observation stays.
            _ if looked_at == 0 => {}
            // The game ended in the last frame, which gymnasium does not read.
            Preprocessing::Gymnasium if looked_at < frame_skip.min(2) => self.screen.show_first_over_last(),
            _ => self.screen.show(),
        }
        Ok(cut)
    }
}

impl fmt::Debug for Atari {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Atari { game, settings, lives, .. } = self;
        f.debug_struct("Atari").field("game", game).field("settings", settings).field("lives", lives).finish()
    }
}

impl Environment for Atari {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        EnvironmentSpec {
            frame: [SIZE, SIZE, 1],
            stack: STACK,
            actions: self.actions.len(),
            element: Element::Byte { scale: 255 },
        }
    }

    fn reset(&mut self) {
        self.try_reset().unwrap_or_else(|error| panic!("{}: {error}", self.game));
    }

    fn step(&mut self, action: usize) -> Step {
        self.try_step(action).unwrap_or_else(|error| panic!("{}: {error}", self.game))
    }

    fn observe(&self, frame: &mut [u8]) {
        frame.copy_from_slice(self.screen.observation());
    }
}

impl Render for Atari {
    /// The emulator's screen in its original colours and size.
    fn render(&self) -> RgbFrame {
        let [height, width] = self.screen_size();
        let pixels = self.ale.screen().iter().flat_map(|&index| self.colours[usize::from(index)]).collect();
        RgbFrame { width, height, pixels }
    }

    fn action_name(&self, action: usize) -> Option<&'static str> {
        let number = *self.action_numbers().get(action)?;
        ACTION_NAMES.get(usize::from(number)).copied()
    }
}
