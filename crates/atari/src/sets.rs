//! Sets of games that papers report.

use crate::AtariGame;

/// A set of games from the literature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GameSet {
    /// The 20 games of most of the paper's figures (Fedus et al. 2020).
    Twenty,
    /// The 26 games of Atari 100k (Kaiser et al. 2020).
    TwentySix,
    /// The 60 games of Dopamine's baselines.
    Sixty,
}

impl GameSet {
    /// Every set, the smallest first.
    pub const ALL: [GameSet; 3] = [GameSet::Twenty, GameSet::TwentySix, GameSet::Sixty];

    /// The set's name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            GameSet::Twenty => "atari20",
            GameSet::TwentySix => "atari100k",
            GameSet::Sixty => "atari60",
        }
    }

    /// Its games, in alphabetical order.
    pub const fn games(self) -> &'static [AtariGame] {
        match self {
            GameSet::Twenty => &TWENTY,
            GameSet::TwentySix => &TWENTY_SIX,
            GameSet::Sixty => &SIXTY,
        }
    }
}

const TWENTY: [AtariGame; 20] = [
    AtariGame::AirRaid,
    AtariGame::Asterix,
    AtariGame::Asteroids,
    AtariGame::Bowling,
    AtariGame::Breakout,
    AtariGame::DemonAttack,
    AtariGame::Freeway,
    AtariGame::Gravitar,
    AtariGame::Jamesbond,
    AtariGame::MontezumaRevenge,
    AtariGame::MsPacman,
    AtariGame::Pong,
    AtariGame::PrivateEye,
    AtariGame::Qbert,
    AtariGame::Seaquest,
    AtariGame::SpaceInvaders,
    AtariGame::Venture,
    AtariGame::WizardOfWor,
    AtariGame::YarsRevenge,
    AtariGame::Zaxxon,
];

const TWENTY_SIX: [AtariGame; 26] = [
    AtariGame::Alien,
    AtariGame::Amidar,
    AtariGame::Assault,
    AtariGame::Asterix,
    AtariGame::BankHeist,
    AtariGame::BattleZone,
    AtariGame::Boxing,
    AtariGame::Breakout,
    AtariGame::ChopperCommand,
    AtariGame::CrazyClimber,
    AtariGame::DemonAttack,
    AtariGame::Freeway,
    AtariGame::Frostbite,
    AtariGame::Gopher,
    AtariGame::Hero,
    AtariGame::Jamesbond,
    AtariGame::Kangaroo,
    AtariGame::Krull,
    AtariGame::KungFuMaster,
    AtariGame::MsPacman,
    AtariGame::Pong,
    AtariGame::PrivateEye,
    AtariGame::Qbert,
    AtariGame::RoadRunner,
    AtariGame::Seaquest,
    AtariGame::UpNDown,
];

const SIXTY: [AtariGame; 60] = [
    AtariGame::AirRaid,
    AtariGame::Alien,
    AtariGame::Amidar,
    AtariGame::Assault,
    AtariGame::Asterix,
    AtariGame::Asteroids,
    AtariGame::Atlantis,
    AtariGame::BankHeist,
    AtariGame::BattleZone,
    AtariGame::BeamRider,
    AtariGame::Berzerk,
    AtariGame::Bowling,
    AtariGame::Boxing,
    AtariGame::Breakout,
    AtariGame::Carnival,
    AtariGame::Centipede,
    AtariGame::ChopperCommand,
    AtariGame::CrazyClimber,
    AtariGame::DemonAttack,
    AtariGame::DoubleDunk,
    AtariGame::ElevatorAction,
    AtariGame::Enduro,
    AtariGame::FishingDerby,
    AtariGame::Freeway,
    AtariGame::Frostbite,
    AtariGame::Gopher,
    AtariGame::Gravitar,
    AtariGame::Hero,
    AtariGame::IceHockey,
    AtariGame::Jamesbond,
    AtariGame::JourneyEscape,
    AtariGame::Kangaroo,
    AtariGame::Krull,
    AtariGame::KungFuMaster,
    AtariGame::MontezumaRevenge,
    AtariGame::MsPacman,
    AtariGame::NameThisGame,
    AtariGame::Phoenix,
    AtariGame::Pitfall,
    AtariGame::Pong,
    AtariGame::Pooyan,
    AtariGame::PrivateEye,
    AtariGame::Qbert,
    AtariGame::Riverraid,
    AtariGame::RoadRunner,
    AtariGame::Robotank,
    AtariGame::Seaquest,
    AtariGame::Skiing,
    AtariGame::Solaris,
    AtariGame::SpaceInvaders,
    AtariGame::StarGunner,
    AtariGame::Tennis,
    AtariGame::TimePilot,
    AtariGame::Tutankham,
    AtariGame::UpNDown,
    AtariGame::Venture,
    AtariGame::VideoPinball,
    AtariGame::WizardOfWor,
    AtariGame::YarsRevenge,
    AtariGame::Zaxxon,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixty_contain_the_others() {
        for set in GameSet::ALL {
            assert!(set.games().is_sorted() && set.games().iter().all(|game| SIXTY.contains(game)));
        }
    }
}
