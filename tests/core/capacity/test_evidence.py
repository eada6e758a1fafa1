"""Evidence of a capacity search: outcome, reason code, measurements, and what was not measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from capacity_searches import P90, passes_up_to, plan_of, scripted_search, search_queue
from ghmlops.core.capacity.details import capacity_details, result_details
from ghmlops.core.capacity.evidence import LIMITS, complete_search, finding, measurements, not_measured, ruling
from ghmlops.core.capacity.search import next_probe
from ghmlops.core.capacity.search_state import SearchState, Vote
from ghmlops.core.details.capacity import CapacityGenerator, CapacitySettings
from ghmlops.core.model import Outcome
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.objectives import Objectives
from simulated_queue import Queue


def test_a_slow_generator_is_an_error() -> None:
    """If the generator is late above 300/s, the capacity has only a lower bound, and the outcome is `error`."""
    state, interval = scripted_search(lambda probe, _number: Vote.PASS if probe.rate < 300 else Vote.GENERATOR)
    assert (interval.limit, interval.high) == ("generator", None)
    assert interval.low is not None
    assert 280 < interval.low < 300
    search_ = complete_search(state, 1)
    policy = Capacity(demand=1000.0)
    row = finding(search_, policy)
    assert (row.outcome, ruling(search_)[1]) == (Outcome.ERROR, "generator-limited")
    assert "the generator" in LIMITS[interval.limit]
    assert result_details(search_, policy).replicas is None
    assert any("replicas" in entry.what for entry in not_measured(search_, policy))


def test_no_rate_fails_up_to_the_maximum() -> None:
    """If the highest allowed rate passes twice, the capacity is at least that rate."""
    state, interval = scripted_search(lambda _probe, _number: Vote.PASS, max_rate=300.0)
    assert (interval.low, interval.high, interval.limit, interval.complete) == (300.0, None, "nothing", True)
    outcome, _, sentence = ruling(complete_search(state, 1))
    assert outcome is Outcome.PASS
    assert "300/s" in sentence


def test_no_rate_passes() -> None:
    """If no rate passes, the search ends at a 64th of the first rate, and fails."""
    state, interval = scripted_search(lambda _probe, _number: Vote.FAIL)
    assert (interval.low, interval.high, interval.complete) == (None, 10.0 / 64, True)
    outcome, code, _ = ruling(complete_search(state, 1))
    assert (outcome, code) == (Outcome.FAIL, "no-rate-passes")


def test_a_broken_service_is_probed_twice_only() -> None:
    """If most requests fail at the first rate, load is not the cause: the search fails after two probes."""
    state, interval = scripted_search(lambda _probe, _number: Vote.FAIL, errors=1.0)
    outcome, code, _ = ruling(complete_search(state, 1))
    assert (len(state.history), interval.limit, outcome, code) == (2, "errors", Outcome.FAIL, "service-broken")


def test_a_service_that_died_is_not_probed_again() -> None:
    """After a service has died there is no further probe and no number of replicas, and the outcome is `fail`."""
    state, interval = scripted_search(passes_up_to(500.0))
    assert ruling(complete_search(state, 1))[0] == Outcome.PASS
    died = replace(state, service_died=True)
    search_ = complete_search(died, 1)
    assert next_probe(died) is None
    assert (search_.result.low, search_.result.limit, search_.result.complete) == (interval.low, "errors", False)
    assert ruling(search_)[:2] == (Outcome.FAIL, "service-died")
    assert result_details(search_, Capacity(demand=500.0)).replicas is None


@pytest.mark.parametrize("budget", [15.0, 40.0, 100.0, 150.0])
def test_the_budget_is_respected_and_reported(budget: float) -> None:
    """No probe exceeds the budget; the reason names it, and an incomplete search is inconclusive."""
    state, interval = scripted_search(passes_up_to(500.0), budget=budget)
    assert state.seconds <= budget
    search_ = complete_search(state, 1)
    assert ruling(search_)[0] is (Outcome.PASS if interval.complete else Outcome.INCONCLUSIVE)
    assert "budget" in finding(search_, Capacity()).reason
    if budget < 100:
        assert not interval.complete


def test_a_budget_below_the_sample_floor_is_inconclusive() -> None:
    """A probe at a low rate is extended to its sample floor; if the budget is too short for it, there is no probe."""
    p99 = Objectives(quantiles={"p99": 0.1})
    plan = plan_of(p99, start_rate=1.0, budget=2000.0)
    first = next_probe(SearchState(plan=plan))
    assert first is not None
    assert first.seconds * first.rate >= 662
    assert next_probe(SearchState(plan=plan_of(p99, start_rate=1.0, budget=600.0))) is None
    nothing = complete_search(SearchState(plan=plan_of(p99, start_rate=1.0, budget=600.0)), 1)
    assert ruling(nothing)[0] is Outcome.INCONCLUSIVE


def test_the_evidence_contains_the_curve_the_law_and_predictions() -> None:
    """Rates ascend, the law is close to the response times of M/M/2, and nothing is predicted beyond its peak."""
    state, interval = search_queue(3, P90, Queue(workers=2, mean=0.02))
    search_, policy = complete_search(state, 1), Capacity(demand=500.0, predict=(50.0, 5000.0, 0.5))
    settings = CapacitySettings(
        url="http://127.0.0.1", requests="GET /", objectives=P90, samples_for_a_pass=1, connections=1, policy=policy
    )
    rows = capacity_details(search_, policy, settings, CapacityGenerator(crowded=False))
    rates = [row.rate for row in rows.curve]
    assert rates == sorted(rates)
    assert rows.curve[0].p50_ms is not None
    assert interval.low is not None
    assert rows.result.replicas == math.ceil(500 / (interval.low * 0.7))
    near, beyond, below_all = rows.predicted
    truth = 20 / (1 - 0.5**2)
    assert near.estimate_ms is not None
    assert near.low_ms is not None
    assert near.high_ms is not None
    assert 0.75 * truth < near.estimate_ms < 1.25 * truth
    assert near.low_ms <= near.estimate_ms <= near.high_ms
    assert beyond.estimate_ms is None
    assert beyond.basis.startswith("beyond")
    assert (near.basis, below_all.basis) == ("within the data", "extrapolated")
    ids = [m.id for m in measurements(search_, policy)]
    assert ids[:2] == ["capacity", "response-time"]
    assert {"law-lambda", "law-sigma", "law-kappa", "predicted-response-time-at-50"} <= set(ids)
    assert [n.what for n in not_measured(search_, policy)] == ["response time predicted at 5000/s"]


def test_too_few_levels_leave_the_law_unmeasured() -> None:
    """After three probes there is no law, and the evidence states how many levels it requires."""
    state, _ = scripted_search(passes_up_to(500.0), budget=40.0)
    search_ = complete_search(state, 1)
    assert search_.fit is None
    missing = {n.what: n.why for n in not_measured(search_, Capacity(predict=(5.0,)))}
    assert "requires 6 " in missing["the scaling law"]
    assert "response time predicted at 5/s" in missing
