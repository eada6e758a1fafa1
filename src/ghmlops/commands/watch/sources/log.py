"""Metrics of Parquet, CSV and JSON Lines files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import NotMeasured
from ghmlops.core.watch.evaluation import Interval

if TYPE_CHECKING:
    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.policy.production.watch import WatchedMetric


def read(metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return the rows of the files, summarised per interval.

    Raises:
        DataError: A file is missing, or cannot be read.
    """
    from ghmlops.measure.telemetry.log_files import read_log

    assert metric.log is not None  # noqa: S101  (narrows the type; the table of sources was asked for it)
    log = read_log(reading.services.cwd, metric.log, reading.since, reading.now)
    if log.undated:
        why = f"{log.undated:,} rows have no readable time in the column `{metric.log.time}`"
        reading.not_measured.append(NotMeasured(what=f"rows of {metric.name} without a time", why=why))
    return [Interval(i.time, i.value, i.rows, i.failed) for i in log.intervals]
