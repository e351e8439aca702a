# Set-up of the checks in Chromium, which run.sh and demo.sh source. It finds or installs the browser and the packages, and skips the checks
# where neither is possible. Sets `root`, `CHROMIUM` and `packages`; `make_work [DIR]` sets `work`.
root=$here/../..

pass_over() { echo "tests/browser passed over: $*" >&2; exit 0; }
fail() { echo "error: $*" >&2; exit 1; }

# PROGRAMS
has() { command -v "$1" >/dev/null; }
browser() { for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do command -v "$name" && return; done; return 1; }
missing=()
browser >/dev/null || missing+=(chromium)
has node || missing+=(nodejs)
has npm || missing+=(npm)
if [ ${#missing[@]} != 0 ]; then
    [ "$(id -u)" = 0 ] && has apt-get || pass_over "no ${missing[*]}, and no way to install it"
    echo "installing ${missing[*]}"
    # Lists that are out of date name packages that are gone.
    install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1; }
    install || { apt-get update >/dev/null 2>&1 && install; } || pass_over "${missing[*]} cannot be installed"
fi
CHROMIUM=$(browser) || pass_over "no Chromium"
export CHROMIUM
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || pass_over "Node.js is older than version 18"

# PACKAGES
packages=${CARGO_TARGET_DIR:-$root/target}/browser
mkdir -p "$packages"
if ! cmp -s "$here/package-lock.json" "$packages/package-lock.json" || [ ! -d "$packages/node_modules/axe-core" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$packages"
    (cd "$packages" && npm ci --no-audit --no-fund >npm.log 2>&1) || {
        rm -f "$packages/package-lock.json"
        pass_over "npm cannot install playwright-core and axe-core: $(tail -n 1 "$packages/npm.log")"
    }
fi

# DIRECTORY OF A CHECK
make_work() {
    work=${1:-$(mktemp -d)}
    mkdir -p "$work"
    work=$(cd "$work" && pwd)
    [ -n "${1:-}" ] || trap 'rm -rf "$work"' EXIT
}
