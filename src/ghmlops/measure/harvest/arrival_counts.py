# ruff: noqa: S608  (every name in the SQL is ours)
"""Counts the arrivals of a log per hour and window, and their gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.harvest.demand import ArrivalCounts, HourCount
from ghmlops.core.load.demand_profile import HOUR, WINDOW

if TYPE_CHECKING:
    from ghmlops.measure.harvest.log_table import LogTable


def count_arrivals(table: LogTable) -> ArrivalCounts:
    """Count the arrivals.

    Raises:
        DataError: The private table cannot be read.
    """
    hour, window = f"CAST(floor(seconds / {HOUR}) AS BIGINT)", f"CAST(floor(seconds / {WINDOW}) AS BIGINT)"
    counted = table.rows(
        f"SELECT hour, sum(n), sum(n * n) FROM (SELECT {hour} AS hour, {window} AS w, count(*)::DOUBLE AS n "
        "FROM arrivals GROUP BY 1, 2) GROUP BY 1 ORDER BY 1"
    )
    gaps = table.rows(
        "SELECT hour, count(gap), coalesce(sum(gap), 0), coalesce(sum(gap * gap), 0) FROM (SELECT hour, seconds - "
        f"lag(seconds) OVER (PARTITION BY hour ORDER BY seconds) AS gap FROM (SELECT {hour} AS hour, seconds FROM "
        "arrivals)) GROUP BY 1 ORDER BY 1"
    )
    hours = [
        HourCount(int(_number(h)), int(_number(n)), _number(n2), int(_number(g)), _number(s), _number(s2))
        for (h, n, n2), (_, g, s, s2) in zip(counted, gaps, strict=True)
    ]
    ((first, last, fractions),) = table.rows(
        "SELECT min(seconds), max(seconds), count(*) FILTER (seconds <> floor(seconds)) FROM arrivals"
    )
    return ArrivalCounts(hours, _number(first), _number(last), not fractions)


def _number(value: object) -> float:
    return float(str(value))
