"""The profile of the demand: fitted to the arrivals of the log, and written into the private folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.harvest.demand import fit_demand
from ghmlops.core.harvest.findings import demand_finding
from ghmlops.measure.harvest.arrival_counts import count_arrivals

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Demand
    from ghmlops.measure.harvest.log_table import LogTable


class DemandFile(NamedTuple):
    """The profile in the private folder, `None` if hours of the period have no data, and the finding about it."""

    path: Path | None
    hours: int
    finding: Finding


def profile_demand(table: LogTable, demand: Demand, seed: int) -> DemandFile:
    """Fit the profile and write it into the private folder.

    Raises:
        DataError: The private table cannot be read.
    """
    fit = fit_demand(count_arrivals(table), demand.period, seed)
    finding = demand_finding(fit)
    if fit.profile is None:
        return DemandFile(None, fit.hours, finding)
    path = table.folder / "demand.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(fit.profile), indent=1) + b"\n")
    return DemandFile(path, fit.hours, finding)
