//! The worker, the reporter, the program that shows a run at play, and the measuring program: built in a clone, beside an installed program.

use crate::catalog;
use crate::front_end::FrontEnd;
use anyhow::{Context, Result, bail};
use softmoe_config::Device;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment variable with a directory of programs that are built already.
const DIRECTORY: &str = "SOFTMOE_BINARIES";

/// Paths of the worker and the reporter.
pub(crate) struct Binaries {
    /// The worker, which trains one run.
    pub(crate) worker: PathBuf,
    /// The reporter, which draws the figure and judges the claim.
    pub(crate) reporter: PathBuf,
}

/// Builds the reporter, and the worker with the features for `device` and for the suite of games (`of_games`), unless
/// `SOFTMOE_BINARIES` names a directory with both.
pub(crate) fn build(device: Device, of_games: Option<&str>) -> Result<Binaries> {
    let features: Vec<&str> = feature(device).into_iter().chain(of_games).collect();
    let [worker, reporter] = programs(["softmoe-run", "softmoe-report"], &features)?;
    Ok(Binaries { worker, reporter })
}

/// Builds the worker alone.
pub(crate) fn worker(device: Device, of_games: Option<&str>) -> Result<PathBuf> {
    let features: Vec<&str> = feature(device).into_iter().chain(of_games).collect();
    let [worker] = programs(["softmoe-run"], &features)?;
    Ok(worker)
}

/// Builds the program that shows a run at play, with the feature for a suite of games (`of_games`).
pub(crate) fn player(of_games: Option<&str>) -> Result<PathBuf> {
    let features: Vec<&str> = of_games.into_iter().collect();
    let [player] = programs(["softmoe-play"], &features)?;
    Ok(player)
}

/// Builds the reporter alone.
pub(crate) fn reporter() -> Result<PathBuf> {
    let [reporter] = programs(["softmoe-report"], &[])?;
    Ok(reporter)
}

/// The worker that is built already, if any; it may be an older one.
pub(crate) fn built_worker() -> Option<PathBuf> {
    let directory = ready().unwrap_or_else(|| target().join("release"));
    let worker = directory.join(file_name("softmoe-run"));
    worker.is_file().then_some(worker)
}

/// The measuring program.
pub(crate) struct Programs {
    pub(crate) measure: PathBuf,
}

/// Builds the measuring program with the feature for a suite of games (`of_games`), and the worker that it expects beside itself, in
/// the same way.
pub(crate) fn measuring(device: Device, of_games: Option<&str>) -> Result<Programs> {
    let features: Vec<&str> = feature(device).into_iter().chain(of_games).collect();
    let [measure, _worker] = programs(["softmoe-measure", "softmoe-run"], &features)?;
    Ok(Programs { measure })
}

/// The feature of `softmoe` that the device needs.
fn feature(device: Device) -> Option<&'static str> {
    match device {
        Device::Cpu => None,
        Device::Flex => Some("flex"),
        Device::Wgpu => Some("wgpu"),
        Device::Cuda(_) => Some("cuda"),
    }
}

fn programs<const COUNT: usize>(names: [&str; COUNT], features: &[&str]) -> Result<[PathBuf; COUNT]> {
    if let Some(directory) = ready() {
        let paths = names.map(|name| directory.join(file_name(name)));
        for (name, path) in names.iter().zip(&paths) {
            if path.is_file() {
                continue;
            }
            match FrontEnd::this() {
                FrontEnd::Workspace => {
                    bail!(
                        "{DIRECTORY} is {} but holds no `{name}`: unset it to build one",
                        directory.display()
                    )
                }
                FrontEnd::Installed => bail!(
                    "there is no `{name}` in {}, beside `softmoe`: install the package again, or name the directory that has it \
                     with {DIRECTORY}",
                    directory.display()
                ),
            }
        }
        if FrontEnd::this() == FrontEnd::Installed
            && let [worker, ..] = &paths[..]
            && let Some(lacking) = lacking(worker, features)
        {
            bail!(
                "{} was built without `{lacking}`: install the package again with `--features {}`",
                worker.display(),
                features.join(",")
            );
        }
        return Ok(paths);
    }
    // A build with other features that waits for this one begins as soon as cargo ends, before the programs are set aside.
    let lock = lock().context("cannot lock the build of the worker")?;
    let cargo = cargo();
    let mut build = Command::new(&cargo);
    // Without the front end, which is this program.
    build.args([
        "build",
        "--release",
        "--package",
        "softmoe",
        "--no-default-features",
        "--features",
        "minatar",
    ]);
    build.args(names.iter().flat_map(|name| ["--bin", name]));
    build.args(features.iter().flat_map(|feature| ["--features", feature]));
    build.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    build.arg(catalog::workspace().join("Cargo.toml"));
    let mut child = build
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}` to build {}", cargo.display(), names.join(" and ")))?;
    let mut paths = names.map(|_| None);
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            let line = line.context("cannot read what cargo builds")?;
            if let Some((name, path)) = executable(&line)
                && let Some(index) = names.iter().position(|known| *known == name)
            {
                paths[index] = Some(path);
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("{} could not be built ({status}): see cargo's messages above", names.join(" and "));
    }
    if paths.contains(&None) {
        bail!("the package softmoe builds no {}: is the checkout complete?", names.join(" and no "));
    }
    let mut paths = paths.map(Option::unwrap_or_default);
    if !features.is_empty() {
        for path in &mut paths {
            *path = set_aside(path, features)?;
        }
    }
    drop(lock);
    Ok(paths)
}

/// The directory of programs that are not to be built: the one that the variable names, or of an installed program its own.
fn ready() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(DIRECTORY) {
        return Some(named.into());
    }
    if FrontEnd::this() == FrontEnd::Workspace {
        return None;
    }
    // A link in a directory of programs is followed: the others lie beside the file itself.
    let this = std::env::current_exe().and_then(|path| path.canonicalize()).ok()?;
    this.parent().map(Path::to_owned)
}

/// A file in the directory that `SOFTMOE_BINARIES` names; `None` if it is not there.
pub(crate) fn ready_file(name: &str) -> Option<PathBuf> {
    ready().map(|directory| directory.join(name)).filter(|path| path.is_file())
}

pub(crate) fn file_name(program: &str) -> String {
    format!("{program}{}", std::env::consts::EXE_SUFFIX)
}

/// The features of the worker's build. Only programs of this version tell them.
pub(crate) fn features_of(worker: &Path) -> Option<Vec<String>> {
    let output =
        Command::new(worker).arg("features").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.lines().map(str::to_owned).collect())
}

/// The first of `features` that the worker was built without.
fn lacking<'a>(worker: &Path, features: &[&'a str]) -> Option<&'a str> {
    if features.is_empty() {
        return None;
    }
    let built_in = features_of(worker)?;
    features.iter().find(|feature| !built_in.iter().any(|name| name == *feature)).copied()
}

/// The cargo that runs this process, or the one of the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The directory that cargo builds in.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| catalog::workspace().join("target"))
}

/// Waits until no other runner builds, and keeps others waiting until the file is closed.
fn lock() -> std::io::Result<File> {
    fs::create_dir_all(target())?;
    let file = File::create(target().join("programs.lock"))?;
    file.lock()?;
    Ok(file)
}

/// A copy of the program in a directory of its own. A runner starts workers for hours, and a build with other features
/// must not replace them.
fn set_aside(program: &Path, features: &[&str]) -> Result<PathBuf> {
    let (Some(built), Some(name)) = (program.parent(), program.file_name()) else {
        return Ok(program.to_owned());
    };
    let directory = built.join(format!("with-{}", features.join("-")));
    let aside = directory.join(name);
    let failed = || format!("cannot copy {} to {}", program.display(), aside.display());
    fs::create_dir_all(&directory).with_context(failed)?;
    // Copied to another name first: a running program cannot be overwritten, but it can be replaced by renaming.
    let copy = directory.join(format!("{}-{}", name.display(), std::process::id()));
    fs::copy(program, &copy).and_then(|_| fs::rename(&copy, &aside)).with_context(failed)?;
    Ok(aside)
}

/// The name and path of the program that one of cargo's messages announces.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages() {
        // The format is in the Cargo book under "External tools: artifact messages".
        let message = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"crate_types":["bin"],
            "name":"softmoe-run"},"filenames":["/t/softmoe-run"],"executable":"/t/softmoe-run","fresh":true}"#;
        assert_eq!(executable(message), Some(("softmoe-run".into(), PathBuf::from("/t/softmoe-run"))));
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"softmoe_config"},"executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("Compiling"), None);
    }
}
