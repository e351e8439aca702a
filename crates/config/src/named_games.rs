//! Names of Atari games and of their sets, in files and on the command line.

use crate::names::{UnknownName, by_name};
use serde::de::{self, EnumAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};
use softmoe_atari::{AtariGame, GameSet};
use std::fmt;

/// The game of that name, or the games of the set of that name.
pub(crate) fn named_atari(name: &str) -> Result<Vec<AtariGame>, UnknownName> {
    if let Some(set) = GameSet::ALL.into_iter().find(|set| set.name() == name) {
        return Ok(set.games().to_vec());
    }
    by_name("game", name, AtariGame::ALL, AtariGame::name).map(|game| vec![game]).map_err(|unknown| {
        let sets = GameSet::ALL.iter().map(|set| set.name().to_owned());
        UnknownName { allowed: sets.chain(unknown.allowed).collect(), ..unknown }
    })
}

/// `games` without those that came before.
pub(crate) fn each_once<G: PartialEq>(games: Vec<G>) -> Vec<G> {
    let mut unique = Vec::with_capacity(games.len());
    for game in games {
        if !unique.contains(&game) {
            unique.push(game);
        }
    }
    unique
}

/// A list of names of Atari games and of their sets.
pub(crate) fn games_and_sets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AtariGame>, D::Error> {
    let named: Vec<Named> = Vec::deserialize(deserializer)?;
    Ok(each_once(named.into_iter().flat_map(|Named(games)| games).collect()))
}

/// The games that a name in a file stands for. A name is written like a variant without fields.
struct Named(Vec<AtariGame>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Variant;
        struct Name(String);

        impl<'de> Deserialize<'de> for Name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = Name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("the name of a game or of a set of games")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                        Ok(Name(text.to_owned()))
                    }
                }
                deserializer.deserialize_identifier(Text)
            }
        }
        impl<'de> Visitor<'de> for Variant {
            type Value = Named;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a game or of a set of games")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Named, A::Error> {
                let (Name(name), variant) = data.variant()?;
                variant.unit_variant()?;
                named_atari(&name).map(Named).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_enum("AtariGame", &[], Variant)
    }
}
