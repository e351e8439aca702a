//! The pictures of reports on few and on many arms. They stay in `target/tmp/pictures` to be looked at.

use super::{Workshop, assert_says};
use softmoe_config::{MinAtarGame, RANDOM_ARM};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the pictures.
const PICTURES: [&str; 6] = ["figure", "rules", "curves", "efficiency", "profiles", "improvement"];

/// An experiment with these arms (label, body; names are `flat`, `arm-1`, `arm-2` and so on), groups, rules and games.
fn experiment(arms: &[(&str, &str)], groups: &str, rules: &str, games: &str) -> String {
    let arm = |(k, (label, body)): (usize, &(&str, &str))| {
        let name = if k == 0 { "flat".to_owned() } else { format!("arm-{k}") };
        format!("(name: \"{name}\", label: \"{label}\", body: {body}),")
    };
    let arms: String = arms.iter().enumerate().map(arm).collect();
    super::EXPERIMENT
        .split_once("    arms: [")
        .map(|(before, rest)| {
            let (_, profiles) = rest.split_once("    profiles:").expect("profiles");
            let profiles = profiles.replace("[breakout, asterix]", games);
            format!("{before}    arms: [{arms}],\n    groups: {groups},\n    rules: [{rules}],\n    profiles:{profiles}")
        })
        .expect("arms")
}

/// A number between 0 and 1 that follows from `key`.
fn noise(key: u64) -> f64 {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24)
}

/// Finishes every run of the experiment with scores, and curves that approach them.
fn finish(workshop: &Workshop, games: &[MinAtarGame]) {
    let arms: Vec<&str> = workshop.experiment.arm_names().collect();
    for (a, arm) in arms.iter().enumerate() {
        for (g, &game) in games.iter().enumerate() {
            for seed in 0..3 {
                let key = (a * 1000 + g * 100) as u64 + seed;
                let scale = 5.0 * 10_f64.powi(g as i32 % 3 - 1);
                let end = match *arm {
                    RANDOM_ARM => 0.1 + 0.05 * noise(key),
                    _ => 0.7 + 0.9 * noise(a as u64 + 7) + 0.3 * noise(key),
                };
                workshop.finish(arm, game, seed, scale * end);
                let mut metrics = "episodes,agent_steps,training_return,evaluation_return\n".to_owned();
                for k in 1..=10_u64 {
                    let share = 1.0 - 0.9 * (-0.4 * k as f64).exp();
                    let value = scale * end * share * (0.85 + 0.3 * noise(key * 31 + k));
                    metrics += &format!("{k},{},,{value}\n", k * 1000);
                }
                fs::write(workshop.run(arm, game, seed).metrics_csv(), metrics).expect("written");
            }
        }
    }
}

/// Writes the report and keeps its files in the directory `name`.
fn draw(name: &str, text: &str, games: &[MinAtarGame], options: &[&str]) -> (Workshop, PathBuf) {
    let workshop = Workshop::empty(text);
    finish(&workshop, games);
    let (success, _, stderr) = workshop.report(options);
    assert!(success, "{stderr}");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures").join(name);
    fs::create_dir_all(&kept).expect("made");
    for picture in PICTURES {
        for kind in ["svg", "png", "pdf"] {
            let file = format!("{picture}.{kind}");
            fs::copy(workshop.path("out").join(&file), kept.join(&file)).expect(&file);
        }
        assert_texts_are_inside(&workshop.read(&format!("{picture}.svg")), picture);
    }
    (workshop, kept)
}

/// Checks that no horizontal text of the SVG begins or ends outside of the picture, if its letters are 0.45 em wide on average, which
/// is a little less than they are.
fn assert_texts_are_inside(svg: &str, picture: &str) {
    let value = |tag: &str, name: &str| -> Option<f64> {
        tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok()
    };
    let whole = value(svg, "width").expect("the picture has a width");
    for element in svg.split("<text").skip(1) {
        let (tag, rest) = element.split_once('>').expect("a tag");
        if tag.contains("transform=") {
            continue;
        }
        let text = rest.split_once('<').expect("the end of the text").0.trim();
        let [x, em] = ["x", "font-size"].map(|name| value(tag, name).expect("a number"));
        let width = 0.45 * em * text.chars().count() as f64;
        let start = match tag.split_once("text-anchor=\"").map(|(_, anchor)| anchor.as_bytes()[0]) {
            Some(b'm') => x - width / 2.0,
            Some(b'e') => x - width,
            _ => x,
        };
        assert!(
            start >= 0.0 && start + width <= whole,
            "{picture}: `{text}` from {start} to {}",
            start + width
        );
    }
}

const FIG3: [(&str, &str); 10] = [
    ("flat", "flat()"),
    ("SoftMoE-4", "soft_moe(experts: 4)"),
    ("ExpertChoice-4", "expert_choice(experts: 4)"),
    ("SoftMoE-4, p = m", "soft_moe(experts: 4, slots: tokens)"),
    ("ExpertChoice-4, p = m", "expert_choice(experts: 4, slots: tokens)"),
    ("SoftMoE-4, experts x0.25", "soft_moe(experts: 4, scale: 0.25)"),
    ("SoftMoE-4, experts x4", "soft_moe(experts: 4, scale: 4.0)"),
    ("flat x4", "flat(scale: 4.0)"),
    ("flat, one more layer", "flat(extra_layers: 1)"),
    ("SoftMoE-4, one more layer", "soft_moe(experts: 4, extra_layers: 1)"),
];

const FIG3_GROUPS: &str = r#"[
    ("Tokens: combined or chosen", ["arm-2"]),
    ("Slots: every expert sees as many as there are tokens", ["arm-3", "arm-4"]),
    ("Width", ["arm-5", "arm-6", "arm-7"]),
    ("Depth", ["arm-8", "arm-9"]),
]"#;

const FIG3_RULES: &str = r#"
    higher(says: "ExpertChoice-4, which combines no tokens, still gains over flat", better: "arm-2", worse: "flat"),
    alike(says: "p = m changes SoftMoE-4 little", left: "arm-3", right: "arm-1", margin: 0.1),
    gains_more(says: "four times the width helps SoftMoE-4 more than it helps flat", gains: ("arm-1", "arm-6"),
        loses: ("flat", "arm-7")),
    not_higher(says: "one more layer does not help flat", arm: "arm-8", than: "flat", margin: 0.1),
"#;

#[test]
fn two_arms() {
    let text = experiment(
        &FIG3[..2],
        "[]",
        r#"higher(says: "SoftMoE-4 gains over flat", better: "arm-1", worse: "flat")"#,
        "[breakout]",
    );
    draw("two", &text, &[MinAtarGame::Breakout], &[]);
}

#[test]
fn ten_arms_in_groups() {
    let games = [MinAtarGame::Breakout, MinAtarGame::SpaceInvaders];
    let text = experiment(&FIG3, FIG3_GROUPS, FIG3_RULES, "[breakout, space_invaders]");
    let (workshop, _) = draw("ten", &text, &games, &[]);
    let [figure, curves, rules] =
        ["figure", "curves", "rules"].map(|name| workshop.read(&format!("{name}.svg")));
    assert_says(&figure, &["Tokens: combined or chosen", "Slots", "Width", "Depth", "flat, one more layer"]);
    assert_says(&curves, &["Tokens: combined or chosen · Slots", "space invaders", "random policy"]);
    assert_says(
        &rules,
        &["p = m changes SoftMoE-4 little", "SoftMoE-4, p = m − SoftMoE-4", "A demonstration: "],
    );
    // Each of the three panels of a game has the arms of no group, with their labels beside their lines.
    assert_eq!(curves.matches("\nSoftMoE-4\n").count(), 6, "{curves}");

    let (bare, _) = draw("ten-bare", &text, &games, &["--bare"]);
    for picture in PICTURES {
        let svg = bare.read(&format!("{picture}.svg"));
        assert!(!svg.contains("A demonstration") && !svg.contains("profile tiny"), "{picture}: {svg}");
    }
}

/// Long names, and names in scripts that the font lacks.
#[test]
fn sixteen_arms_of_all_families() {
    let long = "A name that is so long that no picture has the room to show it as a whole, even on the three lines that the \
                name of a row may have, so that only the table of the report can say it as it is, from end to end";
    let arms = [
        FIG3[0],
        ("flat x4", "flat(scale: 4.0)"),
        ("SoftMoE-1", "soft_moe(experts: 1)"),
        ("SoftMoE-2", "soft_moe(experts: 2)"),
        FIG3[1],
        ("SoftMoE-8", "soft_moe(experts: 8)"),
        ("SoftMoE-1 x4", "soft_moe(experts: 1, scale: 4)"),
        ("ExpertChoice-1 x4", "expert_choice(experts: 1, scale: 4)"),
        FIG3[2],
        ("tokenized (sum)", "tokenized(pool: sum)"),
        ("tokenized (mean)", "tokenized(pool: mean)"),
        ("混合专家 эксперты الخبراء", "tokenized(pool: sum, scale: 4)"),
        ("top-1", "top_k(experts: 4)"),
        ("global average pooling", "global_average_pooling()"),
        (long, "simplicial(version: v2)"),
        ("SoftMoE-4, random Phi", "soft_moe(experts: 4, random_phi: true)"),
    ];
    let games = "[asterix, breakout, freeway, seaquest, space_invaders]";
    let text = experiment(&arms, "[]", FIG3_RULES, games);
    let games = [
        MinAtarGame::Asterix,
        MinAtarGame::Breakout,
        MinAtarGame::Freeway,
        MinAtarGame::Seaquest,
        MinAtarGame::SpaceInvaders,
    ];
    let (workshop, _) = draw("sixteen", &text, &games, &[]);
    let (figure, table) = (workshop.read("figure.svg"), workshop.read("table.md"));
    assert!(!figure.contains("from end to end") && figure.contains('…'));
    assert_says(&table, &[long, "混合专家 эксперты الخبراء"]);
    assert_says(&figure, &["混合专家"]);
}
