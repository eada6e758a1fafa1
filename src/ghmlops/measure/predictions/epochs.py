# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`)
"""Checks that numbers are plausible times in the unit that the policy states.

Seconds that are read as milliseconds put all rows into January 1970, and milliseconds that are read as seconds lie
beyond the year 50,000: both would be one window without an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.engine.dialect import EPOCH_LIMITS, count_true
from ghmlops.measure.predictions.layout import SIDES
from ghmlops.measure.predictions.sql.columns import column_sql

if TYPE_CHECKING:
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

_PLAUSIBLE_SECONDS = (631_152_000, 4_102_444_800)
"""Seconds since 1970 of the years 1990 to 2099. In another unit the same numbers lie outside these years."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MAX_SHARE = 0.01
"""Share of the times that may be plausible in another unit only: the share of rows that may be faulty in any way."""


def check_epochs(session: Session, layout: Layout) -> None:
    """Reject numeric times of which many would be plausible in another unit only, or none is a time.

    Raises:
        DataError: the unit does not fit; the message has the share of the values that another unit fits.
    """
    policy = layout.policy
    for role in SIDES:
        if not policy.time or not layout.has(role, policy.time) or not layout.is_numeric_time(role):
            continue
        number = f"CAST({column_sql(layout, role, policy.time)} AS DOUBLE)"
        counts = {unit: count_true(_within(number, unit)) for unit in _PER_SECOND}
        low, high = EPOCH_LIMITS[policy.time_unit]
        counts |= {"times": count_true(f"{number} BETWEEN {low} AND {high}"), "n": f"count({number})"}
        row = session.row(
            f"SELECT {', '.join(f'{sql} AS n_{name}' for name, sql in counts.items())} FROM {session.table(role)}"
        )
        where = f'{session.display_name(role)}: column "{layout.actual_name(role, policy.time)}"'
        total = int(row["n_n"])
        others = {unit: int(row[f"n_{unit}"]) for unit in _PER_SECOND if unit != policy.time_unit}
        unit = max(others, key=lambda name: others[name])
        if others[unit] > _MAX_SHARE * total:
            raise DataError(
                f"{where}: {others[unit]:,} of {total:,} times are of the years 1990 to 2099 in {unit}, not in "
                f"{policy.time_unit}",
                hint=f"write `time-unit: {unit}`, or use one unit in all rows",
            )
        if total and not int(row["n_times"]):
            raise DataError(
                f"{where}: none of {total:,} numbers is a time of the years 1 to 9999 in {policy.time_unit}",
                hint="`time-unit` is s, ms, us or ns since 1970 in UTC",
            )


def _within(number: str, unit: str) -> str:
    low, high = (limit * _PER_SECOND[unit] for limit in _PLAUSIBLE_SECONDS)
    return f"{number} >= {low} AND {number} < {high}"
