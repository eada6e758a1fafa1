"""Outcomes: joined with the requests, and written per day for `watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.daily import format_days, merge_days, parse_days
from ghmlops.core.harvest.outcome_findings import outcome_findings
from ghmlops.measure.harvest.outcome_join import Join, join_outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.harvest.daily import DayRow
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Outcomes
    from ghmlops.measure.harvest.log_table import LogTable

_DAY = 86_400


class OutcomeTable(NamedTuple):
    """The outcomes by state, the days until now, the file of all days in the private folder, and the findings."""

    join: Join
    days: list[DayRow]
    path: Path
    rows: int
    findings: list[Finding]


def collect_outcomes(table: LogTable, outcomes: Outcomes, root: Path, now: float) -> OutcomeTable:
    """Join the outcomes and write the days, with those of earlier harvests, into the private folder.

    Raises:
        DataError: The file cannot be read, or lacks a column; or the file of the days is something else.
    """
    join = join_outcomes(table, table.others["outcomes"], outcomes, now)
    path = table.folder / "days.csv"
    days = merge_days(_earlier_days(root / outcomes.days, outcomes.days), join.days)
    path.write_text(format_days(days), encoding="utf-8")
    mature = [row for row in days if (row.day + 1) * _DAY <= now - outcomes.mature]
    return OutcomeTable(join, mature, path, len(days), outcome_findings(join.states, join.mature_requests))


def _earlier_days(file: Path, name: str) -> list[DayRow]:
    if not file.is_file():
        return []
    try:
        return parse_days(file.read_text(encoding="utf-8"))
    except ValueError:
        raise DataError(
            f"harvest: {name} has no days of an earlier harvest", hint="move it away, or correct `outcomes.days`"
        ) from None
