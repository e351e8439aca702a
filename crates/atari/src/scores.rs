//! Human and random-policy scores for human-normalised scores.
//!
//! The numbers come from `dqn_zoo/atari_data.py` (google-deepmind/dqn_zoo, commit 359945d) and equal those in `data/human_random.csv`.
//! Dopamine's `normalization_utils.py` has the same numbers, except for the random score of VideoPinball, which is 0 there.

use crate::AtariGame;

/// The scores that human normalisation maps to 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HumanScale {
    /// Score of the random policy, mapped to 0.
    pub random: f64,
    /// Score of a human, mapped to 1.
    pub human: f64,
}

impl AtariGame {
    /// The random and human scores, if published. Of the 60 games, AirRaid, Carnival, ElevatorAction, JourneyEscape and Pooyan have none.
    pub const fn human_scale(self) -> Option<HumanScale> {
        Some(match self {
            AtariGame::Alien => HumanScale { random: 227.8, human: 7127.7 },
            AtariGame::Amidar => HumanScale { random: 5.8, human: 1719.5 },
            AtariGame::Assault => HumanScale { random: 222.4, human: 742.0 },
            AtariGame::Asterix => HumanScale { random: 210.0, human: 8503.3 },
            AtariGame::Asteroids => HumanScale { random: 719.1, human: 47388.7 },
            AtariGame::Atlantis => HumanScale { random: 12850.0, human: 29028.1 },
            AtariGame::BankHeist => HumanScale { random: 14.2, human: 753.1 },
            AtariGame::BattleZone => HumanScale { random: 2360.0, human: 37187.5 },
            AtariGame::BeamRider => HumanScale { random: 363.9, human: 16926.5 },
            AtariGame::Berzerk => HumanScale { random: 123.7, human: 2630.4 },
            AtariGame::Bowling => HumanScale { random: 23.1, human: 160.7 },
            AtariGame::Boxing => HumanScale { random: 0.1, human: 12.1 },
            AtariGame::Breakout => HumanScale { random: 1.7, human: 30.5 },
            AtariGame::Centipede => HumanScale { random: 2090.9, human: 12017.0 },
            AtariGame::ChopperCommand => HumanScale { random: 811.0, human: 7387.8 },
            AtariGame::CrazyClimber => HumanScale { random: 10780.5, human: 35829.4 },
            AtariGame::Defender => HumanScale { random: 2874.5, human: 18688.9 },
            AtariGame::DemonAttack => HumanScale { random: 152.1, human: 1971.0 },
            AtariGame::DoubleDunk => HumanScale { random: -18.6, human: -16.4 },
            AtariGame::Enduro => HumanScale { random: 0.0, human: 860.5 },
            AtariGame::FishingDerby => HumanScale { random: -91.7, human: -38.7 },
            AtariGame::Freeway => HumanScale { random: 0.0, human: 29.6 },
            AtariGame::Frostbite => HumanScale { random: 65.2, human: 4334.7 },
            AtariGame::Gopher => HumanScale { random: 257.6, human: 2412.5 },
            AtariGame::Gravitar => HumanScale { random: 173.0, human: 3351.4 },
            AtariGame::Hero => HumanScale { random: 1027.0, human: 30826.4 },
            AtariGame::IceHockey => HumanScale { random: -11.2, human: 0.9 },
            AtariGame::Jamesbond => HumanScale { random: 29.0, human: 302.8 },
            AtariGame::Kangaroo => HumanScale { random: 52.0, human: 3035.0 },
            AtariGame::Krull => HumanScale { random: 1598.0, human: 2665.5 },
            AtariGame::KungFuMaster => HumanScale { random: 258.5, human: 22736.3 },
            AtariGame::MontezumaRevenge => HumanScale { random: 0.0, human: 4753.3 },
            AtariGame::MsPacman => HumanScale { random: 307.3, human: 6951.6 },
            AtariGame::NameThisGame => HumanScale { random: 2292.3, human: 8049.0 },
            AtariGame::Phoenix => HumanScale { random: 761.4, human: 7242.6 },
            AtariGame::Pitfall => HumanScale { random: -229.4, human: 6463.7 },
            AtariGame::Pong => HumanScale { random: -20.7, human: 14.6 },
            AtariGame::PrivateEye => HumanScale { random: 24.9, human: 69571.3 },
            AtariGame::Qbert => HumanScale { random: 163.9, human: 13455.0 },
            AtariGame::Riverraid => HumanScale { random: 1338.5, human: 17118.0 },
            AtariGame::RoadRunner => HumanScale { random: 11.5, human: 7845.0 },
            AtariGame::Robotank => HumanScale { random: 2.2, human: 11.9 },
            AtariGame::Seaquest => HumanScale { random: 68.4, human: 42054.7 },
            AtariGame::Skiing => HumanScale { random: -17098.1, human: -4336.9 },
            AtariGame::Solaris => HumanScale { random: 1236.3, human: 12326.7 },
            AtariGame::SpaceInvaders => HumanScale { random: 148.0, human: 1668.7 },
            AtariGame::StarGunner => HumanScale { random: 664.0, human: 10250.0 },
            AtariGame::Surround => HumanScale { random: -10.0, human: 6.5 },
            AtariGame::Tennis => HumanScale { random: -23.8, human: -8.3 },
            AtariGame::TimePilot => HumanScale { random: 3568.0, human: 5229.2 },
            AtariGame::Tutankham => HumanScale { random: 11.4, human: 167.6 },
            AtariGame::UpNDown => HumanScale { random: 533.4, human: 11693.2 },
            AtariGame::Venture => HumanScale { random: 0.0, human: 1187.5 },
            AtariGame::VideoPinball => HumanScale { random: 16256.9, human: 17667.9 },
            AtariGame::WizardOfWor => HumanScale { random: 563.5, human: 4756.5 },
            AtariGame::YarsRevenge => HumanScale { random: 3092.9, human: 54576.9 },
            AtariGame::Zaxxon => HumanScale { random: 32.5, human: 9173.3 },
            _ => return None,
        })
    }

    /// A remark on the game's scale for whoever compares scores with other tables; `None` for all games but VideoPinball.
    pub const fn scale_remark(self) -> Option<&'static str> {
        match self {
            AtariGame::VideoPinball => {
                Some("VideoPinball's random score is 16,256.9, as in dqn_zoo; Dopamine's table has 0.0")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GameSet;

    #[test]
    fn the_table_is_that_of_the_file() {
        let text = include_str!("../data/human_random.csv");
        let mut rows = 0;
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let game = AtariGame::ALL.iter().find(|game| game.name() == fields[0]).expect("a game");
            let [random, human] = [1, 2].map(|field: usize| fields[field].parse().expect("a number"));
            assert_eq!(game.human_scale(), Some(HumanScale { random, human }), "{game}");
            rows += 1;
        }
        assert_eq!(AtariGame::ALL.iter().filter(|game| game.human_scale().is_some()).count(), rows);
        let without = GameSet::Sixty.games().iter().filter(|game| game.human_scale().is_none());
        let names: Vec<&str> = without.map(|game| game.name()).collect();
        assert_eq!(names, ["AirRaid", "Carnival", "ElevatorAction", "JourneyEscape", "Pooyan"]);
    }
}
