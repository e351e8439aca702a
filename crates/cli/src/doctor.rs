//! What this machine has: compiler, processor, devices, games, Python, disk and memory.

use crate::bench::python;
use crate::cli::DoctorOptions;
use crate::front_end::{self, FrontEnd};
use crate::speed::Speed;
use crate::worker::check_device;
use crate::{binaries, output};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use softmoe_atari::{Files, VERSION};
use softmoe_config::Device;
use softmoe_config::words::{count, gigabytes};
use softmoe_console::memory::Memory;
use std::path::Path;
use std::process::{Command, Stdio};
use sysinfo::{CpuRefreshKind, Disks, RefreshKind, System};

/// A part of the machine.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    is_there: bool,
    /// A description of it, or the reason why it cannot be used.
    found: String,
    /// Its purpose.
    enables: &'static str,
    /// How to get it where it is missing.
    to_get: Option<String>,
}

impl Part {
    /// A part that is there if it was `found`; otherwise `to_get` says how to get it.
    fn new(
        name: &'static str,
        enables: &'static str,
        found: Option<String>,
        to_get: impl Into<String>,
    ) -> Part {
        let is_there = found.is_some();
        Part {
            name,
            is_there,
            found: found.unwrap_or_else(|| "not found".into()),
            enables,
            to_get: (!is_there).then(|| to_get.into()),
        }
    }
}

/// Prints the parts of this machine.
pub(crate) fn doctor(options: &DoctorOptions) -> Result<()> {
    let parts = parts(&options.out);
    if options.json {
        output::line(format_args!("{}", serde_json::to_string_pretty(&parts)?));
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["", "part", "found", "for"]);
    for part in &parts {
        let mark = if part.is_there { "ok" } else { "--" };
        let found = match &part.to_get {
            Some(to_get) => format!("{}: {to_get}", part.found),
            None => part.found.clone(),
        };
        table.add_row([mark, part.name, &found, part.enables]);
    }
    output::line(format_args!("{}", table.trim_fmt()));
    Ok(())
}

fn parts(out: &Path) -> Vec<Part> {
    let mut parts = vec![processor(), memory(), disk(out), compiler()];
    parts.extend(worker());
    parts.push(atari());
    parts.push(Part::new(
        "Python",
        "`atari setup`, results in a notebook",
        ["python3", "python"].into_iter().find_map(|name| first_line(name, "--version")),
        "install Python 3 with pip and venv",
    ));
    if FrontEnd::this() == FrontEnd::Workspace {
        let made = python::made().map(|directory| directory.display().to_string());
        let to_get = "`cargo xtask bench` makes the environment";
        parts.push(Part::new("Python peers", "speed beside Dopamine, JAX, PyTorch", made, to_get));
    }
    let install = |package: &str| format!("e.g. `sudo apt install {package}`");
    parts.push(Part::new("ffmpeg", "films as MP4", first_line("ffmpeg", "-version"), install("ffmpeg")));
    let slurm = "only on the login node of a cluster";
    parts.push(Part::new("SLURM", "`reproduce --launcher slurm`", first_line("sbatch", "--version"), slurm));
    parts
}

fn processor() -> Part {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok();
    let brand = system.and_then(|system| system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let speed = Speed::of_this_machine();
    let measured = if speed.is_measured {
        // A multiply-add is two operations.
        format!("{:.0} GFLOP/s a core in a short training run", 2e-9 * speed.multiply_adds_per_second)
    } else {
        "speed not measured: no worker is built yet".into()
    };
    let brand = brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| "unknown processor".into());
    let found = format!("{brand}, {}, {}; {measured}", count(cores, "core"), instruction_set());
    Part::new("processor", "training on the CPU; one run a core", Some(found), "")
}

/// The widest instruction set that our kernels use here.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2";
        }
    }
    "portable kernels"
}

fn memory() -> Part {
    let Memory { total, available } = Memory::now();
    let found = format!("{} free of {}", gigabytes(available), gigabytes(total));
    Part::new("memory", "0.13 GB a run of MinAtar, 0.7 GB (DER) to 7.1 GB of Atari", Some(found), "")
}

fn disk(out: &Path) -> Part {
    let directory = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let disks = Disks::new_with_refreshed_list().ok();
    let disks = disks.iter().flat_map(|disks| disks.iter());
    // The innermost mount.
    let holding = disks.filter(|disk| directory.starts_with(disk.mount_point()));
    let disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len());
    let found =
        disk.map(|disk| format!("{} free at {}", gigabytes(disk.available_space()), directory.display()));
    Part::new(
        "disk",
        "1.2 GB for a build; weights and metrics of runs",
        found,
        "its free space cannot be read",
    )
}

fn compiler() -> Part {
    let found = first_line("rustc", "--version");
    let enables = match FrontEnd::this() {
        FrontEnd::Workspace => "building the worker",
        FrontEnd::Installed => "only for an installation with other features",
    };
    Part::new("Rust", enables, found, "https://rustup.rs")
}

/// The worker, and the devices that it can compute on.
fn worker() -> Vec<Part> {
    let program = binaries::built_worker();
    let features = program.as_deref().and_then(binaries::features_of);
    let found = program.as_ref().map(|path| {
        let features = features.as_ref().map_or_else(|| "unknown".into(), |features| features.join(", "));
        format!("{}, features: {features}", path.display())
    });
    let to_get = match FrontEnd::this() {
        FrontEnd::Workspace => "`cargo xtask reproduce fig3 --profile smoke` builds it".into(),
        FrontEnd::Installed => {
            format!("install the package again, so that it lies beside `{}`", front_end::name())
        }
    };
    let mut parts = vec![Part::new("worker", "training", found, to_get)];
    let Some(program) = program else { return parts };
    for (name, device, enables) in [
        ("wgpu", Device::Wgpu, "`--device wgpu`: any card with a Vulkan driver"),
        ("cuda", Device::Cuda(0), "`--device cuda`: NVIDIA cards"),
    ] {
        let is_built_in =
            features.as_ref().is_none_or(|features| features.iter().any(|built_in| built_in == name));
        if !is_built_in {
            let to_get = match FrontEnd::this() {
                FrontEnd::Workspace => format!("`--device {name}` builds a worker that has it"),
                FrontEnd::Installed => format!("install the package again with `--features {name}`"),
            };
            let found = "the built worker lacks it".into();
            parts.push(Part { name, is_there: false, found, enables, to_get: Some(to_get) });
            continue;
        }
        let checked = check_device(&program, device);
        parts.push(Part {
            name,
            is_there: checked.is_ok(),
            found: checked.map_or_else(|reason| reason.to_string(), |()| "can be used".into()),
            enables,
            to_get: None,
        });
    }
    parts
}

fn atari() -> Part {
    let files = Files::usual().and_then(|files| files.check().map(|()| files));
    let found = files.ok().map(|files| format!("ALE {VERSION} in {}", files.directory().display()));
    let to_get = format!("`{} atari setup` downloads emulator and games", front_end::name());
    Part::new("Atari", "games of the Atari 2600", found, to_get)
}

/// The first line that `program` prints, if it is there.
fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
