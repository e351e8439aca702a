//! The front page of the documentation has every layer in its table.

/// What `layers` exports beside layers.
const NO_LAYERS: [&str; 8] = [
    "LoadBalancing",
    "Padding",
    "Pooling",
    "ReluPlace",
    "SIMPLICIAL_TEMPERATURE",
    "Same",
    "Uniform",
    "Valid",
];

#[test]
fn every_layer_is_in_the_table() {
    let front_page = include_str!("../src/lib.rs");
    let exported = include_str!("../src/layers/mod.rs").split("pub use ").skip(1).flat_map(|exported| {
        let (_, names) = exported.split(';').next().unwrap_or_default().rsplit_once("::").unwrap();
        names.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty())
    });
    let is_layer = |name: &&str| {
        !NO_LAYERS.contains(name)
            && !["Workspace", "Settings", "Losses"].iter().any(|end| name.ends_with(end))
    };
    let layers: Vec<&str> = exported.filter(is_layer).collect();
    assert!(layers.len() > 20, "{layers:?}");
    for name in layers {
        assert!(front_page.contains(&format!("//! | [`{name}`](layers::{name}) |")), "{name} is missing");
    }
}
