"""Runs the command `ghmlops regression` on two artifacts, and reads the result from its evidence."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ..loadbench.child import BenchError
from .data import Artifacts, Facts
from .measure import Run, last_words

COMMIT = "0" * 39 + "1"
"""Commit of the evidence; the working directory is not a repository."""
POLICY = """\
version: 1
service: bench
regression:
  task: binary
  key: [id]
  label: clicked
  score: p_click
  prediction: y_pred
  time: event_time
  window: 1d
  slices: [device, country, plan, [device, country]]
  margins: {accuracy: 0.005, auc: 0.002, log-loss: 1%, negative-flips: 5%, churn: 5%}
"""


def command(artifacts: Artifacts, folder: Path, memory: str) -> list[str]:
    """Write the policy to `folder` and return the command to run there."""
    (folder / "policy.yml").write_text(POLICY)
    sides = [word for side in ("baseline", "candidate") for word in (f"--{side}", str(artifacts.path(side)))]
    return [sys.executable, "-m", "ghmlops", "regression", "--policy", "policy.yml", *sides, "--memory-limit", memory]


def environment() -> dict[str, str]:
    """Return the environment variables of the command: a commit, none of a runner, and byte code as after `install.sh`.

    Without byte code Python compiles every module again, a quarter of the time of small inputs.
    """
    omitted = ("GITHUB_", "GHMLOPS_", "PYTHONDONTWRITEBYTECODE")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(omitted)}
    return variables | {"GITHUB_SHA": COMMIT}


def read(run: Run, folder: Path) -> Facts:
    """Return the result that the evidence contains.

    Raises:
        BenchError: The command could not judge.
        KeyError: A finding or a metric is missing, so that the time would be that of less work.
    """
    if run.code not in (0, 1):
        raise BenchError(f"exit code {run.code}: {last_words(run)}")
    return facts_of(json.loads((folder / "evidence" / "regression.json").read_text()))


def facts_of(evidence: dict[str, Any]) -> Facts:
    """Return the facts of an evidence file.

    Raises:
        KeyError: A finding or a metric is missing.
    """
    rows = {finding["id"]: finding["n"] for finding in evidence["findings"]}
    values = {(m["id"], m["arm"]): m["values"]["value"] for m in evidence["measurements"]}
    facts: dict[str, float] = {
        "paired": rows["contract-rows"],
        "missing": rows["contract-removed-rows"],
        "added": rows["contract-added-rows"],
        "slices": rows["slices-summary"],
        "windows": rows["windows-summary"],
    }
    for name in ("accuracy", "log-loss", "auc", "ece", "positive-rate"):
        for side in ("baseline", "candidate"):
            facts[f"{name.replace('-', '_')}_{side}"] = values[name, side]
    facts["negative_flips"] = values["negative-flips", "candidate"]
    changes = values["churn", "candidate"] * facts["paired"]
    # Evidence has ten significant digits, so that a number of rows is restored within a hundredth.
    facts["decision_changes"] = round(changes) if abs(changes - round(changes)) < 0.01 else changes
    return facts
