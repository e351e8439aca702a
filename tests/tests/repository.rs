//! Files of the repository that no single crate has.

use softmoe_config::RunConfig;
use std::collections::BTreeSet;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The fuzz targets begin from runs of the present version.
#[test]
fn the_seeds_of_the_fuzz_targets_are_read() {
    for seed in ["seeds/run.ron", "corpus/run_ron/rainbow"] {
        RunConfig::read(&root().join("fuzz").join(seed)).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A crate tests the fixtures that it has links to: a file without one would be tested by nobody.
#[test]
fn every_fixture_of_a_crate_is_linked_in_the_crate() {
    let names = |directory: &Path, prefix: &str| -> BTreeSet<String> {
        let entries = directory.read_dir().unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(prefix)).collect()
    };
    for (name, prefix) in [
        ("minatar", "minatar_"),
        ("env", "atari_"),
        ("replay", "replay.json"),
        ("statistics", "statistics.json"),
        ("statistics", "comparisons.json"),
    ] {
        let linked = names(&root().join("crates").join(name).join("tests/fixtures"), prefix);
        assert_eq!(
            linked,
            names(&root().join("tests/fixtures"), prefix),
            "links in crates/{name}/tests/fixtures"
        );
        assert!(!linked.is_empty());
    }
}
