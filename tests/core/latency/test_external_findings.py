"""Findings on the results of other load generators: outcomes from bounds, and what was not measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_findings import findings, judge, unmeasured
from ghmlops.core.latency.external_results import Doubt, ExternalResults, Load, Misses, percentile
from ghmlops.core.model import Outcome
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request
from ghmlops.core.policy.objectives import Objectives


def results_of(**more: Any) -> ExternalResults:
    """Return the results of a run of 1,000 timed requests without failures."""
    base: dict[str, Any] = {"tool": "k6", "timed": 1000, "timed_failures": True, "requests": 1000, "failed": (0, 0)}
    return ExternalResults(**(base | more))


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
def test_outcomes_of_bounds(low: int, high: int, n: int, allowed: float, expected: Outcome) -> None:
    """A pass uses the maximum number of misses, a failure the minimum; too few requests never pass."""
    assert expected == judge(Misses(min_missed=low, max_missed=high, min_requests=n, max_requests=n), allowed)


def test_a_p99_alone_is_inconclusive() -> None:
    """A p99 within its limit does not pass its objective; with the maximum within the limit, it does."""
    slo = Objectives(quantiles={"p99": 0.1})
    alone = results_of(points=(percentile(0.99, 50, 1000),))
    assert [f.outcome for f in findings(slo, alone)] == [Outcome.INCONCLUSIVE]
    capped = results_of(points=(percentile(0.99, 50, 1000), percentile(1, 99, 1000)))
    assert [f.outcome for f in findings(slo, capped)] == [Outcome.PASS]


def test_unknown_failures_never_pass() -> None:
    """If failures are not counted nothing passes, whatever the times."""
    fast = Histogram.of(np.full(5000, 1_000_000))
    results = results_of(timed=5000, requests=None, failed=(0, None), histogram=fast, values={"p99": 1.0})
    slo = Objectives(quantiles={"p50": 1.0, "p99": 1.0}, errors=0.5)
    assert [f.outcome for f in findings(slo, results)] == [Outcome.INCONCLUSIVE] * 3
    assert "failed requests" in [row.what for row in unmeasured(Latency(slo=slo), results)]


def test_times_that_no_tool_reports_are_listed() -> None:
    """Objectives on streams are inconclusive and listed, and so is every missing percentile."""
    slo = Objectives(quantiles={"p99": 0.1}, first_token={"p95": 0.3}, token_gap={"p99": 0.1})
    results = results_of(values={"p99": 5.0}, points=(percentile(1.0, 5.0, 1000),))
    by_id = {f.id: f for f in findings(slo, results)}
    assert by_id["objective-first-token-p95"].outcome == Outcome.INCONCLUSIVE
    assert "k6" in by_id["objective-token-gap-p99"].reason
    listed = {row.what for row in unmeasured(Latency(slo=slo), results)}
    assert {"first-token-p95", "token-gap-p99", "p50 of the response time", "the commit under test"} <= listed
    assert "p99 of the response time" not in listed
    assert (
        by_id["objective-p99"].candidate,
        by_id["objective-p99"].margin,
        by_id["objective-p99"].n,
    ) == (5.0, 100.0, 1000)


def test_parts_of_the_policy_that_the_tool_ignored_are_listed() -> None:
    """Demand, checks of bodies, and statuses that differ by endpoint are listed as not measured."""
    checked = Request(expect=Expect(json=(JsonCheck(path="score", matches="[0-9]"),)))
    other = Request(expect=Expect(status=(202,)))
    plain = {row.what for row in unmeasured(Latency(slo=Objectives(errors=0.1)), results_of())}
    mixed = {row.what for row in unmeasured(Latency(slo=Objectives(errors=0.1), mix=(checked, other)), results_of())}
    assert "the policy's demand" in plain
    assert {what.rpartition(" ")[2] for what in mixed - plain} == {"bodies", "statuses"}


@pytest.mark.parametrize(
    ("planned", "unsent", "guard", "objective"),
    [
        (400, 350, Outcome.ERROR, Outcome.INCONCLUSIVE),
        (1000, 11, Outcome.ERROR, Outcome.INCONCLUSIVE),
        (1000, 10, Outcome.PASS, Outcome.PASS),
        (1000, 0, Outcome.PASS, Outcome.PASS),
    ],
)
def test_load_that_was_never_sent(planned: int, unsent: int, guard: Outcome, objective: Outcome) -> None:
    """Less than 99 % of the planned load is an error, as for the own generator, and nothing else is judged."""
    load = Load(unit="iterations", planned=planned, unsent=unsent, cause="no virtual user was free")
    results = results_of(load=load, points=(percentile(1, 5, 1000),))
    outcomes = {f.id: f.outcome for f in findings(Objectives(quantiles={"p99": 0.1}), results)}
    assert outcomes == {"objective-p99": objective, "guard-lateness": guard}


@pytest.mark.parametrize(("count", "guard"), [(10, Outcome.PASS), (11, Outcome.INCONCLUSIVE)])
def test_requests_that_are_no_results(count: int, guard: Outcome) -> None:
    """More than 1 % of hops or of requests without a result: nothing passes; what failed still fails."""
    doubt = Doubt(count=count, total=1000, why="are hops of redirects")
    results = results_of(doubts=(doubt,), points=(percentile(1, 5, 1000), percentile(0.5, 4, 1000)))
    by_id = {f.id: f for f in findings(Objectives(quantiles={"p99": 0.1, "p90": 0.001}), results)}
    assert (by_id["guard-data"].outcome, by_id["objective-p99"].outcome) == (guard, guard)
    assert by_id["objective-p90"].outcome is Outcome.FAIL
    assert f"{count} of 1,000" in by_id["guard-data"].reason


def test_an_unknown_plan_is_listed() -> None:
    """A file that does not state the planned load may be that of a run that was cut short."""
    load = Load(unit="requests", planned=1000, unsent=0, cause="it sent all")
    listed = [{row.what for row in unmeasured(Latency(), results)} for results in (results_of(), results_of(load=load))]
    assert ["the planned load" in what for what in listed] == [True, False]
