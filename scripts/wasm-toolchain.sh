#!/usr/bin/env bash
# Fetches a compiler for the demo's WebAssembly program, for machines on which `rustup target add wasm32-unknown-unknown` does not work.
#
#   scripts/wasm-toolchain.sh [DIR]        default: target/wasm-toolchain, where `cargo xtask demo` finds it
#
# The compiler is Debian's package rustc-web. It is unpacked with the sources of its standard library, without root; nothing is installed. It is
# used with the cargo and the linker of the installed Rust. This takes a minute and 900 MB of disk, and needs a Debian whose package lists have
# rustc-web (`apt-get update`).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$(realpath -m "${1:-${CARGO_TARGET_DIR:-$root/target}/wasm-toolchain}")
[ ! -e "$dir/ready" ] || exit 0
command -v apt-get >/dev/null || { echo "error: there is no apt-get: the compiler comes from Debian's packages" >&2; exit 1; }
version=$(apt-cache policy rustc-web | awk '/Candidate:/ {print $2}')
if [ -z "$version" ] || [ "$version" = "(none)" ]; then
    [ "$(id -u)" != 0 ] || apt-get update >/dev/null 2>&1 || true
    version=$(apt-cache policy rustc-web | awk '/Candidate:/ {print $2}')
fi
if [ -z "$version" ] || [ "$version" = "(none)" ]; then
    echo "error: apt-get knows no package rustc-web: run \`sudo apt-get update\` first, or use a Debian release that has it" >&2
    exit 1
fi
# The packages of the library and of LLVM have versions in their names.
release=${version%%+*}
library=libstd-rust-web-${release%.*}
llvm=$(apt-cache show "$library=$version" | grep -oE 'libllvm[0-9]+' | head -n 1)
rm -rf "$dir"
mkdir -p "$dir/packages"
cd "$dir/packages"
apt-get download -q "rustc-web=$version" "libstd-rust-web-dev=$version" "$library=$version" "rust-web-src=$version" "$llvm" >/dev/null 2>"$dir/apt.log" ||
    { cat "$dir/apt.log" >&2; echo "error: the packages cannot be downloaded" >&2; exit 1; }
for package in *.deb; do dpkg-deb -x "$package" "$dir/root"; done
cd "$dir"
rm -r packages
touch ready
echo "the compiler for WebAssembly, $version, is in $dir"
