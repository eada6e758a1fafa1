"""The outcomes of a day, and the table that `watch` reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY = 86_400


class DayRow(NamedTuple):
    """A day (UTC) whose outcomes are mature.

    Attributes:
        day: number of the day since 1970.
        requests: requests of the day.
        outcomes: requests with an outcome that counts.
        positives: outcomes with the label 1 and a score.
        negatives: outcomes with the label 0 and a score.
        auc: area under the ROC curve of the score; `None` without both labels.
    """

    day: int
    requests: int
    outcomes: int
    positives: int
    negatives: int
    auc: float | None


def format_day(day: int) -> str:
    """Return the date of a day, ISO 8601."""
    return datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m-%d")


def format_days(days: Sequence[DayRow]) -> str:
    """Return the days as CSV."""
    lines = ["day,requests,outcomes,positives,negatives,auc"]
    for row in days:
        auc = "" if row.auc is None else f"{row.auc:.6f}"
        lines.append(f"{format_day(row.day)},{row.requests},{row.outcomes},{row.positives},{row.negatives},{auc}")
    return "\n".join(lines) + "\n"
