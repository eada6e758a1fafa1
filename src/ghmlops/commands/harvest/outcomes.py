"""Outcomes: joined with the requests, and written per day for `watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.harvest.daily import format_days
from ghmlops.core.harvest.outcome_findings import outcome_findings
from ghmlops.measure.harvest.outcome_join import Join, join_outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Outcomes
    from ghmlops.measure.harvest.log_table import LogTable


class OutcomeTable(NamedTuple):
    """The outcomes by state and day, the file of the days in the private folder, and the findings."""

    join: Join
    path: Path
    findings: list[Finding]


def collect_outcomes(table: LogTable, outcomes: Outcomes, now: float) -> OutcomeTable:
    """Join the outcomes and write the days into the private folder.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    join = join_outcomes(table, table.others["outcomes"], outcomes, now)
    path = table.folder / "days.csv"
    path.write_text(format_days(join.days), encoding="utf-8")
    return OutcomeTable(join, path, outcome_findings(join.states, join.mature_requests))
