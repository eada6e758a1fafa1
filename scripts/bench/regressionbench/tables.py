"""Medians with their range, ratios paired within the round, goals met or missed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..loadbench.tables import grid
from .peers import Record

_FORMATS = {"wall": "{:.2f} s", "cpu": "{:.2f} s", "peak": "{:,.0f} MiB", "ratio": "{:.2f}", "completes": "{:.0%}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be reached. With `over` the figure is the ratio of the two rows' wall times in each round.

    Attributes:
        size: of the artifacts, by name.
        figure: `wall`, `peak` or `completes`.
        least: the figure must be at least the limit; otherwise at most.
    """

    size: str
    figure: str
    limit: float
    row: str = "ours"
    over: str = ""
    least: bool = False

    @property
    def text(self) -> str:
        """One line for people."""
        sign = ">=" if self.least else "<="
        if self.over:
            return f"{self.row}: {self.figure} {sign} {self.limit:g} x {self.over}"
        return f"{self.row}: {self.figure} {sign} {shown(self.figure, self.limit)}"


GOALS = (
    Goal(size="10M", figure="wall", limit=3.5, over="scan"),
    Goal(size="10M", figure="peak", limit=1.2 * 1024),
    Goal(size="10M", row="ours, 512MB", figure="completes", limit=1.0, least=True),
    Goal(size="10M", row="datacompy-polars", figure="wall", limit=4.0, over="ours", least=True),
    Goal(size="1M", row="datacompy-pandas", figure="wall", limit=10.0, over="ours", least=True),
    Goal(size="10M", row="pandas", figure="wall", limit=4.0, over="ours", least=True),
)


def values(records: Sequence[Record], size: str, tool: str, figure: str) -> dict[int, float]:
    """Return a figure by round, of the runs that were right; `completes` is 1 for those and 0 for the others."""
    mine = [r for r in records if r.size == size and r.tool == tool]
    if figure == "completes":
        return {r.round: float(not r.error) for r in mine}
    return {r.round: r.figures[figure] for r in mine if not r.error}


def ratios(records: Sequence[Record], size: str, row: str, over: str, figure: str = "wall") -> list[float]:
    """Return the ratios of two rows in each round in which both were right."""
    first, second = (values(records, size, tool, figure) for tool in (row, over))
    return [first[n] / second[n] for n in sorted(first.keys() & second.keys())]


def judged(records: Sequence[Record], goal: Goal) -> dict[str, Any]:
    """Return a goal with its figure: median and range over the rounds, and whether the median meets it.

    `met` is `None` where nothing was measured: that is neither met nor missed. Of `completes` the worst run counts.
    """
    seen = (
        ratios(records, goal.size, goal.row, goal.over, goal.figure)
        if goal.over
        else list(values(records, goal.size, goal.row, goal.figure).values())
    )
    figure = "ratio" if goal.over else goal.figure
    result: dict[str, Any] = {"size": goal.size, "goal": goal.text, "figure": figure, "met": None}
    if seen:
        middle = min(seen) if figure == "completes" else statistics.median(seen)
        met = middle >= goal.limit if goal.least else middle <= goal.limit
        result |= {"median": middle, "low": min(seen), "high": max(seen), "n": len(seen), "met": met}
        if goal.over:
            result["cpu_median"] = statistics.median(ratios(records, goal.size, goal.row, goal.over, "cpu"))
    return result


def shown(figure: str, value: float) -> str:
    """Return a figure for people."""
    return _FORMATS[figure].format(value)


def _cell(figure: str, seen: Sequence[float]) -> str:
    if not seen:
        return "-"
    middle = shown(figure, statistics.median(seen))
    return middle if len(seen) == 1 else f"{middle} ({shown(figure, min(seen))} .. {shown(figure, max(seen))})"


def size_table(records: Sequence[Record], size: str) -> str:
    """Return the figures of one size, a row a diff, with the wall times as multiples of the scan and of ours."""
    mine = [r for r in records if r.size == size]
    rows = [["diff", "wall", "CPU", "peak memory", "x scan", "x ours"]]
    for tool in dict.fromkeys(sorted((r.tool for r in mine), key=lambda tool: (not tool.startswith("ours"), tool))):
        row = [tool, *(_cell(f, list(values(mine, size, tool, f).values())) for f in ("wall", "cpu", "peak"))]
        rows.append([*row, *(_cell("ratio", ratios(mine, size, tool, over)) for over in ("scan", "ours"))])
    failed = [f"round {r.round + 1}, {r.tool}: not measured, {r.error}" for r in mine if r.error]
    return "\n".join([grid(rows), *failed])


def goal_table(goals: Sequence[dict[str, Any]]) -> str:
    """Return every goal with its figure."""
    rows = [["size", "goal", "median", "range", "by CPU", ""]]
    for goal in goals:
        if goal["met"] is None:
            rows.append([goal["size"], goal["goal"], "-", "-", "-", "not measured"])
            continue
        middle, low, high = (shown(goal["figure"], goal[key]) for key in ("median", "low", "high"))
        cpu = shown("ratio", goal["cpu_median"]) if "cpu_median" in goal else ""
        rows.append([goal["size"], goal["goal"], middle, f"{low} .. {high}", cpu, "met" if goal["met"] else "MISSED"])
    return grid(rows)
