"""Tables of results: medians with ranges, ratios paired within a round, goals met or missed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .scenarios import SCENARIOS, Record

BUSY = 0.9
"""Fraction of its core. A generator that used less in a closed loop was not the limit."""
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
    """Goal of one figure. With a `peer` the figure is the ratio ours / peer of each round.

    Attributes:
        at_least: True if the limit is a minimum; otherwise it is a maximum of the absolute value.
        cpu: For a ratio, the figure whose inverse ratio is shown next to it.
    """

    scenario: str
    figure: str
    limit: float
    row: str = OURS
    peer: str = ""
    at_least: bool = False
    cpu: str = ""

    @property
    def text(self) -> str:
        """Human-readable goal."""
        sign = ">=" if self.at_least else "<="
        if self.peer:
            return f"{self.row}: {self.figure} {sign} {self.limit:g} x {self.peer}"
        return f"{self.row}: {self.figure} {sign} {format_figure(self.figure, self.limit)}"


def _rate(peer: str, limit: float, row: str = OURS) -> Goal:
    return Goal(scenario="closed", figure="rate", limit=limit, row=row, peer=peer, at_least=True, cpu="cpu_us")


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
    Goal(scenario="open", figure="rate", limit=29_900.0, at_least=True),
    Goal(scenario="open", figure="unsent", limit=0.0),
    Goal(scenario="open", figure="late_p99_us", limit=150.0),
    Goal(scenario="memory", figure="peak_mb", limit=80.0),
    Goal(scenario="starved", figure="says_error", limit=1.0, at_least=True),
)


def values(records: Sequence[Record], scenario: str, tool: str, figure: str) -> dict[int, float]:
    """Return a figure by round."""
    return {
        r.round: r.figures[figure]
        for r in records
        if r.scenario == scenario and r.tool == tool and not r.error and figure in r.figures
    }


def ratios(records: Sequence[Record], goal: Goal, figure: str, *, inverse: bool = False) -> list[float]:
    """Return ours / peer of each round in which both were measured; peer / ours if `inverse`, for a cost."""
    ours, peer = (values(records, goal.scenario, tool, figure) for tool in (goal.row, goal.peer))
    both = sorted(ours.keys() & peer.keys())
    return [peer[n] / ours[n] if inverse else ours[n] / peer[n] for n in both]


def judge(records: Sequence[Record], goal: Goal) -> dict[str, Any]:
    """Return a goal with its figure: median and range over the rounds, and whether the median meets it.

    `met` is `None` if nothing was measured, which is neither met nor missed.
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
        met = middle >= goal.limit if goal.at_least else abs(middle) <= goal.limit
        result |= {"median": middle, "low": min(per_round), "high": max(per_round), "n": len(per_round), "met": met}
    if goal.peer and (busy := list(values(records, goal.scenario, goal.peer, "busy").values())):
        result["peer_busy"] = statistics.median(busy)
    if goal.cpu and (costs := ratios(records, goal, goal.cpu, inverse=True)):
        result["cpu_median"] = statistics.median(costs)
    return result


def format_figure(figure: str, value: float) -> str:
    """Return a human-readable figure in the unit of its name."""
    if figure.endswith("error"):
        return f"{value:+.1%}"
    return _FORMATS.get(figure, "{:g}").format(value)


def _cell(figure: str, rounds: Sequence[float]) -> str:
    if not rounds:
        return "-"
    middle = format_figure(figure, statistics.median(rounds))
    return (
        middle
        if len(rounds) == 1
        else f"{middle} ({format_figure(figure, min(rounds))} .. {format_figure(figure, max(rounds))})"
    )


def grid(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def scenario_table(records: Sequence[Record], scenario: str) -> str:
    """Return the figures of one scenario, one row per generator, with failures below."""
    runs = [r for r in records if r.scenario == scenario]
    figures = list(dict.fromkeys(figure for r in runs for figure in r.figures))
    tools = sorted({r.tool for r in runs}, key=lambda tool: (not tool.startswith("ours"), tool))
    rows = [["generator", *figures]]
    rows += [[tool, *(_cell(f, list(values(runs, scenario, tool, f).values())) for f in figures)] for tool in tools]
    failed = [f"round {r.round + 1}, {r.tool}: not measured, {r.error}" for r in runs if r.error]
    return "\n".join([grid(rows), *failed])


def goal_table(goals: Sequence[dict[str, Any]]) -> str:
    """Return every goal with its figure."""
    rows = [["scenario", "goal", "median", "range", "by CPU per request", ""]]
    for goal in goals:
        if goal["met"] is None:
            rows.append([goal["scenario"], goal["goal"], "-", "-", "-", "not measured"])
            continue
        middle, low, high = (format_figure(goal["figure"], goal[key]) for key in ("median", "low", "high"))
        cpu = format_figure("ratio", goal["cpu_median"]) if "cpu_median" in goal else ""
        met = "met" if goal["met"] else "MISSED"
        if goal.get("peer_busy", 1.0) < BUSY:
            met += f" (peer at {goal['peer_busy']:.0%})"
        rows.append([goal["scenario"], goal["goal"], middle, f"{low} .. {high}", cpu, met])
    return grid(rows)


def titles() -> dict[str, str]:
    """Return the scenarios' titles by name."""
    return {scenario.name: scenario.title for scenario in SCENARIOS}
