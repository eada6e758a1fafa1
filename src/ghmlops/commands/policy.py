"""`check` validates a policy; prints what would run, what it costs and detects, and which files are missing."""

from __future__ import annotations

import glob
import importlib.util
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Doc, Result
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.errors import InputError, nearest
from ghmlops.core.model import Outcome
from ghmlops.core.policy.summary import describe
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression

TASKS = ("check",)


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `policy`."""

    task: Annotated[str, Doc(description="check.", extra={"positional": True})]


OUTPUTS = OUTCOME_OUTPUTS


def run(inputs: Inputs, services: Services) -> Result:
    """Run `policy check`.

    Raises:
        InputError: The task is unknown.
        PolicyError: The policy is not valid.
    """
    if inputs.task == "init":
        raise InputError("`policy init` is the command `init`", hint="run `ghmlops init`")
    if inputs.task not in TASKS:
        raise InputError(f'"{inputs.task}" is not a task of `policy`', hint=nearest(inputs.task, TASKS))
    return _check(inputs, services)


def _check(inputs: Inputs, services: Services) -> Result:
    from ghmlops.core.adoption.world import cost_line, permission_lines, policy_files

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    lines = [*describe(policy), *_plan_lines(policy)]
    lines += [line for line in (cost_line(policy),) if line]
    lines += _prediction_lines(policy, services.cwd)
    lines += permission_lines(policy)
    missing = [f"{key}: {name}" for name, key in policy_files(policy).items() if not _matches(services.cwd, name)]
    text = [f"{inputs.policy}: valid. It would run:", *(f"  {line}" for line in lines)]
    text += ["missing here (correct if a workflow makes them first):", *(f"  {m}" for m in missing)] if missing else []
    return Result(
        outcome=Outcome.WARN if missing else Outcome.PASS,
        reason_code="files-missing" if missing else "policy-valid",
        reason=f"{inputs.policy} is a valid policy{'; some of its files are missing' if missing else ''}.",
        text=terminal.block(text),
        data={"runs": lines, "missing": missing, "policy": msgspec.to_builtins(policy)},
    )


def _plan_lines(policy: Policy) -> list[str]:
    """Return what the plan of the load can decide; a bare installation lacks the packages that compute it."""
    if policy.latency is None:
        return []
    if not all(importlib.util.find_spec(package) for package in ("numpy", "scipy")):
        return ['latency plan: `pip install "ghmlops[latency]"` to see what it can detect']
    from ghmlops.core.latency.planning.plan_text import plan_lines

    return plan_lines(policy.latency)


def _matches(cwd: Path, name: str) -> list[Path]:
    """Return the file or folder of this name, or the files that match it as a pattern."""
    path = cwd / name
    return [path] if path.exists() else [cwd / match for match in glob.glob(name, root_dir=cwd, recursive=True)]


def _prediction_lines(policy: Policy, cwd: Path) -> list[str]:
    """Return what the margins can decide, for the data sets whose two sides are here."""
    from ghmlops.core.adoption.world import margin_lines

    regression = policy.regression
    if regression and not importlib.util.find_spec("duckdb"):
        return ['predictions: `pip install "ghmlops[regression]"` to see what the margins can detect']
    rows = _rows(regression, cwd) if regression else {}
    return margin_lines(regression, rows) if regression else []


def _rows(regression: Regression, cwd: Path) -> dict[str, int]:
    """Return the rows of the smaller side of each data set, by the footers of its files."""
    counts: dict[str, int] = {}
    for dataset in regression.datasets:
        sides = [[p for spec in side for p in _parquet(cwd, spec)] for side in (dataset.baseline, dataset.candidate)]
        if all(sides):
            from ghmlops.measure.repository.tables import read_rows

            counts[dataset.name] = min(sum(read_rows(path) for path in side) for side in sides)
    return counts


def _parquet(cwd: Path, spec: str) -> list[Path]:
    files = [file for path in _matches(cwd, spec) for file in (path.rglob("*") if path.is_dir() else [path])]
    return [path for path in files if path.suffix == ".parquet" and path.is_file()]
