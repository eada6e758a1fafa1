"""The verdict of the metrics of a promotion."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.model import Direction
from ghmlops.core.policy.promote import Metric
from ghmlops.core.promotion.metrics.judge import MetricJudge, reference_arm
from ghmlops.core.promotion.rung import RungJudge, State
from ghmlops.core.promotion.weights import BASELINE_ONLY, POOL, TWIN, Shares, rung_shares

CTR = Metric(name="ctr", prometheus="q", direction=Direction.HIGHER, margin=0.05)
LAG = Metric(name="lag", prometheus="q", direction=Direction.LOWER, limit=10.0)
SHARES = rung_shares(0.25, with_twin=True)


def judged(metric: Metric, rows: list[tuple[float | None, float | None]], *, comparable: bool = True) -> MetricJudge:
    """Return the judge after values of candidate and twin."""
    judge = MetricJudge([metric], TWIN)
    for candidate, twin in rows:
        judge.feed(metric.name, {"candidate": candidate, "twin": twin}, comparable=comparable)
    return judge


@pytest.mark.parametrize(
    ("metric", "rows", "state"),
    [
        (CTR, [(0.99, 1.0)] * 6, "pass"),
        (CTR, [(0.99, 1.0)] * 5, "undecided"),
        (CTR, [(0.5, 1.0)] * 11, "fail"),
        (CTR, [(0.5, 1.0)] * 10, "undecided"),
        (CTR, [(0.99, 1.0), (0.5, 1.0)] * 30, "undecided"),
        (LAG, [(9.0, 9.0)] * 7, "pass"),
        (LAG, [(9.0, None)] * 7, "pass"),
        (LAG, [(11.0, 9.0)] * 12, "fail"),
        (LAG, [(11.0, None)] * 12, "fail"),
        (LAG, [(11.0, 11.0)] * 12, "environment"),
    ],
)
def test_states(metric: Metric, rows: list[tuple[float | None, float | None]], state: str) -> None:
    """A margin compares with the twin, a limit holds for itself; what all have is the environment."""
    assert judged(metric, rows).states(comparable=True) == {metric.name: state}


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("arm", [0, 1])
def test_a_missing_value_is_never_good(missing: float | None, arm: int) -> None:
    """No value, NaN and infinity of either arm decide nothing, and are counted."""
    row = (missing, 1.0) if arm == 0 else (1.0, missing)
    judge = judged(CTR, [row] * 1000)
    assert judge.states(comparable=True) == {"ctr": "undecided"}
    assert [(r.values, r.missing, r.state) for r in judge.records()] == [(0, 1000, "undecided")]


def test_a_failure_counts_over_rungs_and_a_pass_is_needed_anew() -> None:
    """Six values beyond the margin at each of two rungs fail together; a pass of the first says nothing later."""
    judge = judged(CTR, [(0.5, 1.0)] * 6)
    judge.start_rung()
    for _ in range(6):
        judge.feed("ctr", {"candidate": 0.5, "twin": 1.0}, comparable=True)
    assert judge.states(comparable=True) == {"ctr": "fail"}
    good = judged(CTR, [(1.0, 1.0)] * 7)
    good.start_rung()
    assert good.states(comparable=True) == {"ctr": "undecided"}


def test_at_full_traffic_only_limits_are_judged() -> None:
    """Without a twin there is nothing to compare with; that is neither missing nor undecided."""
    judge = MetricJudge([CTR, LAG], TWIN)
    for _ in range(7):
        judge.feed("ctr", {"candidate": 0.1, "twin": 1.0}, comparable=False)
        judge.feed("lag", {"candidate": 1.0, "twin": 99.0}, comparable=False)
    assert judge.states(comparable=False) == {"lag": "pass"}
    assert [(r.name, r.values, r.missing) for r in judge.records()] == [("ctr", 0, 0), ("lag", 7, 0)]


def test_several_metrics_share_the_error_probability() -> None:
    """With two judged metrics, 11 values beyond the margin are one too few; `dry-run` counts for nothing."""
    rehearsed = Metric(name="new", prometheus="q", direction=Direction.LOWER, limit=0.0, dry_run=True)
    two, one = MetricJudge([CTR, LAG], TWIN), MetricJudge([CTR, rehearsed], TWIN)
    for judge in (two, one):
        for _ in range(11):
            judge.feed("ctr", {"candidate": 0.5, "twin": 1.0}, comparable=True)
    for _ in range(50):
        one.feed("new", {"candidate": 1.0, "twin": 0.0}, comparable=True)
    assert two.states(comparable=True)["ctr"] == "undecided"
    assert one.states(comparable=True) == {"ctr": "fail"}
    assert [(r.name, r.judged, r.state, r.beyond) for r in one.records()][1] == ("new", False, "fail", 50)


@pytest.mark.parametrize(
    ("metric", "rows", "state", "code"),
    [
        (CTR, [(1.0, 1.0)] * 7, State.PASS, "rung-passed"),
        (CTR, [(0.5, 1.0)] * 12, State.FAIL, "metric-beyond-limit"),
        (LAG, [(11.0, 11.0)] * 12, State.HOLD, "environment"),
        (CTR, [], State.UNDECIDED, "metric-undecided"),
        (CTR, [(None, 1.0)] * 100, State.UNDECIDED, "metric-undecided"),
    ],
)
def test_the_verdict_of_a_rung(
    metric: Metric, rows: list[tuple[float | None, float | None]], state: State, code: str
) -> None:
    """A metric fails a rung, holds it, or keeps it from passing."""
    ruling = RungJudge(0.01, None, judged(metric, rows)).ruling(SHARES, min_requests=0)
    assert (ruling.state, ruling.reason_code) == (state, code)


def test_at_full_traffic_a_margin_keeps_nothing_from_passing() -> None:
    """The last rung has no twin."""
    judge = RungJudge(0.01, None, MetricJudge([CTR], TWIN))
    assert judge.ruling(Shares(candidate=1.0), min_requests=0).state is State.PASS
    assert judge.ruling(BASELINE_ONLY, min_requests=0).state is State.PASS
    assert (reference_arm(with_twin=True), reference_arm(with_twin=False)) == (TWIN, POOL)
