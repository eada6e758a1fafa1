"""The tables that the evidence of a prediction diff holds for people, read without trust.

A value of a wrong type is a dash, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ghmlops.core.evidence.document import Evidence, entries_of
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.content import findings
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

COMMANDS = ("regression",)
"""Commands whose evidence holds these tables."""
TABLES = (
    *("metrics", "slices", "searched", "windows", "timeline", "classes", "flips", "columns", "drift"),
    *("distributions", "rank", "noise", "changed rows"),
)
MOST_ROWS = 1000
"""Rows of one table that are shown."""


class Listed(NamedTuple):
    """The rows of a table, and how many entries of it are no rows."""

    rows: list[Row]
    unreadable: int


class Known(NamedTuple):
    """What the rows of a table do not say of a metric, from elsewhere in the same evidence."""

    units: Mapping[str, str]
    directions: Mapping[str, Direction]
    margins: Mapping[tuple[str, str], float]
    """By data set and metric, at least 0."""


def holds(file: Evidence, key: str) -> bool:
    """True where an entry of the evidence's details is one of these tables; anything else is a setting."""
    value = entries_of(file).get(key)
    told = file.command in COMMANDS and key in TABLES and isinstance(value, list)
    return told and any(isinstance(row, dict) for row in value or ())


def listed(file: Evidence, key: str) -> Listed:
    """Return the rows of a table; none where the evidence has no such table."""
    if not holds(file, key):
        return Listed([], 0)
    value: list[Any] = entries_of(file)[key]
    rows = [row for row in value if isinstance(row, dict)]
    return Listed(rows, len(value) - len(rows))


def known(file: Evidence) -> Known:
    """Return what is known of the metrics of `file`."""
    rows = listed(file, "metrics").rows
    units = {finding.metric: finding.unit for finding in file.findings if finding.change}
    margins = {(text(r, "dataset"), text(r, "metric")): m for r in rows if (m := figure(r, "margin")) is not None}
    return Known(
        units=units | {text(row, "metric"): text(row, "unit") for row in rows},
        directions={finding.metric: finding.direction for finding in file.findings if finding.direction},
        margins={place: abs(margin) for place, margin in margins.items()},
    )


def text(row: Row, key: str) -> str:
    """Return a value as text; empty where it is none, or a list or an object."""
    value = row.get(key)
    if isinstance(value, str):
        return value
    return findings.value_text(value) if isinstance(value, bool | int | float) else ""


def figure(row: Row, key: str) -> float | None:
    """Return a finite number of a size that people write down; `None` for all else."""
    return finite(row.get(key))


def whole(row: Row, key: str) -> int | None:
    """Return a whole number; `None` for all else."""
    value = figure(row, key)
    return int(value) if value is not None and value == int(value) else None


def outcome(row: Row) -> Outcome | None:
    """Return the row's outcome; `None` where it was not judged."""
    value = row.get("outcome")
    return Outcome(value) if isinstance(value, str) and value in set(Outcome) else None


def comparison(row: Row, facts: Known) -> Finding:
    """Return the numbers of a row as a finding, so that they are written as everywhere; it is never counted."""
    metric, dataset = text(row, "metric"), text(row, "dataset")
    estimate, low, high = figure(row, "change"), figure(row, "low"), figure(row, "high")
    baseline, candidate = figure(row, "baseline"), figure(row, "candidate")
    if estimate is None and baseline is not None and candidate is not None:
        estimate = candidate - baseline
    return Finding(
        id="",
        metric=metric,
        dataset=dataset,
        outcome=outcome(row) or Outcome.PASS,
        reason="",
        docs="actions/regression/README.md#metrics",
        unit=facts.units.get(metric, ""),
        direction=facts.directions.get(metric),
        baseline=baseline,
        candidate=candidate,
        change=None if estimate is None else Interval(estimate=estimate, low=low, high=high),
        margin=facts.margins.get((dataset, metric)) if outcome(row) else None,
        n=whole(row, "rows"),
    )


def class_units(facts: Known) -> Known:
    """Recall and F1 of one class are shares, whatever else is known of metrics of that name."""
    return facts._replace(units={**facts.units, "recall": "ratio", "f1": "ratio"})


def worst_first(rows: Sequence[Row], then: str) -> list[Row]:
    """Sort by outcome, then by the number `then`, smallest first; what has none comes last, as what is only shown."""

    def rank(row: Row) -> tuple[int, bool, float]:
        judged, value = outcome(row), figure(row, then)
        return (-judged.severity if judged else 1, value is None, value or 0.0)

    return sorted(rows, key=rank)


def harmless(rows: Sequence[Row]) -> int:
    """Return how many rows at the end tell of no harm: passed, or only shown."""
    harm = [place for place, row in enumerate(rows, 1) if outcome(row) not in (None, Outcome.PASS)]
    return len(rows) - max(harm, default=0)


def several(rows: Sequence[Row]) -> bool:
    """True where rows name data sets."""
    return any(text(row, "dataset") for row in rows)
