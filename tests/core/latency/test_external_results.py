"""Objectives over other tools' results: bounds of the misses, and what may follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_results import (
    Imported,
    Misses,
    contradict,
    error_misses,
    findings,
    judge,
    percentile,
    slower,
    time_misses,
    unmeasured,
)
from ghmlops.core.model import Outcome
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request
from ghmlops.core.policy.objectives import Objectives

if TYPE_CHECKING:
    from collections.abc import Callable


def run(**more: Any) -> Imported:
    """Return a run of 1,000 timed requests without failures."""
    base: dict[str, Any] = {"tool": "k6", "timed": 1000, "timed_failures": True, "requests": 1000, "failed": (0, 0)}
    return Imported(**(base | more))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0.99, 90)], (0, 10)),
        ([(0.99, 100)], (0, 10)),
        ([(0.99, 100.1)], (10, 1000)),
        ([(0.5, 10), (0.9, 120), (0.99, 200)], (100, 500)),
        ([(0.99, 90), (0.999, 99)], (0, 1)),
        ([(1.0, 100)], (0, 0)),
        ([(1.0, 101)], (1, 1000)),
        ([(0.99, 90), (1.0, 101)], (1, 10)),
        ([], (0, 1000)),
    ],
)
def test_percentiles_bound_the_slow_requests(points: list[tuple[float, float]], expected: tuple[int, int]) -> None:
    """Claim: within the limit of 100 ms a percentile bounds from above, beyond it from below; nothing else is known."""
    found = run(points=tuple(percentile(q, time, 1000) for q, time in points))
    assert expected == slower(found, 100.0)


def test_a_rounded_percentile_says_nothing_near_the_limit() -> None:
    """Claim: where the rounding straddles the limit, neither bound follows."""
    assert slower(run(points=(percentile(0.99, 95, 1000, high=105),)), 100.0) == (0, 1000)


def test_an_estimator_that_may_be_off_widens_both_bounds() -> None:
    """Claim: a slack of 0.3 % of the ranks moves 10 of 1,000 to 7 and 13."""
    assert slower(run(points=(percentile(0.99, 90, 1000, slack=0.003),)), 100.0) == (0, 13)
    assert slower(run(points=(percentile(0.99, 110, 1000, slack=0.003),)), 100.0) == (7, 1000)


RULES: dict[str, Callable[[Any, float], float]] = {
    "nearest rank": lambda values, q: values[max(0, int(np.ceil(q * len(values))) - 1)],
    "next rank": lambda values, q: values[min(len(values) - 1, int(q * len(values)))],
    "interpolation": lambda values, q: float(np.quantile(values, q)),
}


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 30), min_size=1, max_size=60), limit=st.integers(0, 30))
def test_the_truth_lies_within_the_bounds(rule: str, values: list[int], limit: int) -> None:
    """Claim: for any times and any of the usual rules, the bounds hold what really happened."""
    ordered = np.sort(np.array(values, float))
    n = len(ordered)
    points = [percentile(q, float(RULES[rule](ordered, q)), n) for q in (0.5, 0.9, 0.95, 0.99, 1.0)]
    assert not contradict(points)
    low, high = slower(run(timed=n, requests=n, points=tuple(points)), float(limit))
    assert low <= int((ordered > limit).sum()) <= high


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"failed": (0, 0)}, Misses(low=10, high=20, fewest=1000, most=1000)),
        ({"failed": (15, 15)}, Misses(low=15, high=35, fewest=1000, most=1000)),
        ({"failed": (5, 30)}, Misses(low=10, high=50, fewest=1000, most=1000)),
        ({"failed": (0, None)}, Misses(low=10, high=1000, fewest=1000, most=1000)),
        (
            {"failed": (15, 15), "timed_failures": False, "requests": 1015},
            Misses(low=25, high=35, fewest=1015, most=1015),
        ),
        (
            {"failed": (15, 20), "timed_failures": False, "requests": 1015},
            Misses(low=25, high=40, fewest=1015, most=1015),
        ),
        ({"failed": (150, 150), "requests": 1100}, Misses(low=50, high=170, fewest=1000, most=1000)),
        ({"failed": (15, 15), "requests": None}, Misses(low=15, high=35, fewest=1000, most=1015)),
        ({"failed": (0, None), "requests": None}, Misses(low=10, high=1000, fewest=1000, most=1000)),
    ],
)
def test_failed_requests_are_misses(more: dict[str, Any], expected: Misses) -> None:
    """Claim: failures are misses wherever they are counted; where they may be the slow ones too, both are allowed for.

    Of 1,000 times, 10 to 20 are beyond the limit of 100 ms.
    """
    points = (percentile(0.98, 90, 1000), percentile(0.99, 110, 1000))
    assert expected == time_misses(run(points=points, **more), 100.0)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"failed": (3, 3)}, Misses(low=3, high=3, fewest=1000, most=1000)),
        ({"failed": (3, 9)}, Misses(low=3, high=9, fewest=1000, most=1000)),
        ({"failed": (0, None)}, Misses(low=0, high=1000, fewest=1000, most=1000)),
        ({"failed": (3, 3), "requests": None}, Misses(low=3, high=3, fewest=1000, most=1000)),
    ],
)
def test_failures_are_bounded(more: dict[str, Any], expected: Misses) -> None:
    """Claim: unknown failures may be all of the requests."""
    assert expected == error_misses(run(**more))


@pytest.mark.parametrize(
    ("low", "high", "n", "allowed", "expected"),
    [
        (0, 0, 1000, 0.01, Outcome.PASS),
        (0, 10, 1000, 0.01, Outcome.INCONCLUSIVE),
        (0, 1, 662, 0.01, Outcome.PASS),
        (0, 0, 661, 0.01, Outcome.INCONCLUSIVE),
        (10, 1000, 1000, 0.01, Outcome.INCONCLUSIVE),
        (50, 1000, 1000, 0.01, Outcome.FAIL),
        (50, 50, 50, 0.01, Outcome.FAIL),
        (0, 0, 0, 0.01, Outcome.INCONCLUSIVE),
        (0, 0, 10**6, 0.0, Outcome.INCONCLUSIVE),
        (1, 1, 1000, 0.0, Outcome.FAIL),
    ],
)
def test_judgement(low: int, high: int, n: int, allowed: float, expected: Outcome) -> None:
    """Claim: a pass holds for the most misses, a failure for the fewest, and too few requests never pass."""
    assert expected == judge(Misses(low=low, high=high, fewest=n, most=n), allowed)


def test_a_p99_at_its_limit_shows_nothing() -> None:
    """Claim: the p99 alone, within its limit, does not pass its objective; with the maximum within it, it does."""
    slo = Objectives(quantiles={"p99": 0.1})
    alone = run(points=(percentile(0.99, 50, 1000),))
    assert [f.outcome for f in findings(slo, alone)] == [Outcome.INCONCLUSIVE]
    capped = run(points=(percentile(0.99, 50, 1000), percentile(1, 99, 1000)))
    assert [f.outcome for f in findings(slo, capped)] == [Outcome.PASS]


def test_unknown_failures_never_pass() -> None:
    """Claim: where failures are not counted nothing passes, whatever the times."""
    fast = Histogram.of(np.full(5000, 1_000_000))
    found = run(timed=5000, requests=None, failed=(0, None), histogram=fast, values={"p99": 1.0})
    slo = Objectives(quantiles={"p50": 1.0, "p99": 1.0}, errors=0.5)
    assert [f.outcome for f in findings(slo, found)] == [Outcome.INCONCLUSIVE] * 3
    assert "failed requests" in [row.what for row in unmeasured(Latency(slo=slo), found)]


def test_a_histogram_is_judged_in_its_unit() -> None:
    """Claim: 1,000 values of 2,000 us are beyond 1 ms and within 3 ms."""
    found = run(histogram=Histogram.of(np.full(1000, 2000)), unit_ns=1000)
    assert slower(found, 1.0) == (1000, 1000)
    assert slower(found, 3.0) == (0, 0)


def test_what_no_tool_tells_is_said() -> None:
    """Claim: objectives on streams are inconclusive and listed, and so is every percentile that is not there."""
    slo = Objectives(quantiles={"p99": 0.1}, first_token={"p95": 0.3}, token_gap={"p99": 0.1})
    found = run(values={"p99": 5.0}, points=(percentile(1.0, 5.0, 1000),))
    by_id = {f.id: f for f in findings(slo, found)}
    assert by_id["objective-first-token-p95"].outcome == Outcome.INCONCLUSIVE
    assert "k6 does not tell this time" in by_id["objective-token-gap-p99"].reason
    listed = {row.what for row in unmeasured(Latency(slo=slo), found)}
    assert {"first-token-p95", "token-gap-p99", "p50 of the response time", "the commit under test"} <= listed
    assert "p99 of the response time" not in listed
    assert (
        by_id["objective-p99"].candidate,
        by_id["objective-p99"].margin,
        by_id["objective-p99"].n,
    ) == (5.0, 100.0, 1000)


def test_what_only_the_policy_knows_is_said() -> None:
    """Claim: demand, checks of bodies and statuses that differ by endpoint are listed as not measured."""
    checked = Request(expect=Expect(json=(JsonCheck(path="score", matches="[0-9]"),)))
    other = Request(expect=Expect(status=(202,)))
    plain = {row.what for row in unmeasured(Latency(slo=Objectives(errors=0.1)), run())}
    mixed = {row.what for row in unmeasured(Latency(slo=Objectives(errors=0.1), mix=(checked, other)), run())}
    assert "the policy's demand" in plain
    assert {"the policy's checks of the answers' bodies", "the policy's good statuses"} == mixed - plain


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], False),
        ([(0.5, 5), (0.99, 8), (1.0, 9)], False),
        ([(0.5, 5), (0.99, 5), (1.0, 5)], False),
        ([(0.99, 160), (1.0, 100)], True),
        ([(0.999, 160), (1.0, 100)], True),
        ([(0.5, 500), (0.99, 400)], True),
    ],
)
def test_percentiles_that_cannot_be(points: list[tuple[float, float]], expected: bool) -> None:
    """Claim: a longer time that more requests exceed is a contradiction; equal times are none."""
    assert expected == contradict([percentile(q, time, 1000) for q, time in points])
