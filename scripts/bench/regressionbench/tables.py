"""Tables of results: medians with ranges, ratios paired within a round, goals met or missed."""

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
    """Goal of one figure. With `over` the figure is the ratio of the wall times of two rows in each round.

    Attributes:
        size: Name of the size of the artifacts.
        figure: `wall`, `peak` or `completes`.
        at_least: True if the limit is a minimum, otherwise it is a maximum.
    """

    size: str
    figure: str
    limit: float
    row: str = "ours"
    over: str = ""
    at_least: bool = False

    @property
    def text(self) -> str:
        """Human-readable goal."""
        sign = ">=" if self.at_least else "<="
        if self.over:
            return f"{self.row}: {self.figure} {sign} {self.limit:g} x {self.over}"
        return f"{self.row}: {self.figure} {sign} {format_figure(self.figure, self.limit)}"


GOALS = (
    Goal(size="10M", figure="wall", limit=3.5, over="scan"),
    Goal(size="10M", figure="peak", limit=1.2 * 1024),
    Goal(size="10M", row="ours, 512MB", figure="completes", limit=1.0, at_least=True),
    Goal(size="10M", row="datacompy-polars", figure="wall", limit=4.0, over="ours", at_least=True),
    Goal(size="1M", row="datacompy-pandas", figure="wall", limit=10.0, over="ours", at_least=True),
    Goal(size="10M", row="pandas", figure="wall", limit=4.0, over="ours", at_least=True),
)


def values(records: Sequence[Record], size: str, tool: str, figure: str) -> dict[int, float]:
    """Return a figure per round, of the correct runs; `completes` is 1 for correct runs and 0 for others."""
    runs = [r for r in records if r.size == size and r.tool == tool]
    if figure == "completes":
        return {r.round: float(not r.error) for r in runs}
    return {r.round: r.figures[figure] for r in runs if not r.error}


def ratios(records: Sequence[Record], size: str, row: str, over: str, figure: str = "wall") -> list[float]:
    """Return the ratios of two rows in each round in which both were correct."""
    first, second = (values(records, size, tool, figure) for tool in (row, over))
    return [first[n] / second[n] for n in sorted(first.keys() & second.keys())]


def judge(records: Sequence[Record], goal: Goal) -> dict[str, Any]:
    """Return a goal with its figure: median and range over the rounds, and whether the median meets it.

    `met` is `None` if nothing was measured, which is neither met nor missed. For `completes` the worst run counts.
    """
    figures = (
        ratios(records, goal.size, goal.row, goal.over, goal.figure)
        if goal.over
        else list(values(records, goal.size, goal.row, goal.figure).values())
    )
    figure = "ratio" if goal.over else goal.figure
    result: dict[str, Any] = {"size": goal.size, "goal": goal.text, "figure": figure, "met": None}
    if figures:
        middle = min(figures) if figure == "completes" else statistics.median(figures)
        met = middle >= goal.limit if goal.at_least else middle <= goal.limit
        result |= {"median": middle, "low": min(figures), "high": max(figures), "n": len(figures), "met": met}
        if goal.over:
            result["cpu_median"] = statistics.median(ratios(records, goal.size, goal.row, goal.over, "cpu"))
    return result


def format_figure(figure: str, value: float) -> str:
    """Return a human-readable figure."""
    return _FORMATS[figure].format(value)


def _cell(figure: str, figures: Sequence[float]) -> str:
    if not figures:
        return "-"
    middle = format_figure(figure, statistics.median(figures))
    return (
        middle
        if len(figures) == 1
        else f"{middle} ({format_figure(figure, min(figures))} .. {format_figure(figure, max(figures))})"
    )


def size_table(records: Sequence[Record], size: str) -> str:
    """Return the figures of one size, one row per diff, with wall times as multiples of the scan and of ours."""
    runs = [r for r in records if r.size == size]
    rows = [["diff", "wall", "CPU", "peak memory", "x scan", "x ours"]]
    for tool in dict.fromkeys(sorted((r.tool for r in runs), key=lambda tool: (not tool.startswith("ours"), tool))):
        row = [tool, *(_cell(f, list(values(runs, size, tool, f).values())) for f in ("wall", "cpu", "peak"))]
        rows.append([*row, *(_cell("ratio", ratios(runs, size, tool, over)) for over in ("scan", "ours"))])
    failed = [f"round {r.round + 1}, {r.tool}: not measured, {r.error}" for r in runs if r.error]
    return "\n".join([grid(rows), *failed])


def goal_table(goals: Sequence[dict[str, Any]]) -> str:
    """Return every goal with its figure."""
    rows = [["size", "goal", "median", "range", "by CPU", ""]]
    for goal in goals:
        if goal["met"] is None:
            rows.append([goal["size"], goal["goal"], "-", "-", "-", "not measured"])
            continue
        middle, low, high = (format_figure(goal["figure"], goal[key]) for key in ("median", "low", "high"))
        cpu = format_figure("ratio", goal["cpu_median"]) if "cpu_median" in goal else ""
        rows.append([goal["size"], goal["goal"], middle, f"{low} .. {high}", cpu, "met" if goal["met"] else "MISSED"])
    return grid(rows)
