//! DER on a game of Atari, end to end, beside Dopamine's.

use super::works::{Group, Peer, Size, Unit, Work, words};

/// One run on all cores together, since its network is large. The emulator with its preprocessing has a row of its own.
pub(super) fn der(size: Size) -> Option<Group> {
    let (game, steps) = ("RoadRunner", 60);
    let works =
        [("", "agent_steps", Unit::StepsPerSecond), ("/environment", "environment", Unit::Milliseconds)];
    let group = Group {
        ours: words(&format!("der {game} --steps {steps}")),
        peers: vec![Peer::Script {
            name: "Dopamine",
            package: "dopamine-rl",
            script: "dopamine_atari.py",
            arguments: words(&format!("--game {game} --steps {steps}")),
        }],
        works: works
            .map(|(part, figure, unit)| Work {
                name: format!("end-to-end/der-flat{part}"),
                figure,
                unit,
                targets: vec![None],
            })
            .into(),
        feature: Some("atari"),
        on_each_core: false,
        once: false,
        seconds: (60.0, 15.0),
    };
    // An update takes a tenth of a second.
    (size == Size::Full).then_some(group)
}
