#!/usr/bin/env bash
# Packages every crate as for a registry, unpacks the packages elsewhere and builds them from there: with their tests and nothing else of this repository.
#
#   scripts/package-check.sh [all]
#
# The light crates' tests run. The others' (nets, agents, runner, cli, softmoe) are compiled with `all`, which takes minutes more. Dependencies that
# target/debug has are used again. The unpacked crates stay in target/package-check.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
unset SOFTMOE_FIXTURES
unpacked=$root/target/package-check
light=(softmoe-atari ale-sys softmoe-env softmoe-console softmoe-statistics softmoe-replay softmoe-config softmoe-minatar)
heavy=(softmoe-nets softmoe-agents softmoe-runner softmoe-cli softmoe)

cargo package --workspace --exclude xtask --exclude softmoe-tests --exclude softmoe-demo --no-verify --allow-dirty --quiet
rm -rf "$unpacked"
mkdir -p "$unpacked"

# One workspace of the unpacked crates, with our profiles and versions. Each finds the others as if the registry had them.
{
    echo '[workspace]'
    echo 'resolver = "3"'
    echo 'members = ["*-*.*.*"]'
    echo '[patch.crates-io]'
    for crate in "${light[@]}" "${heavy[@]}"; do
        packages=(target/package/"$crate"-[0-9]*.crate)
        newest=$(ls -t "${packages[@]}" | head -n 1)
        tar -xzf "$newest" -C "$unpacked"
        name=$(basename "$newest" .crate)
        for file in README.md Cargo.toml src/lib.rs; do
            [ -f "$unpacked/$name/$file" ] || { echo "error: $name has no $file" >&2; exit 1; }
        done
        compgen -G "$unpacked/$name/LICENSE*" >/dev/null || compgen -G "$unpacked/$name/COPYING*" >/dev/null || { echo "error: $name has no licence file" >&2; exit 1; }
        echo "$crate = { path = \"$name\" }"
    done
    sed -n '/^\[profile/,$p' Cargo.toml
} >"$unpacked/Cargo.toml"
cp Cargo.lock "$unpacked"

export CARGO_TARGET_DIR=$root/target
cd "$unpacked"
cargo test "${light[@]/#/-p}"
if [ "${1:-}" = all ]; then
    cargo check --tests --examples "${heavy[@]/#/-p}"
fi
