"""The verdict of one rung: continue, pass, hold or fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.promotion.constants import MAX_UNEXPLAINED, SHARED_CAUSE_E, TWIN_E
from ghmlops.core.promotion.error_process import ErrorProcess
from ghmlops.core.promotion.latency_blocks import LatencyComparison
from ghmlops.core.promotion.metrics.judge import MetricJudge
from ghmlops.core.promotion.shared_cause import log_excess
from ghmlops.core.promotion.weights import POOL, TWIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.latency import LatencyMargin
    from ghmlops.core.promotion.observation import Traffic
    from ghmlops.core.promotion.weights import Shares

_LIMITS = {POOL: math.log(SHARED_CAUSE_E), TWIN: math.log(TWIN_E)}


class Cause(StrEnum):
    """Origin of failed requests beyond the objective."""

    CANDIDATE = "candidate"
    ENVIRONMENT = "environment"
    """The pool fails as well."""
    PLACEMENT = "placement"
    """Only what was just started fails: the twin as well, the pool not."""
    UNKNOWN = "unknown"


class State(StrEnum):
    """State of a rung."""

    UNDECIDED = "undecided"
    PASS = "pass"  # noqa: S105  (not a password)
    HOLD = "hold"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The verdict of a rung so far.

    Attributes:
        state: The state.
        reason_code: Kebab-case code of the reason.
        reason: One sentence with the numbers.
    """

    state: State
    reason_code: str
    reason: str


class RungJudge:
    """Judges the requests of a promotion as they arrive; failed requests and response times count over all rungs.

    Args:
        objective: Highest share of failed requests that is allowed.
        margins: Margins by quantile; `None` if response times are not judged.
        metrics: Judge of the metrics of the service; `None` without metrics.
    """

    def __init__(
        self, objective: float, margins: Mapping[str, LatencyMargin] | None, metrics: MetricJudge | None = None
    ) -> None:
        self._objective, self._margins = objective, margins
        self.metrics = metrics or MetricJudge((), POOL)
        self._errors = ErrorProcess(objective)
        self._latency = LatencyComparison(margins) if margins else None
        self._arrivals: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        self._failures: dict[str, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {
            "candidate": [],
            TWIN: [],
            POOL: [],
        }
        self.requests = 0
        """Requests of the candidate in this rung; of a session that the log names, its first one."""

    def start_rung(self) -> None:
        """Begin a new rung."""
        self.requests = 0
        self.metrics.start_rung()
        if self._latency and self._margins:
            self._latency.start_rung(self._margins)

    def feed(self, traffic: Traffic, *, counts: bool) -> None:
        """Add the requests of the next period.

        Args:
            traffic: The requests.
            counts: Whether the weights of the rung are in effect. Before, failed requests are judged, but nothing can
                pass.
        """
        candidate = traffic.candidate.judged_requests()
        self._arrivals.append(candidate.at)
        for arm, times in self._failures.items():
            requests = traffic.arm(arm).judged_requests()
            times.append(requests.at[requests.failed])
        self._errors.feed_all(candidate.failed)
        if counts:
            first = traffic.candidate.first_requests()
            self.requests += first.requests
            if self._latency:
                self._latency.feed(first.successes(), traffic.twin.first_requests().successes())

    def ruling(self, shares: Shares, *, min_requests: int) -> Ruling:
        """Return the verdict so far.

        Args:
            shares: Shares that are in effect.
            min_requests: Requests of the candidate below which the rung does not pass.
        """
        metric_states = self.metrics.states(comparable=shares.share(self.metrics.reference) > 0)
        return (
            self._error_ruling(shares)
            or self._latency_ruling()
            or self._metric_ruling(metric_states)
            or self._open_question(shares, metric_states, min_requests)
            or Ruling(
                state=State.PASS,
                reason_code="rung-passed",
                reason=f"The candidate answered {self.requests:,} requests of this rung within its limits.",
            )
        )

    def _open_question(self, shares: Shares, metric_states: Mapping[str, str], min_requests: int) -> Ruling | None:
        """Return what is missing for a pass; `None` if nothing is."""
        if self.requests < min_requests:
            code = "low-traffic"
            reason = f"The candidate received {self.requests:,} of {min_requests:,} requests."
        elif self._latency and shares.twin > 0 and not self._latency.passed:
            code = "latency-undecided"
            reason = f"{self._latency.pairs} pairs of blocks do not show that the candidate is as fast as the twin."
        elif undecided := [name for name, state in metric_states.items() if state == "undecided"]:
            code = "metric-undecided"
            beyond, values = self.metrics.counts(undecided[0])
            reason = (
                f"The metric {undecided[0]} is not shown to be within its limit: {beyond} of {values} values were "
                "beyond it."
            )
        else:
            return None
        return Ruling(state=State.UNDECIDED, reason_code=code, reason=reason)

    def _latency_ruling(self) -> Ruling | None:
        if self._latency is None or not self._latency.failed:
            return None
        return Ruling(
            state=State.FAIL,
            reason_code="slower-than-twin",
            reason=f"The candidate is slower than the twin by more than the margin; {self._latency.pairs} pairs of "
            "blocks in this rung.",
        )

    def _metric_ruling(self, states: Mapping[str, str]) -> Ruling | None:
        for name, state in states.items():
            if state in ("fail", "environment"):
                beyond, values = self.metrics.counts(name)
                text = f"The metric {name} of the candidate was beyond its limit in {beyond} of {values} values"
                if state == "fail":
                    return Ruling(state=State.FAIL, reason_code="metric-beyond-limit", reason=f"{text}.")
                reason = f"{text}, and so was that of the {self.metrics.reference}."
                return Ruling(state=State.HOLD, reason_code=Cause.ENVIRONMENT.value, reason=reason)
        return None

    def _error_ruling(self, shares: Shares) -> Ruling | None:
        alarm = self._errors.alarm
        if alarm is None:
            return None
        counts = self._failures_since(alarm.began)
        text = (
            f"{counts['candidate']} requests of the candidate failed since the errors began, "
            f"{counts[TWIN]} of the twin and {counts[POOL]} of the pool; the objective allows {self._objective:.2%}."
        )
        cause = find_cause(counts, shares)
        if cause is Cause.UNKNOWN:
            return Ruling(state=State.UNDECIDED, reason_code="errors-unexplained", reason=text)
        if cause is Cause.CANDIDATE:
            return Ruling(state=State.FAIL, reason_code="errors-above-objective", reason=text)
        return Ruling(state=State.HOLD, reason_code=cause.value, reason=text)

    def _failures_since(self, request: int) -> dict[str, int]:
        arrivals = np.concatenate(self._arrivals)
        began = arrivals[min(request, len(arrivals) - 1)]
        return {arm: int(sum((part >= began).sum() for part in parts)) for arm, parts in self._failures.items()}


def find_cause(failures: Mapping[str, int], shares: Shares) -> Cause:
    """Return the origin of the candidate's failed requests, given that they are beyond the objective.

    At full traffic there is nothing to compare with, so that the candidate is the cause.

    Args:
        failures: Arm to its failed requests since they began.
        shares: Shares of the arms in that time.
    """
    explained = [
        arm
        for arm in (POOL, TWIN)
        if shares.share(arm) > 0
        and log_excess(
            candidate_errors=failures["candidate"],
            other_errors=failures[arm],
            share=shares.candidate / (shares.candidate + shares.share(arm)),
        )
        < _LIMITS[arm]
    ]
    if not explained:
        return Cause.CANDIDATE
    if failures["candidate"] < MAX_UNEXPLAINED:
        return Cause.UNKNOWN
    return Cause.ENVIRONMENT if POOL in explained else Cause.PLACEMENT
