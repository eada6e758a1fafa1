"""Collects k6's samples, one per request and metric, as its outputs `json` and `csv` write them.

`http_req_duration` lasts from the actual send to the end of the answer, without connecting. k6 writes one sample for
each hop of a redirect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.latency.external_results import ExternalResults, Load
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.limitations import CLOSED_LOOP
from ghmlops.measure.foreign.rows.requests import REDIRECTS, Requests

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

DROPPED = "no virtual user was free (k6's `dropped_iterations`)"


def dropped_load(iterations: int, dropped: int) -> Load:
    """Return the load of a run of k6 that dropped iterations."""
    return Load(unit="iterations", planned=iterations + dropped, unsent=dropped, cause=DROPPED)


@dataclass(slots=True)
class K6Samples:
    """The samples of one run."""

    supplement: Supplement
    requests: Requests = field(default_factory=Requests)
    iterations: int = 0
    dropped: int = 0
    failed_checks: int = 0

    def add(self, metric: str, value: float, status: int, endpoint: str) -> None:
        """Add a sample; metrics that say nothing about the load or the answers are ignored."""
        if metric == "http_req_duration":
            if status in REDIRECTS and not self.supplement.is_success(status):
                self.requests.hops += 1
            else:
                self.requests.add(round(value * 1e6), success=self.supplement.is_success(status), endpoint=endpoint)
        elif metric == "dropped_iterations":
            self.dropped += round(value)
        elif metric == "iterations":
            self.iterations += round(value)
        elif metric == "checks" and not value:
            self.failed_checks += 1

    def results(self, tool: str) -> ExternalResults:
        """Return the content of the file.

        Raises:
            DataError: It contains no HTTP request.
        """
        notes: list[NotMeasured] = [CLOSED_LOOP]
        if self.failed_checks:
            why = "k6 does not relate them to requests"
            notes.append(NotMeasured(what=f"the requests of {self.failed_checks:,} failed checks", why=why))
        return self.requests.results(
            tool,
            not_measured=tuple(notes),
            possibly_failed=self.failed_checks,
            load=dropped_load(self.iterations, self.dropped) if self.dropped else None,
        )
