"""Medians with their range, ratios paired within the round, goals met or missed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .scenarios import SCENARIOS, Record

BUSY = 0.9
"""A generator that used less of its core in a closed loop was not what limited it."""
OURS, JSON, MORE = "ours", "ours, JSON check", "ours, 512 connections"
_FORMATS = {
    "ratio": "{:.2f}",
    "rate": "{:,.0f}/s",
    "cpu_us": "{:.1f} us",
    "late_p50_us": "{:,.0f} us",
    "late_p99_us": "{:,.0f} us",
    "busy": "{:.0%}",
    "counted": "{:.2%}",
    "withheld": "{:.2%}",
    "peak_mb": "{:.0f} MB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be reached. With a `peer` the figure is the ratio ours / peer of each round.

    Attributes:
        least: the figure must be at least the limit; otherwise at most, in absolute value.
        cpu: for a ratio, the figure whose inverse ratio is shown beside it.
    """

    scenario: str
    figure: str
    limit: float
    row: str = OURS
    peer: str = ""
    least: bool = False
    cpu: str = ""

    @property
    def text(self) -> str:
        """One line for people."""
        sign = ">=" if self.least else "<="
        if self.peer:
            return f"{self.row}: {self.figure} {sign} {self.limit:g} x {self.peer}"
        return f"{self.row}: {self.figure} {sign} {shown(self.figure, self.limit)}"


def _rate(peer: str, limit: float, row: str = OURS) -> Goal:
    return Goal(scenario="closed", figure="rate", limit=limit, row=row, peer=peer, least=True, cpu="cpu_us")


GOALS = (
    _rate("wrk", 0.95),
    _rate("oha", 0.9),
    _rate("fortio", 0.9),
    _rate("hey", 2.0),
    _rate("vegeta", 3.0),
    _rate("k6", 6.0),
    _rate("locust", 10.0),
    _rate("hey", 1.5, JSON),
    _rate("vegeta", 2.5, JSON),
    *(
        Goal(scenario=scenario, figure=f"{name} error", limit=limit)
        for scenario in ("fixed-1k", "fixed-5k")
        for name, limit in (("p50", 0.10), ("p99", 0.01), ("p99.9", 0.03))
    ),
    *(
        Goal(scenario="stall", figure=f"{name} error", limit=limit, row=MORE)
        for name, limit in (("p90", 0.05), ("p99", 0.02), ("p99.9", 0.02))
    ),
    Goal(scenario="stall", figure="withheld", limit=0.0, row=MORE),
    Goal(scenario="open", figure="rate", limit=29_900.0, least=True),
    Goal(scenario="open", figure="unsent", limit=0.0),
    Goal(scenario="open", figure="late_p99_us", limit=150.0),
    Goal(scenario="memory", figure="peak_mb", limit=80.0),
    Goal(scenario="starved", figure="says_error", limit=1.0, least=True),
)


def values(records: Sequence[Record], scenario: str, tool: str, figure: str) -> dict[int, float]:
    """Return a figure by round."""
    return {
        r.round: r.figures[figure]
        for r in records
        if r.scenario == scenario and r.tool == tool and not r.error and figure in r.figures
    }


def ratios(records: Sequence[Record], goal: Goal, figure: str, *, inverse: bool = False) -> list[float]:
    """Return ours / peer of each round in which both were measured; the other way round for a cost."""
    ours, peer = (values(records, goal.scenario, tool, figure) for tool in (goal.row, goal.peer))
    both = sorted(ours.keys() & peer.keys())
    return [peer[n] / ours[n] if inverse else ours[n] / peer[n] for n in both]


def judged(records: Sequence[Record], goal: Goal) -> dict[str, Any]:
    """Return a goal with its figure: median and range over the rounds, and whether the median meets it.

    `met` is `None` where nothing was measured: that is neither met nor missed.
    """
    per_round = (
        ratios(records, goal, goal.figure)
        if goal.peer
        else list(values(records, goal.scenario, goal.row, goal.figure).values())
    )
    figure = "ratio" if goal.peer else goal.figure
    result: dict[str, Any] = {"scenario": goal.scenario, "goal": goal.text, "figure": figure, "met": None}
    if per_round:
        middle = statistics.median(per_round)
        met = middle >= goal.limit if goal.least else abs(middle) <= goal.limit
        result |= {"median": middle, "low": min(per_round), "high": max(per_round), "n": len(per_round), "met": met}
    if goal.peer and (busy := list(values(records, goal.scenario, goal.peer, "busy").values())):
        result["peer_busy"] = statistics.median(busy)
    if goal.cpu and (costs := ratios(records, goal, goal.cpu, inverse=True)):
        result["cpu_median"] = statistics.median(costs)
    return result


def shown(figure: str, value: float) -> str:
    """Return a figure for people, by the unit that its name tells."""
    if figure.endswith("error"):
        return f"{value:+.1%}"
    return _FORMATS.get(figure, "{:g}").format(value)


def _cell(figure: str, seen: Sequence[float]) -> str:
    if not seen:
        return "-"
    middle = shown(figure, statistics.median(seen))
    return middle if len(seen) == 1 else f"{middle} ({shown(figure, min(seen))} .. {shown(figure, max(seen))})"


def grid(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def scenario_table(records: Sequence[Record], scenario: str) -> str:
    """Return one scenario's figures, a row a generator; what failed is said below."""
    mine = [r for r in records if r.scenario == scenario]
    figures = list(dict.fromkeys(figure for r in mine for figure in r.figures))
    tools = sorted({r.tool for r in mine}, key=lambda tool: (not tool.startswith("ours"), tool))
    rows = [["generator", *figures]]
    rows += [[tool, *(_cell(f, list(values(mine, scenario, tool, f).values())) for f in figures)] for tool in tools]
    failed = [f"round {r.round + 1}, {r.tool}: not measured, {r.error}" for r in mine if r.error]
    return "\n".join([grid(rows), *failed])


def goal_table(goals: Sequence[dict[str, Any]]) -> str:
    """Return every goal with its figure."""
    rows = [["scenario", "goal", "median", "range", "by CPU a request", ""]]
    for goal in goals:
        if goal["met"] is None:
            rows.append([goal["scenario"], goal["goal"], "-", "-", "-", "not measured"])
            continue
        middle, low, high = (shown(goal["figure"], goal[key]) for key in ("median", "low", "high"))
        cpu = shown("ratio", goal["cpu_median"]) if "cpu_median" in goal else ""
        met = "met" if goal["met"] else "MISSED"
        if goal.get("peer_busy", 1.0) < BUSY:
            met += f" (peer at {goal['peer_busy']:.0%})"
        rows.append([goal["scenario"], goal["goal"], middle, f"{low} .. {high}", cpu, met])
    return grid(rows)


def titles() -> dict[str, str]:
    """Return the scenarios' titles by name."""
    return {scenario.name: scenario.title for scenario in SCENARIOS}
