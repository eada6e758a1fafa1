"""Failed requests are found early, and good candidates raise no alarm."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.promotion.constants import DETECTOR_FAIL, ERROR_FAIL_E
from ghmlops.core.promotion.error_process import ErrorProcess

OBJECTIVE = 0.001


def requests_to_alarm(rate: float, *, good: int = 0, runs: int = 60, seed: int = 5) -> float:
    """Return the median number of requests from the beginning of the fault to the alarm."""
    random, counts = np.random.default_rng(seed), []
    for _ in range(runs):
        process = ErrorProcess(OBJECTIVE)
        process.feed(good, failed=False)
        alarm = process.feed_all(random.random(20_000) < rate)
        assert alarm is not None
        counts.append(alarm.request - good)
    return float(np.median(counts))


@pytest.mark.parametrize(("rate", "limit"), [(0.5, 10), (0.2, 20), (0.05, 75), (0.02, 250), (0.01, 700)])
def test_a_fault_from_the_first_request_on(rate: float, limit: int) -> None:
    """Goals P2: median requests at 50, 20, 5, 2 and 1 % failed requests against an objective of 0.1 %."""
    assert requests_to_alarm(rate) <= limit


@pytest.mark.parametrize(("rate", "limit"), [(0.5, 20), (0.2, 40), (0.05, 150), (0.02, 500), (0.01, 1400)])
def test_a_fault_after_many_good_requests(rate: float, limit: int) -> None:
    """Goals P2: at most twice as many requests after 20,000 good ones, because the detector restarts."""
    assert requests_to_alarm(rate, good=20_000) <= limit


def test_candidates_at_the_objective_raise_no_alarm() -> None:
    """At most 2 of 1,000 streams of 20,000 requests at exactly the objective; here 500 streams."""
    random = np.random.default_rng(11)
    alarms = sum(ErrorProcess(OBJECTIVE).feed_all(random.random(20_000) < OBJECTIVE) is not None for _ in range(500))
    assert alarms <= 3


def test_runs_of_good_requests_count_as_single_ones() -> None:
    """The closed form equals the recursion, request by request."""
    at_once, one_by_one = ErrorProcess(0.01), ErrorProcess(0.01)
    for good in (1, 7, 300):
        at_once.feed(good, failed=True)
        for _ in range(good):
            one_by_one.feed(1, failed=False)
        one_by_one.feed(0, failed=True)
    assert at_once.log_e == pytest.approx(one_by_one.log_e, rel=1e-9)
    assert at_once.log_detector == pytest.approx(one_by_one.log_detector, rel=1e-9)
    assert (at_once.requests, at_once.errors) == (one_by_one.requests, one_by_one.errors) == (311, 3)


def test_an_alarm_names_when_the_errors_began() -> None:
    """500 good requests, then each one fails: the beginning is request 500, and the first alarm stays."""
    process = ErrorProcess(OBJECTIVE)
    process.feed(500, failed=False)
    alarm = process.feed_all(np.ones(10, dtype=bool))
    assert alarm is not None
    assert (alarm.began, alarm.request - alarm.errors) == (500, 500)
    assert alarm.log_e >= math.log(ERROR_FAIL_E) or alarm.log_e >= math.log(DETECTOR_FAIL)
    assert process.feed_all(np.zeros(100_000, dtype=bool)) is alarm


def test_no_requests_show_nothing() -> None:
    """An empty stream neither fails nor improves."""
    process = ErrorProcess(OBJECTIVE)
    assert process.feed_all(np.empty(0, dtype=bool)) is None
    assert process.log_e == 0.0
    assert process.log_detector == -math.inf


@pytest.mark.parametrize("objective", [0.0, 0.5, -0.1, math.nan, math.inf])
def test_an_objective_out_of_range_is_an_error(objective: float) -> None:
    """There is no alternative to an objective of one half."""
    with pytest.raises(ValueError, match="objective"):
        ErrorProcess(objective)


@pytest.mark.parametrize("objective", [1e-6, 0.001, 0.1, 0.2, 0.4, 0.49])
def test_every_objective_finds_a_candidate_that_only_fails(objective: float) -> None:
    """Also one of 49 %: the alternatives reach beyond it."""
    alarm = ErrorProcess(objective).feed_all(np.ones(200, dtype=bool))
    assert alarm is not None
    assert alarm.request < 100
