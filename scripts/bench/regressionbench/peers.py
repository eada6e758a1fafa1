"""Rows of the benchmark: command line of each diff, the results that it must report, and their check."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..loadbench.child import BenchError, run
from . import install, ours
from .data import SIDES, Artifacts, Facts
from .measure import MIB, Run, last_words, run_measured

HERE = Path(__file__).parent
EXACT, CLOSE, AREA = 0.0, 1e-9, 1e-5
"""Tolerances of counts, means and areas; the true area is computed from bins, as a diff may do too."""
COUNTS = ("paired", "missing", "added", "decision_changes")
MEANS = tuple(f"{name}_{side}" for name in ("accuracy", "log_loss") for side in SIDES)
AREAS = tuple(f"auc_{side}" for side in SIDES)
ALL = (*COUNTS, "slices", "windows", *MEANS, *AREAS)
TIMEOUT = 900.0

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A diff, one row of the tables.

    Attributes:
        name: Name of the row and of the peer.
        gives: Names of the facts that it must report.
        command: Returns the command line for a Python, the artifacts and a working directory.
        read: Reads the facts from the output or the files of the process.
        module: Module that its Python must have; empty if it needs none.
        max_rows: Maximum rows per side for which it is measured unless it is named explicitly; 0 for no maximum.
    """

    name: str
    gives: tuple[str, ...]
    command: Callable[[str, Artifacts, Path], list[str]]
    read: Callable[[Run, Path], Facts]
    module: str = ""
    max_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run: figures and facts, or the error if they do not count. `wall` and `cpu` in seconds, `peak` in MiB."""

    size: str
    round: int
    tool: str
    figures: Figures = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    error: str = ""


def _ours(memory: str) -> Callable[[str, Artifacts, Path], list[str]]:
    return lambda _python, artifacts, folder: ours.command(artifacts, folder, memory)


def _child(file: str, *words: str) -> Callable[[str, Artifacts, Path], list[str]]:
    return lambda python, artifacts, _folder: [
        python, str(HERE / file), *words, *(str(artifacts.path(side)) for side in SIDES)
    ]  # fmt: skip


def _printed(run: Run, _folder: Path) -> Facts:
    if run.code:
        raise BenchError(f"exit code {run.code}: {last_words(run)}")
    facts: Facts = json.loads(run.out)
    return facts


OURS = Tool(name="ours", gives=ALL, command=_ours("1GiB"), read=ours.read)
LIMITED = Tool(name="ours, 512MB", gives=ALL, command=_ours("512MB"), read=ours.read)
_ROWS = tuple(f"rows_{side}" for side in SIDES)


def _peer(name: str, gives: tuple[str, ...], file: str, *words: str, module: str = "", max_rows: int = 0) -> Tool:
    command = _child(file, *words)
    return Tool(name=name, gives=gives, command=command, read=_printed, module=module, max_rows=max_rows)


PEERS = (
    _peer("scan", _ROWS, "scan.py", "all"),
    _peer("scan-8", _ROWS, "scan.py", "eight"),
    _peer("join", COUNTS[:3], "scan.py", "join"),
    _peer("pandas", ALL, "pandas_diff.py", module="pandas"),
    _peer("polars", ALL, "polars_diff.py", module="polars"),
    _peer("polars-14", ALL, "polars_diff.py", "fingerprint", module="polars"),
    _peer("datacompy-polars", COUNTS, "datacompy_diff.py", "polars", module="datacompy"),
    _peer("datacompy-pandas", COUNTS, "datacompy_diff.py", "pandas", module="datacompy", max_rows=1_000_000),
)
"""Scans and join run in the Python of the project, with the same DuckDB as ours; the others in the peers' Python."""


def python_of(tool: Tool) -> str | None:
    """Return the Python that runs a row: that of the peers or, if it has the module, that of the project."""
    if not tool.module:
        return sys.executable
    if python := install.python():
        return str(python) if _imports(python, tool.module) else None
    return sys.executable if importlib.util.find_spec(tool.module) else None


def _imports(python: Path, module: str) -> bool:
    return run([str(python), "-c", f"import {module}"], timeout=60).code == 0


def check_facts(tool: Tool, facts: Facts, truth: Facts) -> str:
    """Return a message about the first wrong or missing fact; empty if all are correct."""
    for name in tool.gives:
        if name not in facts:
            return f"{name} is missing"
        if not abs(facts[name] - truth[name]) <= _tolerance(name):  # a NaN is wrong too
            return f"{name} is {facts[name]:.12g}, expected {truth[name]:.12g}"
    return ""


def _tolerance(name: str) -> float:
    return AREA if name in AREAS else CLOSE if name in MEANS else EXACT


def measure(tool: Tool, python: str, artifacts: Artifacts, folder: Path, timeout: float) -> tuple[Figures, Facts]:
    """Run a row once in an empty folder.

    Raises:
        BenchError: The process failed, exceeded the time limit, or reported wrong facts.
    """
    environment = ours.environment() if tool in (OURS, LIMITED) else None
    run = run_measured(tool.command(python, artifacts, folder), timeout=timeout, cwd=folder, environment=environment)
    try:
        facts = tool.read(run, folder)
        problem = check_facts(tool, facts, artifacts.truth())
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BenchError(f"its output cannot be read: {type(error).__name__}: {error}") from None
    if problem:
        raise BenchError(problem)
    return {"wall": run.wall, "cpu": run.cpu, "peak": run.peak / MIB}, facts


def select_peers(names: Iterable[str], rows: int, *, explicit: bool) -> list[Tool]:
    """Return the peers of `names` for artifacts of `rows` rows; slow ones above their maximum only if `explicit`."""
    selection = set(names)
    return [t for t in PEERS if t.name in selection and (explicit or not t.max_rows or rows <= t.max_rows)]
