//! The single-player games of the Arcade Learning Environment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Generates the enumeration from a table: name, ROM name, size of the minimal action set, size of the full action set.
macro_rules! games {
    ($($game:ident, $rom:literal, $minimal:literal, $full:literal;)*) => {
        /// A single-player Atari 2600 game of ALE 0.12.1, named as in the literature.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum AtariGame {
            $(
                #[doc = concat!("`", $rom, "`, with ", $minimal, " minimal actions.")]
                $game,
            )*
        }

        impl AtariGame {
            /// Every game, in alphabetical order.
            pub const ALL: &[AtariGame] = &[$(AtariGame::$game),*];

            /// The game's name in files and on the command line, as in the literature, e.g. `SpaceInvaders`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(AtariGame::$game => stringify!($game),)*
                }
            }

            /// The file name of the game's ROM without `.bin`, e.g. `space_invaders`.
            pub const fn rom(self) -> &'static str {
                match self {
                    $(AtariGame::$game => $rom,)*
                }
            }

            /// Size of the game's minimal action set: the joystick actions that have an effect.
            pub const fn minimal_actions(self) -> usize {
                match self {
                    $(AtariGame::$game => $minimal,)*
                }
            }

            /// Size of the game's full action set: 18, or 9 for a game without a button.
            pub const fn full_actions(self) -> usize {
                match self {
                    $(AtariGame::$game => $full,)*
                }
            }
        }
    };
}

games! {
    Adventure, "adventure", 18, 18;
    AirRaid, "air_raid", 6, 18;
    Alien, "alien", 18, 18;
    Amidar, "amidar", 10, 18;
    Assault, "assault", 7, 18;
    Asterix, "asterix", 9, 18;
    Asteroids, "asteroids", 14, 18;
    Atlantis, "atlantis", 4, 18;
    Atlantis2, "atlantis2", 4, 18;
    Backgammon, "backgammon", 3, 18;
    BankHeist, "bank_heist", 18, 18;
    BasicMath, "basic_math", 6, 18;
    BattleZone, "battle_zone", 18, 18;
    BeamRider, "beam_rider", 9, 18;
    Berzerk, "berzerk", 18, 18;
    Blackjack, "blackjack", 4, 18;
    Bowling, "bowling", 6, 18;
    Boxing, "boxing", 18, 18;
    Breakout, "breakout", 4, 18;
    Carnival, "carnival", 6, 18;
    Casino, "casino", 4, 18;
    Centipede, "centipede", 18, 18;
    ChopperCommand, "chopper_command", 18, 18;
    CrazyClimber, "crazy_climber", 9, 18;
    Crossbow, "crossbow", 18, 18;
    Darkchambers, "darkchambers", 18, 18;
    Defender, "defender", 18, 18;
    DemonAttack, "demon_attack", 6, 18;
    DonkeyKong, "donkey_kong", 18, 18;
    DoubleDunk, "double_dunk", 18, 18;
    Earthworld, "earthworld", 18, 18;
    ElevatorAction, "elevator_action", 18, 18;
    Enduro, "enduro", 9, 18;
    Entombed, "entombed", 18, 18;
    Et, "et", 18, 18;
    FishingDerby, "fishing_derby", 18, 18;
    FlagCapture, "flag_capture", 18, 18;
    Freeway, "freeway", 3, 18;
    Frogger, "frogger", 5, 18;
    Frostbite, "frostbite", 18, 18;
    Galaxian, "galaxian", 6, 18;
    Gopher, "gopher", 8, 18;
    Gravitar, "gravitar", 18, 18;
    Hangman, "hangman", 18, 18;
    HauntedHouse, "haunted_house", 18, 18;
    Hero, "hero", 18, 18;
    HumanCannonball, "human_cannonball", 18, 18;
    IceHockey, "ice_hockey", 18, 18;
    Jamesbond, "jamesbond", 18, 18;
    JourneyEscape, "journey_escape", 16, 18;
    Kaboom, "kaboom", 4, 18;
    Kangaroo, "kangaroo", 18, 18;
    KeystoneKapers, "keystone_kapers", 14, 18;
    KingKong, "king_kong", 6, 18;
    Klax, "klax", 18, 18;
    Koolaid, "koolaid", 9, 18;
    Krull, "krull", 18, 18;
    KungFuMaster, "kung_fu_master", 14, 18;
    LaserGates, "laser_gates", 18, 18;
    LostLuggage, "lost_luggage", 9, 9;
    MarioBros, "mario_bros", 18, 18;
    MiniatureGolf, "miniature_golf", 18, 18;
    MontezumaRevenge, "montezuma_revenge", 18, 18;
    MrDo, "mr_do", 10, 18;
    MsPacman, "ms_pacman", 9, 18;
    NameThisGame, "name_this_game", 6, 18;
    Othello, "othello", 10, 18;
    Pacman, "pacman", 5, 18;
    Phoenix, "phoenix", 8, 18;
    Pitfall, "pitfall", 18, 18;
    Pitfall2, "pitfall2", 18, 18;
    Pong, "pong", 6, 18;
    Pooyan, "pooyan", 6, 18;
    PrivateEye, "private_eye", 18, 18;
    Qbert, "qbert", 6, 18;
    Riverraid, "riverraid", 18, 18;
    RoadRunner, "road_runner", 18, 18;
    Robotank, "robotank", 18, 18;
    Seaquest, "seaquest", 18, 18;
    SirLancelot, "sir_lancelot", 6, 18;
    Skiing, "skiing", 3, 9;
    Solaris, "solaris", 18, 18;
    SpaceInvaders, "space_invaders", 6, 18;
    SpaceWar, "space_war", 18, 18;
    StarGunner, "star_gunner", 18, 18;
    Superman, "superman", 18, 18;
    Surround, "surround", 5, 18;
    Tennis, "tennis", 18, 18;
    Tetris, "tetris", 5, 18;
    TicTacToe3d, "tic_tac_toe_3d", 10, 18;
    TimePilot, "time_pilot", 10, 18;
    Trondead, "trondead", 18, 18;
    Turmoil, "turmoil", 12, 18;
    Tutankham, "tutankham", 8, 18;
    UpNDown, "up_n_down", 6, 18;
    Venture, "venture", 18, 18;
    VideoCheckers, "video_checkers", 5, 18;
    VideoChess, "video_chess", 10, 18;
    VideoCube, "video_cube", 18, 18;
    VideoPinball, "video_pinball", 9, 18;
    WizardOfWor, "wizard_of_wor", 10, 18;
    WordZapper, "word_zapper", 18, 18;
    YarsRevenge, "yars_revenge", 18, 18;
    Zaxxon, "zaxxon", 18, 18;
}

impl fmt::Display for AtariGame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ALE derives a game's name from the name of its ROM.
    #[test]
    fn a_name_is_its_roms_in_camel_case() {
        assert_eq!(AtariGame::ALL.len(), 104);
        for game in AtariGame::ALL {
            let words = game.rom().split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            assert_eq!(words.collect::<String>(), game.name());
        }
        assert!(AtariGame::ALL.is_sorted());
    }
}
