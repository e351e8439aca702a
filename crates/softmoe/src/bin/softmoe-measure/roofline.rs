//! The roofline plot of the loops of an update.

use crate::clock::Clock;
use crate::kernels::{Loop, most_bytes, most_operations, passes, products};
use anyhow::{Context, Result, ensure};
use softmoe::plot::{Dress, Family, Heading, Kernel, Mark, Roof, Roofline, to_png, to_svg};
use softmoe_console::output;
use std::fs;
use std::path::Path;

/// Values of each of two arrays that fit the second cache, and of two that fit no cache.
const IN_CACHE: usize = 64 << 10;
const IN_MEMORY: usize = 32 << 20;

/// Measures, prints a table, and writes the plot as SVG and PNG.
pub(crate) fn draw(clock: Clock, host: &str, out: &Path) -> Result<()> {
    let svg = out.extension().is_some_and(|extension| extension == "svg");
    ensure!(svg, "the picture is written as SVG and PNG: name it `--out roofline.svg`");
    let peak = most_operations(clock) * 1e-9;
    let roofs = [("second cache", IN_CACHE), ("memory", IN_MEMORY)].map(|(label, len)| Roof {
        label: label.to_owned(),
        gigabytes_per_second: most_bytes(clock, len) * 1e-9,
    });
    output::line(format_args!("multiply-adds: {peak:.0} GFLOP/s"));
    for roof in &roofs {
        output::line(format_args!("{}: {:.0} GB/s", roof.label, roof.gigabytes_per_second));
    }
    let groups = [
        ("MinAtar, flat", products("minatar-flat")),
        ("MinAtar, SoftMoE-4", products("minatar-softmoe4")),
        ("Impala, flat", products("impala-flat")),
        ("passes over memory", passes()),
    ];
    let mut kernels = Vec::new();
    output::line(format_args!(
        "| loop | FLOP a byte | GFLOP/s | of the most multiply-adds |\n|---|---|---|---|"
    ));
    for (family, (group, loops)) in Family::ALL.into_iter().zip(groups) {
        for mut part in loops {
            let seconds = part.seconds(clock);
            let Loop { name, operations, bytes, .. } = part;
            let (intensity, speed) = (operations / bytes, operations / seconds * 1e-9);
            output::line(format_args!(
                "| {name} | {intensity:.1} | {speed:.0} | {:.0} % |",
                100.0 * speed / peak
            ));
            kernels.push(Kernel {
                label: group.to_owned(),
                mark: Mark::of(family),
                operations_per_byte: intensity,
                gigaflops: speed,
            });
        }
    }
    let picture = Roofline {
        heading: Heading {
            title: "What the loops of an update do with one core".to_owned(),
            caption: format!(
                "{host}; a point is a loop at the sizes of an update of 32 transitions, the best of 20 calls"
            ),
        },
        peak_gigaflops: peak,
        roofs: roofs.into(),
        kernels,
    };
    let write = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(out, to_svg(&picture, Dress::Full)?.as_bytes())?;
    write(&out.with_extension("png"), &to_png(&picture, Dress::Full)?)
}
