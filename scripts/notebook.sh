#!/usr/bin/env bash
# Executes python/fig3.ipynb on a directory of results: it compares rliable's aggregates with the reporter's and draws the figure.
#
#   scripts/notebook.sh [RESULTS]      e.g. results/fig3/quick
#
# Without RESULTS it first makes those of figure 3's profile `smoke`, in about a minute. The packages are installed once, in target/notebook/python.
# Where they cannot be installed, the script prints a message and skips the notebook.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/target/notebook
mkdir -p "$work"

if [ $# -gt 0 ]; then
    results=$(cd "$1" && pwd)
else
    (cd "$root" && cargo xtask reproduce fig3 --profile smoke --out "$work/out")
    results=$work/out/results/fig3/smoke
fi
for file in scores.csv aggregates.csv; do
    [ -f "$results/$file" ] || { echo "error: $results has no $file: make the report anew" >&2; exit 1; }
done

# A finished installation is marked with the requirements that it has.
if ! cmp -s "$root/python/requirements.txt" "$work/installed.txt"; then
    rm -rf "$work/python" "$work/installed.txt"
    if ! python3 -m venv "$work/python" >"$work/install.log" 2>&1 ||
        ! "$work/python/bin/pip" install --quiet -r "$root/python/requirements.txt" >>"$work/install.log" 2>&1; then
        if python3 -m pip index versions rliable >/dev/null 2>&1; then
            echo "error: the package index can be reached, and yet the notebook's packages were not installed: $work/install.log" >&2
            exit 1
        fi
        echo "there is no Python with pip, or no package index: the notebook is NOT executed" >&2
        exit 0
    fi
    cp "$root/python/requirements.txt" "$work/installed.txt"
fi

cp "$root/python/fig3.ipynb" "$work/fig3.ipynb"
cd "$work"
# The kernel is this environment's own, whatever the user has installed.
SOFTMOE_RESULTS=$results PATH=$work/python/bin:$PATH JUPYTER_PATH=$work/python/share/jupyter \
    "$work/python/bin/jupyter" execute fig3.ipynb --output fig3-executed
"$work/python/bin/python" - "$work/fig3-executed.ipynb" <<'PYTHON'
import json, sys
cells = json.load(open(sys.argv[1]))["cells"]
printed = [text for cell in cells for output in cell.get("outputs", []) for text in output.get("text", []) if output["output_type"] == "stream"]
assert any("largest difference" in line for line in printed), "the notebook compared nothing"
print("".join(printed), end="")
PYTHON
echo "$work/fig3.png, $work/fig3-executed.ipynb"
