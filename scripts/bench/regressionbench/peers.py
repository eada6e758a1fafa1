"""The rows of the bench: how each diff is started, what it must have found, and whether that is right."""

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
from .measure import MIB, Run, last_words, measured

HERE = Path(__file__).parent
EXACT, CLOSE, AREA = 0.0, 1e-9, 1e-5
"""How far from the truth a count, a mean, and an area may lie; the true area is in bins, and a diff may bin it too."""
COUNTS = ("paired", "missing", "added", "decision_changes")
MEANS = tuple(f"{name}_{side}" for name in ("accuracy", "log_loss") for side in SIDES)
AREAS = tuple(f"auc_{side}" for side in SIDES)
ALL = (*COUNTS, "slices", "windows", *MEANS, *AREAS)
TIMEOUT = 900.0

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A row.

    Attributes:
        name: of the row, and of the peer.
        gives: the facts that it must find.
        module: that its Python must have; empty: none.
        command: of artifacts and a scratch folder, by a Python.
        most: rows a side up to which it is measured unless it is asked for by name.
    """

    name: str
    gives: tuple[str, ...]
    command: Callable[[str, Artifacts, Path], list[str]]
    read: Callable[[Run, Path], Facts]
    module: str = ""
    most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run: its figures and what it found, or why its figures do not count. `wall`, `cpu` in s, `peak` in MiB."""

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
PEERS = (
    Tool(name="scan", gives=_ROWS, command=_child("scan.py", "all"), read=_printed),
    Tool(name="scan-8", gives=_ROWS, command=_child("scan.py", "eight"), read=_printed),
    Tool(name="join", gives=COUNTS[:3], command=_child("scan.py", "join"), read=_printed),
    Tool(name="pandas", gives=ALL, command=_child("pandas_diff.py"), read=_printed, module="pandas"),
    Tool(name="polars", gives=ALL, command=_child("polars_diff.py"), read=_printed, module="polars"),
    Tool(
        name="datacompy-polars",
        gives=COUNTS,
        command=_child("datacompy_diff.py", "polars"),
        read=_printed,
        module="datacompy",
    ),
    Tool(
        name="datacompy-pandas",
        gives=COUNTS,
        command=_child("datacompy_diff.py", "pandas"),
        read=_printed,
        module="datacompy",
        most=1_000_000,
    ),
)
"""Scans and join are run by the project's own Python and so by the same DuckDB as ours; the rest by the peers' own."""


def python_of(tool: Tool) -> str | None:
    """Return the Python that runs a row: the peers' own, or else the project's, where it has the module."""
    if not tool.module:
        return sys.executable
    if there := install.python():
        return str(there) if _imports(there, tool.module) else None
    return sys.executable if importlib.util.find_spec(tool.module) else None


def _imports(python: Path, module: str) -> bool:
    return run([str(python), "-c", f"import {module}"], timeout=60).code == 0


def wrong(tool: Tool, facts: Facts, truth: Facts) -> str:
    """Return what a row found that is not so, or did not find; empty where all is right."""
    for name in tool.gives:
        if name not in facts:
            return f"it does not say {name}"
        if not abs(facts[name] - truth[name]) <= _tolerance(name):  # a NaN is wrong too
            return f"it says {name} {facts[name]:.12g}, and it is {truth[name]:.12g}"
    return ""


def _tolerance(name: str) -> float:
    return AREA if name in AREAS else CLOSE if name in MEANS else EXACT


def measure(tool: Tool, python: str, artifacts: Artifacts, folder: Path, timeout: float) -> tuple[Figures, Facts]:
    """Run a row once in an empty folder.

    Raises:
        BenchError: it failed, took too long, or found something else than the truth.
    """
    environment = ours.environment() if tool in (OURS, LIMITED) else None
    run = measured(tool.command(python, artifacts, folder), timeout=timeout, cwd=folder, environment=environment)
    try:
        facts = tool.read(run, folder)
        problem = wrong(tool, facts, artifacts.truth())
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BenchError(f"its output cannot be read: {type(error).__name__}: {error}") from None
    if problem:
        raise BenchError(problem)
    return {"wall": run.wall, "cpu": run.cpu, "peak": run.peak / MIB}, facts


def chosen(names: Iterable[str], rows: int, *, asked: bool) -> list[Tool]:
    """Return the peers of `names` for artifacts of `rows` rows; a slow one is left to fewer rows unless `asked` for."""
    there = set(names)
    return [tool for tool in PEERS if tool.name in there and (asked or not tool.most or rows <= tool.most)]
