"""Collects the requests of a file that lists each of them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_findings import histogram_values
from ghmlops.core.latency.external_results import Doubt, ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.limitations import pooled_endpoints

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import Load

MAX_ENDPOINTS = 1000
"""Number of distinct endpoints that are counted; it bounds the memory."""
REDIRECTS = (301, 302, 303, 307, 308)
"""HTTP statuses after which a client sends another request for the same answer."""


@dataclass(slots=True)
class Requests:
    """The requests of one file whose times are exact.

    Attributes:
        times: Times of successful requests in nanoseconds.
        failed: Number of failed requests.
        hops: Number of requests that only led to a redirect.
        endpoints: Names of the endpoints.
    """

    times: array[int] = field(default_factory=lambda: array("q"))
    failed: int = 0
    hops: int = 0
    endpoints: set[str] = field(default_factory=set)

    def add(self, nanoseconds: int, *, success: bool, endpoint: str = "") -> None:
        """Add a request."""
        if success:
            self.times.append(nanoseconds)
        else:
            self.failed += 1
        if endpoint and len(self.endpoints) < MAX_ENDPOINTS:
            self.endpoints.add(endpoint)

    def results(
        self,
        tool: str,
        *,
        not_measured: tuple[NotMeasured, ...],
        possibly_failed: int = 0,
        load: Load | None = None,
        doubts: tuple[Doubt, ...] = (),
    ) -> ExternalResults:
        """Return the content of the file.

        Args:
            tool: Name of the tool.
            not_measured: Limitations of the file.
            possibly_failed: Number of failed checks, each of which may be another failed request.
            load: How much of the planned load was sent.
            doubts: Requests that are no results of one complete request each, besides the hops.

        Raises:
            DataError: There is no request.
        """
        n = len(self.times) + self.failed
        if not n:
            raise DataError(f"the file of {tool} contains no HTTP request", hint="check that the run was completed")
        histogram = Histogram.of(np.array(self.times, np.int64))
        notes = list(not_measured)
        if len(self.endpoints) > 1:
            notes.append(pooled_endpoints(len(self.endpoints), "endpoints"))
        if self.failed:
            why = "they failed: percentiles exclude them, findings count them"
            notes.append(NotMeasured(what=f"response times of {self.failed:,} requests", why=why))
        return ExternalResults(
            tool=tool,
            timed=len(self.times),
            timed_failures=False,
            requests=n,
            failed=(self.failed, min(n, self.failed + possibly_failed)),
            histogram=histogram,
            values=histogram_values(histogram, 1) if self.times else {},
            not_measured=tuple(notes),
            load=load,
            doubts=(*doubts, *([hop_doubt(self.hops, n + self.hops)] if self.hops else [])),
        )


def hop_doubt(hops: int, total: int) -> Doubt:
    """Return the doubt about redirects that a tool counts as requests, each with the time of one hop only."""
    why = "are hops of redirects, which the tool lists as requests of their own: the time of a request is their sum"
    return Doubt(count=hops, total=total, why=why)
