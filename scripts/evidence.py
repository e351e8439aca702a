#!/usr/bin/env python3
"""Keeps the finished runs that the project's findings rest on as small files in `evidence/`, and gives them back to the reporter.

    scripts/evidence.py add OUT          copies every finished run below OUT/runs that is not there yet
    scripts/evidence.py check            checks every run: files, scores, the manifest, one commit and instruction set a profile
    scripts/evidence.py unpack DIR       writes the runs below DIR/runs, for `cargo xtask reproduce FIGURE --profile NAME --merge DIR`
    scripts/evidence.py repeat RUN DIR   writes the run.ron of one run to DIR, and prints how to repeat it and what must come out

A run keeps run.ron, done.ron, done.json, and its metrics and diagnostics, compressed; weights and checkpoints stay behind. manifest.csv has a row for each run:
score, commit, machine, threads, wall time, and the SHA-256 of the weights, which a repetition on the same kind of processor must give again.
"""

import argparse
import csv
import gzip
import hashlib
import json
import shutil
import sys
from pathlib import Path

EVIDENCE = Path(__file__).resolve().parent.parent / "evidence"
MANIFEST = "manifest.csv"
PLAIN = ["run.ron", "done.ron", "done.json"]
COMPRESSED = ["metrics.csv", "diagnostics.csv"]
COLUMNS = ["run", "score", "episodes", "agent_steps", "parameters", "commit", "dirty", "instruction_set", "machine", "threads",
           "wall_seconds", "weights_sha256", "files_sha256"]
LARGEST = 30e6


def finished(root):
    """The directories of the finished runs below `root`, by name."""
    return {str(done.parent.relative_to(root)): done.parent for done in sorted(root.glob("**/done.json"))}


def compress(data):
    """gzip without a time, so that the same run gives the same file."""
    return gzip.compress(data, 9, mtime=0)


def files_sha256(kept):
    """Of all kept files of a run, in the order of their names."""
    sums = hashlib.sha256()
    for path in sorted(kept.iterdir()):
        sums.update(path.name.encode() + b"\0" + path.read_bytes())
    return sums.hexdigest()


def row(name, directory, weights_sha256):
    """The manifest's row of the run that is kept in `directory`."""
    done = json.loads((directory / "done.json").read_text())
    sessions = done["sessions"]
    values = {key: sorted({str(session[key]) for session in sessions}) for key in ("commit", "dirty", "instruction_set", "device_name", "threads")}
    joined = {key: " ".join(found) for key, found in values.items()}
    return {
        "run": name, "score": done["score"], "episodes": len(done["returns"]), "agent_steps": done["agent_steps"],
        "parameters": done["parameters"], "commit": joined["commit"], "dirty": joined["dirty"], "instruction_set": joined["instruction_set"],
        "machine": joined["device_name"], "threads": joined["threads"], "wall_seconds": round(done["wall_seconds"], 1),
        "weights_sha256": weights_sha256, "files_sha256": files_sha256(directory),
    }


def manifest(evidence):
    path = evidence / MANIFEST
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["run"]: row for row in csv.DictReader(file)}


def write_manifest(evidence, rows):
    whole = evidence / (MANIFEST + ".new")
    with whole.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))
    whole.replace(evidence / MANIFEST)


def add(evidence, out):
    root = out / "runs"
    if not root.is_dir():
        sys.exit(f"error: {out} has no runs/: name the directory of `--out`")
    rows = manifest(evidence)
    new = 0
    for name, directory in finished(root).items():
        weights = directory / "weights.safetensors"
        weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else ""
        kept = evidence / "runs" / name
        if name in rows:
            if (kept / "run.ron").read_bytes() != (directory / "run.ron").read_bytes() or rows[name]["weights_sha256"] != weights_sha256:
                print(f"warning: {name} is another run than the one that is kept; it was left out", file=sys.stderr)
            continue
        kept.mkdir(parents=True, exist_ok=True)
        for file in PLAIN:
            shutil.copyfile(directory / file, kept / file)
        for file in COMPRESSED:
            if (directory / file).exists():
                (kept / f"{file}.gz").write_bytes(compress((directory / file).read_bytes()))
        rows[name] = row(name, kept, weights_sha256)
        new += 1
    evidence.mkdir(parents=True, exist_ok=True)
    write_manifest(evidence, rows)
    print(f"{new} new runs, {len(rows)} in all, {size(evidence) / 1e6:.1f} MB")


def size(evidence):
    return sum(path.stat().st_size for path in evidence.rglob("*") if path.is_file())


def check(evidence):
    rows, problems = manifest(evidence), []
    kept = finished(evidence / "runs")
    for name in sorted(set(rows) ^ set(kept)):
        problems.append(f"{name} is in {'the manifest' if name in rows else 'the directory'} alone")
    numerics = {}
    for name in sorted(set(rows) & set(kept)):
        directory, noted = kept[name], rows[name]
        try:
            done = json.loads((directory / "done.json").read_text())
            found = {key: str(value) for key, value in row(name, directory, noted["weights_sha256"]).items()}
            metrics = list(csv.DictReader(gzip.decompress((directory / "metrics.csv.gz").read_bytes()).decode().splitlines()))
        except (OSError, ValueError, KeyError) as error:
            problems.append(f"{name} cannot be read: {error}")
            continue
        problems += [f"{name}: {key} is {found[key]}, and {noted[key]} in the manifest" for key in COLUMNS if found[key] != noted[key]]
        mean = sum(done["returns"]) / len(done["returns"])
        if abs(mean - done["score"]) > 1e-9 * max(1, abs(mean)):
            problems.append(f"{name}: the score is {done['score']}, the mean return {mean}")
        if int(metrics[-1]["agent_steps"]) != done["agent_steps"]:
            problems.append(f"{name}: the metrics end at step {metrics[-1]['agent_steps']} of {done['agent_steps']}")
        if noted["dirty"] != "False":
            problems.append(f"{name} is of a commit with changes")
        # The random policy has no network.
        if not noted["weights_sha256"]:
            continue
        profile = name.split("/")[0]
        numerics.setdefault(profile, {}).setdefault((noted["commit"], noted["instruction_set"]), []).append(name)
    for profile, groups in numerics.items():
        if len(groups) > 1:
            listed = "; ".join(f"{commit[:9]} {instructions}: {len(names)} runs" for (commit, instructions), names in groups.items())
            problems.append(f"the runs of {profile} are of several commits or instruction sets: {listed}")
    if size(evidence) > LARGEST:
        problems.append(f"the evidence has {size(evidence) / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}")
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"{len(rows)} runs, {size(evidence) / 1e6:.1f} MB, {len(problems)} problems")
    return 1 if problems else 0


def unpack(evidence, to):
    for name, directory in finished(evidence / "runs").items():
        run = to / "runs" / name
        run.mkdir(parents=True, exist_ok=True)
        for file in PLAIN:
            shutil.copyfile(directory / file, run / file)
        for file in COMPRESSED:
            packed = directory / f"{file}.gz"
            if packed.exists():
                (run / file).write_bytes(gzip.decompress(packed.read_bytes()))
    print(f"the runs are in {to}/runs")


def repeat(evidence, name, to):
    rows = manifest(evidence)
    name = name.removeprefix("runs/").strip("/")
    if name not in rows:
        near = [known for known in rows if known.startswith(name)]
        sys.exit(f"error: there is no run {name}{': did you mean ' + near[0] + '?' if near else ''}")
    noted = rows[name]
    run = to / "runs" / name
    run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(evidence / "runs" / name / "run.ron", run / "run.ron")
    print(f"git checkout {noted['commit']}\ncargo build --release -p softmoe\ntarget/release/softmoe-run {run}/run.ron\nsha256sum {run}/weights.safetensors")
    print(f"\nThe score must be {noted['score']}. On a processor with {noted['instruction_set']}, the SHA-256 of the weights must be\n{noted['weights_sha256']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", type=Path, default=EVIDENCE, help="directory of the evidence (default: evidence/ of the repository)")
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("add").add_argument("out", type=Path)
    tasks.add_parser("check")
    tasks.add_parser("unpack").add_argument("to", type=Path)
    one = tasks.add_parser("repeat")
    one.add_argument("run")
    one.add_argument("to", type=Path)
    given = parser.parse_args()
    if given.task == "add":
        add(given.evidence, given.out)
    elif given.task == "check":
        return check(given.evidence)
    elif given.task == "unpack":
        unpack(given.evidence, given.to)
    else:
        repeat(given.evidence, given.run, given.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
