"""Values of the capacity search: its plan, its probes and their results, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ghmlops.core.capacity.constants import (
    MAX_PROBE_REQUESTS,
    MAX_PROBE_SECONDS,
    MAX_SEARCH_REQUESTS,
    SAMPLE_RESERVE,
)


class Vote(StrEnum):
    """What one probe shows about its rate."""

    PASS = "pass"  # noqa: S105  (a word, not a password)
    FAIL = "fail"
    UNSURE = "unsure"
    GENERATOR = "generator"
    """The generator was the limit, so that the probe shows nothing about the service."""


class Standing(StrEnum):
    """What all votes on a rate show together."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNSURE = "unsure"
    GENERATOR = "generator"
    OPEN = "open"
    """Another probe is needed."""


Cause = Literal["", "service", "errors", "generator"]
Purpose = Literal["ramp", "bisect", "repeat", "confirm", "law", "refine"]
Limit = Literal["service", "errors", "generator", "nothing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """Settings of a search. Times are in seconds, rates in requests per second.

    Attributes:
        start_rate: First rate.
        max_rate: Highest rate that may be offered.
        probe_seconds: Length of a probe without its warm-up.
        warmup: Length of the warm-up of each probe.
        resolution: Relative width of the interval at which the search ends.
        budget: Length of the search.
        sample_floor: Number of requests that the objectives require to pass.
        max_probe_requests: Maximum number of requests per probe.
        max_requests: Maximum number of requests of the search.
        max_probe_seconds: Maximum length of a probe, including its warm-up.
    """

    start_rate: float
    max_rate: float
    probe_seconds: float
    warmup: float
    resolution: float
    budget: float
    sample_floor: int
    max_probe_requests: int = MAX_PROBE_REQUESTS
    max_requests: int = MAX_SEARCH_REQUESTS
    max_probe_seconds: float = MAX_PROBE_SECONDS

    def first_probe_seconds(self, rate: float) -> float:
        """Return the length of a first probe at `rate`: long enough for the sample floor."""
        return max(self.probe_seconds, SAMPLE_RESERVE * self.sample_floor / rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The next step of a search: offer `rate` (requests per second) for `seconds` after the warm-up.

    `refined` marks a probe of maximum length at a rate that shorter ones could not decide.
    """

    rate: float
    seconds: float
    purpose: Purpose
    refined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Result of one probe over its judged requests. Times are in seconds, rates per second; NaN without a response.

    Attributes:
        probe: The probe.
        vote: What it shows.
        cause: What prevented a pass.
        reason: One clause with the numbers.
        too_few_samples: Whether an objective requires more requests to pass.
        n: Number of judged requests.
        missed: Maximum number of requests that missed an objective.
        quantiles: Quantiles of the response time by name (`p50` ...), failed requests above all others.
        errors: Share of failed requests.
        achieved: Share of the offered requests that was answered in time.
        in_flight: Mean number of requests in the service by Little's law: throughput x mean response time.
        throughput: Offered rate x `achieved`.
        response: Mean response time.
        steady: Whether the requests in flight did not grow and the probe ran to its end.
        effective: Number of independent samples that the n requests are worth.
        took: Time that the probe used, including warm-up and rest.
        sent: Number of requests sent, including warm-up.
    """

    probe: Probe
    vote: Vote
    cause: Cause = ""
    reason: str = ""
    too_few_samples: bool = False
    n: int
    missed: int = 0
    quantiles: dict[str, float]
    errors: float
    achieved: float
    in_flight: float
    throughput: float
    response: float
    steady: bool
    effective: float = 0.0
    took: float
    sent: int

    @property
    def rate(self) -> float:
        """The offered rate."""
        return self.probe.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """A search so far.

    Attributes:
        plan: Its settings.
        history: Results of its probes, in order.
        service_died: Whether the service did not recover after the last probe, so that nothing more can be measured.
    """

    plan: SearchPlan
    history: tuple[ProbeResult, ...] = ()
    service_died: bool = False

    @property
    def seconds(self) -> float:
        """Time that was used of the budget, in seconds."""
        return sum(result.took for result in self.history)

    @property
    def sent(self) -> int:
        """Number of requests sent."""
        return sum(result.sent for result in self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Result of a search.

    Attributes:
        low: Highest rate that passes, below the lowest that fails; `None` if none passes.
        high: Lowest rate that is shown to fail; `None` without one.
        limit: What prevented a higher rate.
        complete: Whether both ends are decided; otherwise a budget ended the search before.
        reason: How the search ended: one sentence without full stop.
    """

    low: float | None
    high: float | None
    limit: Limit
    complete: bool
    reason: str
