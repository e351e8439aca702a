//! Figure 2, drawn by the real reporter from the real networks.

use softmoe::description::Description;
use softmoe_config::Experiment;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fig2() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fig2.ron")
}

/// `softmoe-report` on the drawing of that name.
fn draw(name: &str, out: &Path) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-report"));
    command.arg("--experiment").arg(fig2()).args(["--profile", name, "--runs", "none", "--out"]).arg(out);
    command.output().unwrap()
}

#[test]
fn figure_and_table_say_what_the_networks_are() {
    let experiment = Experiment::read(&fig2()).unwrap();
    for name in experiment.drawings.keys() {
        let directory = tempfile::tempdir().unwrap();
        let output = draw(name, directory.path());
        assert!(output.status.success(), "{output:?}");
        let read = |file: &str| fs::read(directory.path().join(file)).unwrap();
        let text = |file: &str| String::from_utf8(read(file)).unwrap();
        let (svg, table) = (text("figure.svg"), text("table.md"));
        assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(read("figure.png").starts_with(b"\x89PNG\r\n\x1a\n"));
        for arm in &experiment.arms {
            let description = Description::of(&experiment.drawn(name, &arm.name).unwrap()).unwrap();
            assert!(
                svg.contains(&arm.label) && table.contains(&format!("## {}", arm.label)),
                "{}",
                arm.label
            );
            assert!(
                svg.contains(&format!(
                    "{} parameters",
                    softmoe_config::words::thousands(description.parameters)
                )),
                "{}",
                arm.label
            );
            assert!(table.contains(&softmoe_config::words::thousands(description.multiply_adds)));
            for layer in description.layers.iter().filter(|layer| layer.parameters > 0) {
                assert!(
                    table.contains(&layer.name)
                        && table.contains(&softmoe_config::words::thousands(layer.parameters)),
                    "{layer:?}"
                );
            }
            // Every box below the encoder has its output and its parameters.
            let below = description.layers.iter().skip_while(|layer| layer.output.len() == 3);
            for layer in below.filter(|layer| layer.name != "ReLU") {
                let shape = layer.output.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
                assert!(svg.contains(&shape), "{layer:?}");
                assert!(
                    layer.parameters == 0
                        || svg.contains(&softmoe_config::words::thousands(layer.parameters)),
                    "{layer:?}"
                );
            }
        }
    }
}

#[test]
fn a_drawing_that_is_not_there_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let output = draw("attari", directory.path());
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no drawing `attari`; did you mean `atari`?"), "{stderr}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
