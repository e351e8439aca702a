//! The measurements, their peers, and their targets.
//!
//! A group is a set of works that one process of each side measures together: ours with its arguments, each peer with its
//! script and arguments.

use super::der;
use softmoe_config::names::nearest;

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    StepsPerSecond,
    UpdatesPerSecond,
    Gigaflops,
    Kilobytes,
    Megabytes,
    Count,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::StepsPerSecond => "steps/s",
            Unit::UpdatesPerSecond => "updates/s",
            Unit::Gigaflops => "GFLOP/s",
            Unit::Kilobytes => "kB",
            Unit::Megabytes => "MB",
            Unit::Count => "count",
        }
    }

    /// Whether larger is better.
    pub(crate) fn is_rate(self) -> bool {
        matches!(self, Unit::StepsPerSecond | Unit::UpdatesPerSecond | Unit::Gigaflops)
    }

    /// The ratio of our time to the peer's, from a figure of each.
    pub(crate) fn ratio(self, ours: f64, peer: f64) -> f64 {
        if self.is_rate() { peer / ours } else { ours / peer }
    }
}

/// A peer: other software, or a limit that we set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Peer {
    /// A script in `peers/`.
    Script {
        /// Its displayed name.
        name: &'static str,
        /// The package whose version is shown beside it.
        package: &'static str,
        script: &'static str,
        arguments: Vec<String>,
    },
    /// An upper limit.
    Limit(f64),
    /// Another figure of our own measurement: the processor's peak, or the emulator alone.
    Own {
        /// Its displayed name.
        name: &'static str,
        figure: &'static str,
    },
}

/// A quantity that both sides measure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Work {
    /// Its name, e.g. `step/minatar-flat`.
    pub(crate) name: String,
    /// Its name among the figures of a round.
    pub(crate) figure: &'static str,
    pub(crate) unit: Unit,
    /// The largest ratio that is good enough, for each peer of the group; `None` without a target, or if the peer has no
    /// such figure.
    pub(crate) targets: Vec<Option<f64>>,
}

/// Works that a process of each side measures together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Arguments of `softmoe-measure`.
    pub(crate) ours: Vec<String>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) works: Vec<Work>,
    /// The feature that `softmoe-measure` needs beside its usual ones.
    pub(crate) feature: Option<&'static str>,
    /// Whether each core has a process of its own, instead of one process for all.
    pub(crate) on_each_core: bool,
    /// Whether one round is enough.
    pub(crate) once: bool,
    /// Approximate times: seconds until the peers are ready, and seconds of a round.
    pub(crate) seconds: (f64, f64),
}

/// The extent of a benchmark: everything, or a part in two minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Full,
    Quick,
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// All groups of an extent.
pub(crate) fn groups(size: Size) -> Vec<Group> {
    let mut groups = networks(size);
    groups.extend(products(size));
    groups.push(games(size));
    groups.extend(atari(size));
    groups.extend(["minatar", "atari"].map(|shape| replay(size, shape)));
    groups.extend(runs(size));
    groups.extend(der::der(size));
    groups.push(memory());
    groups
}

/// Training steps and actions, with the targets of both and the approximate time of a round.
fn networks(size: Size) -> Vec<Group> {
    let networks = [
        ("minatar-flat", Some(0.4), Some(0.5), true, (12.0, 1.0)),
        ("minatar-softmoe4", Some(0.25), Some(0.65), true, (12.0, 2.0)),
        ("minatar-softmoe1x4", Some(0.4), None, false, (12.0, 3.0)),
        ("nature-flat", Some(0.5), None, false, (15.0, 4.0)),
        ("nature-softmoe4", Some(0.5), None, false, (15.0, 9.0)),
        ("impala-flat", Some(0.5), Some(0.6), true, (20.0, 6.0)),
        ("impala-softmoe4", Some(0.5), Some(0.6), false, (20.0, 6.0)),
    ];
    let peer = |name, package, framework: &str, network: &str| Peer::Script {
        name,
        package,
        script: "train_step.py",
        arguments: words(&format!("--frameworks {framework} --only {framework}/{network}")),
    };
    let group = |(network, step, act, _, seconds): (&str, _, _, _, _)| Group {
        ours: words(&format!("network {network}")),
        peers: vec![
            peer("JAX jit", "jax", "jax", network),
            peer("PyTorch fused", "torch", "torch-fused", network),
        ],
        works: [("step", step), ("act", act)]
            .map(|(figure, target)| Work {
                name: format!("{figure}/{network}"),
                figure,
                unit: Unit::Milliseconds,
                targets: vec![target; 2],
            })
            .into(),
        feature: None,
        on_each_core: false,
        once: false,
        seconds,
    };
    networks.into_iter().filter(|network| size == Size::Full || network.3).map(group).collect()
}

/// Target: products and convolutions of an update reach three quarters of the processor's peak.
fn products(size: Size) -> Vec<Group> {
    let group = |network: &str| Group {
        ours: words(&format!("products {network}")),
        peers: vec![Peer::Own { name: "peak multiply-adds", figure: "multiply-adds" }],
        works: vec![Work {
            name: format!("products/{network}"),
            figure: "products",
            unit: Unit::Gigaflops,
            targets: vec![Some(1.0 / 0.75)],
        }],
        feature: None,
        on_each_core: true,
        once: false,
        seconds: (0.0, 3.0),
    };
    let networks = ["minatar-flat", "minatar-softmoe4", "impala-flat"];
    networks.into_iter().filter(|_| size == Size::Full).map(group).collect()
}

fn games(size: Size) -> Group {
    let steps = if size == Size::Full { 20_000 } else { 5_000 };
    Group {
        ours: words("games"),
        peers: vec![Peer::Script {
            name: "MinAtar",
            package: "minatar",
            script: "minatar_env.py",
            arguments: words(&format!("--steps {steps}")),
        }],
        works: ["asterix", "breakout", "freeway", "seaquest", "space_invaders"]
            .map(|game| Work {
                name: format!("env/{game}"),
                figure: game,
                unit: Unit::StepsPerSecond,
                targets: vec![Some(0.05)],
            })
            .into(),
        feature: None,
        on_each_core: false,
        once: false,
        seconds: (3.0, 1.0),
    }
}

/// Targets: at least as many steps as ale-py's own vector environment on the same threads, a fifth more than gymnasium's wrappers in one
/// environment, and no more than a tenth of the emulator's time for everything around it.
fn atari(size: Size) -> Vec<Group> {
    let steps = if size == Size::Full { 4_000 } else { 1_000 };
    let group = |(game, environments): (&str, usize)| {
        let script = |name, package, kind: &str| Peer::Script {
            name,
            package,
            script: "atari_env.py",
            arguments: words(&format!("--only {kind}/{game} --steps {steps}")),
        };
        let vector = script("AtariVectorEnv", "ale-py", &format!("vec-{environments}"));
        let wrappers =
            (environments == 1).then(|| (script("gymnasium", "gymnasium", "gym-1"), Some(1.0 / 1.2)));
        let emulator = Peer::Own { name: "emulator alone", figure: "emulator" };
        let sides = [Some((vector, Some(1.0))), wrappers, Some((emulator, Some(1.1)))];
        let (peers, targets) = sides.into_iter().flatten().unzip();
        Group {
            ours: words(&format!("atari {game} {environments} --steps {steps}")),
            peers,
            works: vec![Work {
                name: format!("env/atari-{}/{environments}", game.to_lowercase()),
                figure: "atari",
                unit: Unit::StepsPerSecond,
                targets,
            }],
            feature: Some("atari"),
            on_each_core: false,
            once: false,
            seconds: (4.0, steps as f64 / 500.0),
        }
    };
    let games: &[&str] = if size == Size::Full { &["Breakout", "SpaceInvaders"] } else { &["Breakout"] };
    let counts: &[usize] = if size == Size::Full { &[1, 8, 32] } else { &[1, 8] };
    games.iter().flat_map(|game| counts.iter().map(move |count| (*game, *count))).map(group).collect()
}

fn replay(size: Size, shape: &str) -> Group {
    let (transitions, calls) = if size == Size::Full { (100_000, 500) } else { (10_000, 100) };
    let peer = |name, package, case: &str| Peer::Script {
        name,
        package,
        script: "replay.py",
        arguments: words(&format!(
            "--only {case}/prioritized/{shape} --transitions {transitions} --calls {calls} --limit-gb 1.5"
        )),
    };
    Group {
        ours: words(&format!("replay {shape} --transitions {transitions}")),
        peers: vec![
            peer("Dopamine", "dopamine-rl", "dopamine"),
            peer("cpprb, n-step", "cpprb", "cpprb-nstep"),
            peer("cpprb, compact", "cpprb", "cpprb-compact"),
        ],
        works: ["add", "sample", "update"]
            .map(|figure| Work {
                name: format!("replay/{shape}/{figure}"),
                figure,
                unit: Unit::Microseconds,
                targets: vec![Some(0.1), Some(1.0), Some(1.0)],
            })
            .into(),
        feature: None,
        on_each_core: false,
        once: false,
        seconds: if size == Size::Full { (60.0, 4.0) } else { (20.0, 1.0) },
    }
}

fn runs(size: Size) -> Vec<Group> {
    let arms = [("flat", 1.0 / 10.0, true), ("softmoe4", 1.0 / 7.0, false)];
    let (ours, theirs, warm_up) =
        if size == Size::Full { (10_000, 2_000, 2_000) } else { (4_000, 1_000, 1_500) };
    let group = |(arm, target, _): (&str, _, _)| Group {
        ours: words(&format!("run {arm} --steps {ours}")),
        peers: vec![Peer::Script {
            name: "Dopamine",
            package: "dopamine-rl",
            script: "dopamine_minatar.py",
            arguments: words(&format!("--net {arm} --steps {theirs} --warmup {warm_up}")),
        }],
        works: vec![Work {
            name: format!("end-to-end/{arm}"),
            figure: "agent_steps",
            unit: Unit::StepsPerSecond,
            targets: vec![Some(target)],
        }],
        feature: None,
        on_each_core: true,
        once: false,
        seconds: (30.0, if size == Size::Full { 10.0 } else { 3.0 }),
    };
    arms.into_iter().filter(|arm| size == Size::Full || arm.2).map(group).collect()
}

fn memory() -> Group {
    Group {
        ours: words("memory softmoe4"),
        peers: vec![Peer::Limit(150.0)],
        works: vec![Work {
            name: "memory/minatar-worker".to_owned(),
            figure: "resident",
            unit: Unit::Megabytes,
            targets: vec![Some(1.0)],
        }],
        feature: None,
        on_each_core: false,
        once: true,
        seconds: (0.0, 6.0),
    }
}

/// Keeps only the works whose names match `pattern`, where `*` matches any text.
pub(crate) fn only(groups: Vec<Group>, pattern: &str) -> Vec<Group> {
    let left = |mut group: Group| {
        group.works.retain(|work| matches(pattern, &work.name));
        (!group.works.is_empty()).then_some(group)
    };
    groups.into_iter().filter_map(left).collect()
}

pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            // The text matched by the star may end wherever the rest of the pattern matches.
            name.char_indices()
                .map(|(index, _)| index)
                .chain([name.len()])
                .any(|end| matches(rest, &name[end..]))
        }),
    }
}

/// The error for a pattern without a match: the nearest name, and all names.
pub(crate) fn no_match(what: &str, given: &str, names: &[&str]) -> anyhow::Error {
    let near = nearest(given, names.iter().copied());
    let hint = near.map_or(String::new(), |name| format!("; did you mean `{name}`"));
    anyhow::anyhow!(
        "no {what} matches `{given}`{hint}. Available: {} (`*` matches any characters)",
        names.join(", ")
    )
}

/// Approximate time of a group.
pub(crate) fn seconds(group: &Group, rounds: u64) -> f64 {
    let (start, round) = group.seconds;
    start + round * if group.once { 1.0 } else { rounds as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(groups: &[Group]) -> Vec<&str> {
        groups.iter().flat_map(|group| &group.works).map(|work| work.name.as_str()).collect()
    }

    #[test]
    fn a_ratio_is_our_time_over_theirs() {
        for unit in [Unit::Milliseconds, Unit::Microseconds, Unit::Megabytes] {
            assert_eq!(unit.ratio(1.0, 4.0), 0.25, "a quarter of the time");
        }
        assert_eq!(Unit::StepsPerSecond.ratio(5_000.0, 500.0), 0.1, "ten times as many steps");
    }

    #[test]
    fn every_work_has_a_name_of_its_own_and_a_target_for_each_peer() {
        let groups = groups(Size::Full);
        let mut all = names(&groups);
        let works = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), works);
        for group in &groups {
            assert!(group.works.iter().all(|work| work.targets.len() == group.peers.len()));
        }
        let quick = super::groups(Size::Quick);
        assert!(names(&quick).iter().all(|name| all.contains(name)));
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(matches("*", "step/minatar-flat") && matches("step/*", "step/minatar-flat"));
        assert!(matches("*flat", "step/minatar-flat") && matches("*/mina*flat*", "step/minatar-flat"));
        assert!(matches("step/minatar-flat", "step/minatar-flat"));
        assert!(!matches("step", "step/minatar-flat") && !matches("*x*", "step/minatar-flat"));
        assert!(!matches("", "step/minatar-flat") && !matches("act/*", "step/minatar-flat"));
        let acting = only(groups(Size::Full), "act/minatar*");
        assert_eq!(names(&acting), ["act/minatar-flat", "act/minatar-softmoe4", "act/minatar-softmoe1x4"]);
    }
}
