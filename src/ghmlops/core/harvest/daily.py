"""The outcomes of a day, and the table that `watch` reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY = 86_400
_HEADER = "day,requests,outcomes,positives,negatives,auc"


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
    lines = [_HEADER]
    for row in days:
        auc = "" if row.auc is None else f"{row.auc:.6f}"
        lines.append(f"{format_day(row.day)},{row.requests},{row.outcomes},{row.positives},{row.negatives},{auc}")
    return "\n".join(lines) + "\n"


def parse_days(text: str) -> list[DayRow]:
    """Return the days of a CSV that `format_days` wrote.

    Raises:
        ValueError: It did not.
    """
    header, *lines = text.splitlines() or [""]
    if header != _HEADER:
        raise ValueError(f"the first line is not {_HEADER}")
    return [_parse_day(line) for line in lines if line]


def _parse_day(line: str) -> DayRow:
    name, *counts, auc = line.split(",")
    requests, outcomes, positives, negatives = map(int, counts)
    day = int(datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) // _DAY
    area = float(auc) if auc else None
    if min(requests, outcomes, positives, negatives) < 0 or (area is not None and not 0.0 <= area <= 1.0):
        raise ValueError("a number is out of range")
    return DayRow(day, requests, outcomes, positives, negatives, area)


def merge_days(earlier: Iterable[DayRow], new: Iterable[DayRow]) -> list[DayRow]:
    """Return the days of both in ascending order.

    Of a day that both have, the row with more requests counts, since a log may begin within a day; the new one of two
    with as many.
    """
    rows = {row.day: row for row in earlier}
    for row in new:
        if row.day not in rows or row.requests >= rows[row.day].requests:
            rows[row.day] = row
    return [rows[day] for day in sorted(rows)]
