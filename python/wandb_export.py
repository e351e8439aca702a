"""Writes finished runs as offline runs of Weights & Biases, through its own client: no account, no network.

    pip install wandb pandas
    python python/wandb_export.py runs/quick/softmoe-4/breakout/seed-0 ..
    wandb sync wandb/offline-run-*          # uploads them

Needs run.json, done.json, metrics.csv and diagnostics.csv of each directory. Tried with wandb 0.31.0. WANDB_MODE=online uploads at once.
"""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import wandb


def main(directories):
    os.environ.setdefault("WANDB_MODE", "offline")
    for directory in directories:
        config, done = (json.loads((directory / name).read_text()) for name in ["run.json", "done.json"])
        metrics = pd.read_csv(directory / "metrics.csv").set_index("agent_steps")
        # A row a name and step: one column for each name.
        diagnostics = pd.read_csv(directory / "diagnostics.csv")
        diagnostics = diagnostics.pivot_table(index="agent_steps", columns="name", values="value")
        name = "/".join(directory.resolve().parts[-4:])
        with wandb.init(project="softmoe", name=name, group=config["arm"], config=config) as run:
            for step, row in metrics.join(diagnostics, how="outer").iterrows():
                run.log({key: value for key, value in row.items() if value == value}, step=int(step))
            run.summary["score"] = done["score"]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("name directories of finished runs, e.g. runs/quick/softmoe-4/breakout/seed-0")
    main([Path(argument) for argument in sys.argv[1:]])
