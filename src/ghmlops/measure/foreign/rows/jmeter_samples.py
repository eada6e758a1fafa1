"""Collects the samples of JMeter's results (JTL), whose times are whole milliseconds.

JMeter takes both ends of a time from a clock of milliseconds, so a time may be off by one. Transactions, which contain
other samples, and the parts of a sample (redirects, embedded resources) are not requests of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, pooled_endpoints
from ghmlops.measure.foreign.rows.csv_rows import status
from ghmlops.measure.foreign.rows.requests import MAX_ENDPOINTS
from ghmlops.measure.foreign.time_counts import TimeCounts

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

ROUNDING_MS = 1.0
"""Maximum error of a time."""
TRANSACTION = "Number of samples in transaction"
"""Beginning of the message of a transaction."""


@dataclass(slots=True)
class JMeterSamples:
    """The samples of one run."""

    supplement: Supplement
    times: TimeCounts = field(default_factory=TimeCounts)
    failed: int = 0
    parts: int = 0
    labels: set[str] = field(default_factory=set)

    def add(self, elapsed: float, *, success: bool, code: str, label: str) -> None:
        """Add a request: it succeeded if JMeter says so, assertions included, and its status is an expected one."""
        if success and (not code or self.supplement.is_success(status(code))):
            self.times.add(elapsed)
        else:
            self.failed += 1
        if len(self.labels) < MAX_ENDPOINTS:
            self.labels.add(label)

    def results(self, tool: str) -> ExternalResults:
        """Return the content of the file.

        Raises:
            DataError: It contains no request.
        """
        n = self.times.total + self.failed
        if not n:
            raise DataError("the file of JMeter contains no request", hint="check that the run was completed")
        notes = [CLOSED_LOOP]
        if len(self.labels) > 1:
            notes.append(pooled_endpoints(len(self.labels), "labels"))
        if self.parts:
            why = "they are transactions or parts of other requests (redirects, embedded resources)"
            notes.append(NotMeasured(what=f"{self.parts:,} further samples", why=why))
        return ExternalResults(
            tool=tool,
            timed=self.times.total,
            timed_failures=False,
            requests=n,
            failed=(self.failed, self.failed),
            points=self.times.points(ROUNDING_MS),
            values=self.times.values(),
            not_measured=tuple(notes),
        )
