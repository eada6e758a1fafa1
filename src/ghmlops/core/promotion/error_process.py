"""E-processes on single requests: whether the candidate fails more often than the objective allows.

For a stream of requests whose probability of failure never exceeds p0, and an alternative p1 > p0, the likelihood
ratio of the requests so far is a test martingale, and so is a mean over several alternatives: the probability that it
ever reaches E is at most 1/E (Ville, 1939), whenever one looks. It finds a candidate that is bad from its first
request. After many good requests it would have to make up for all of them; therefore a second statistic restarts at
every request: R_n = (R_(n-1) + 1) * L_n, the Shiryaev-Roberts recursion. Without a fault its expectation after n
requests is at most n, so that Doob's inequality bounds the probability of an alarm within n requests by n / threshold.

Sources: Shin, Ramdas, Rinaldo (2024), "E-detectors: a nonparametric framework for sequential change detection";
Robbins and Siegmund (1974), "The expected sample size of some tests of power one", for mixtures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ghmlops.core.promotion.constants import (
    ALTERNATIVES,
    DETECTOR_FAIL,
    ERROR_FAIL_E,
    MAX_ALTERNATIVE,
    MIN_ALTERNATIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The error rate of the candidate is shown to be beyond the objective.

    Attributes:
        request: Number of the request that raised the alarm, counted from 1.
        began: Number of requests before the most likely beginning of the fault.
        errors: Failed requests since then, including the last one.
        log_e: Logarithm of the e-value that reached its limit.
    """

    request: int
    began: int
    errors: int
    log_e: float


class ErrorProcess:
    """The sequential test of one stream of requests against an error objective.

    Args:
        objective: Highest share of failed requests that is allowed, 0 < objective < 0.5.

    Attributes:
        alarm: The first alarm; `None` before it. The first one is final.
        requests: Requests so far.
        errors: Failed requests so far.

    Raises:
        ValueError: The objective is outside its range.
    """

    __slots__ = (
        "_excess",
        "_fail",
        "_log_e",
        "_log_fail",
        "_log_good",
        "_log_restart",
        "_rising_errors",
        "_rising_since",
        "alarm",
        "errors",
        "requests",
    )

    def __init__(self, objective: float) -> None:
        if not 0.0 < objective < 0.5:
            raise ValueError(f"the error objective must be above 0 and below 50 %, got {objective}")
        low = MIN_ALTERNATIVE * objective
        high = MAX_ALTERNATIVE if low < MAX_ALTERNATIVE / 2 else (1.0 + low) / 2
        rates = np.geomspace(low, high, ALTERNATIVES)
        self._log_fail = np.log(rates / objective)
        self._log_good = np.log1p(-rates) - math.log1p(-objective)
        self._log_e = np.zeros(ALTERNATIVES)
        self._log_restart = np.full(ALTERNATIVES, -np.inf)
        # Page's CUSUM of each alternative, for the most likely beginning of a fault.
        self._excess = np.zeros(ALTERNATIVES)
        self._rising_since = np.zeros(ALTERNATIVES, dtype=np.int64)
        self._rising_errors = np.zeros(ALTERNATIVES, dtype=np.int64)
        self._fail = (math.log(ERROR_FAIL_E), math.log(DETECTOR_FAIL))
        self.alarm: Alarm | None = None
        self.requests = self.errors = 0

    def feed(self, good: int, *, failed: bool) -> Alarm | None:
        """Add `good` successful requests and then, if `failed`, one failed request; return the alarm.

        A run of successful requests has a closed form, so that the cost grows with the failed requests only.
        """
        if good:
            self._add_good(good)
        if failed:
            self._add_failure()
        return self.alarm

    def feed_all(self, failed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Alarm | None:
        """Add requests in the order of their arrival.

        Args:
            failed: Whether each request failed, shape (n,).
        """
        if self.alarm is not None:
            self.requests += len(failed)
            self.errors += int(failed.sum())
            return self.alarm
        previous = -1
        for index in np.flatnonzero(failed):
            alarm = self.feed(int(index) - previous - 1, failed=True)
            previous = int(index)
            if alarm is not None:
                return self.feed_all(failed[previous + 1 :])
        return self.feed(len(failed) - previous - 1, failed=False)

    @property
    def log_e(self) -> float:
        """Logarithm of the e-process from the first request on."""
        return _log_mean(self._log_e)

    @property
    def log_detector(self) -> float:
        """Logarithm of the restarting detector."""
        return _log_mean(self._log_restart)

    def _add_good(self, count: int) -> None:
        self.requests += count
        self._log_e += count * self._log_good
        # R after m good requests with the factor a < 1: a^m R + a (1 - a^m) / (1 - a).
        powers = count * self._log_good
        fresh = self._log_good + np.log(-np.expm1(powers)) - np.log(-np.expm1(self._log_good))
        self._log_restart = np.logaddexp(self._log_restart + powers, fresh)
        self._excess += powers

    def _add_failure(self) -> None:
        self.requests += 1
        self.errors += 1
        self._log_e += self._log_fail
        self._log_restart = np.logaddexp(self._log_restart, 0.0) + self._log_fail
        over = self._excess <= 0.0
        self._excess = np.where(over, 0.0, self._excess) + self._log_fail
        self._rising_since = np.where(over, self.requests - 1, self._rising_since)
        self._rising_errors = np.where(over, 1, self._rising_errors + 1)
        log_e, log_detector = self.log_e, self.log_detector
        if self.alarm is None and (log_e >= self._fail[0] or log_detector >= self._fail[1]):
            likeliest = int(np.argmax(self._excess))
            self.alarm = Alarm(
                request=self.requests,
                began=int(self._rising_since[likeliest]),
                errors=int(self._rising_errors[likeliest]),
                log_e=max(log_e, log_detector),
            )


def _log_mean(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    top = float(logs.max())
    return -math.inf if top == -math.inf else top + math.log(float(np.exp(logs - top).mean()))
