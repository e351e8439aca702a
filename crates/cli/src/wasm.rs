//! The WebAssembly program of the demo's page, compiled from a library of this workspace.

use crate::{binaries, catalog};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// Name in the target directory of the build for WebAssembly. Apart from other builds, so that none waits for the lock of another.
const DIRECTORY: &str = "wasm";
/// Name in the target directory of the compiler that `scripts/wasm-toolchain.sh` unpacks.
const TOOLCHAIN: &str = "wasm-toolchain";

/// Compiles the program and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    let workspace = catalog::workspace();
    let target = std::path::absolute(binaries::target())?;
    let directory = target.join(DIRECTORY);
    let mut cargo = Command::new(binaries::cargo());
    cargo.args(["rustc", "--package", "softmoe-demo", "--lib", "--crate-type", "cdylib"]);
    cargo.args(["--no-default-features", "--profile", "demo", "--target", TARGET, "--target-dir"]);
    cargo.arg(&directory).current_dir(&workspace);
    // Only these flags: flags from the environment, e.g. for this machine's processor, are meant for another target.
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "-C target-feature=+simd128");
    if !has_library()? {
        unpacked(&mut cargo, &target.join(TOOLCHAIN))?;
    }
    let status = cargo.status().context("cannot start `cargo` to build the demo's WebAssembly program")?;
    if !status.success() {
        bail!("the demo's WebAssembly program could not be built ({status}): see cargo's messages above");
    }
    Ok(directory.join(TARGET).join("demo/softmoe_demo.wasm"))
}

/// Whether the compiler has a standard library for WebAssembly.
fn has_library() -> Result<bool> {
    Ok(sysroot(&rustc())?.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn sysroot(rustc: &OsString) -> Result<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output();
    let output = output.with_context(|| format!("cannot start the compiler `{}`", rustc.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{} --print sysroot` failed: {}", rustc.display(), said.trim_end());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

/// Makes `cargo` use the compiler unpacked in `toolchain`, and build the standard library from source.
fn unpacked(cargo: &mut Command, toolchain: &Path) -> Result<()> {
    if !toolchain.join("ready").exists() {
        bail!(
            "the compiler has no standard library for WebAssembly: type `rustup target add {TARGET}`. Where this fails, \
             `scripts/wasm-toolchain.sh` fetches another compiler from Debian's packages, without root"
        );
    }
    let root = toolchain.join("root/usr");
    let libraries = root.join("lib").read_dir().into_iter().flatten().flatten();
    let mut libraries = libraries.map(|entry| entry.path());
    let libraries = libraries.find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    let libraries = libraries.with_context(|| {
        format!("{} is incomplete: remove it, and run `scripts/wasm-toolchain.sh` again", toolchain.display())
    })?;
    let linker = sysroot(&rustc())?.join("lib/rustlib");
    let hosts = linker.read_dir().with_context(|| format!("cannot list {}", linker.display()))?;
    let mut linkers = hosts.flatten().map(|host| host.path().join("bin/rust-lld"));
    let linker = linkers.find(|path| path.is_file()).context("the toolchain has no rust-lld to link with")?;
    // `-Zbuild-std` is unstable; other than nightly tools accept it only with this variable.
    cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTC", root.join("bin/rustc")).env("LD_LIBRARY_PATH", libraries);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    Ok(())
}
