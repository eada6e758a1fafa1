"""The search: ramp, bisection, noisy probes, budgets, and the true capacity of simulated queues."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from capacity_searches import passes_up_to, plan_of, result_of, scripted_search, search_queue
from ghmlops.core.capacity.conclusion import conclude
from ghmlops.core.capacity.constants import MIN_LEVELS
from ghmlops.core.capacity.search import add_result, next_probe
from ghmlops.core.capacity.search_state import SearchState, Vote
from ghmlops.core.capacity.votes import steady_rates
from ghmlops.core.policy.objectives import Objectives
from queueing_service import share_over, true_capacity
from simulated_queue import Queue


@pytest.mark.parametrize("limit", [10.0, 11.0, 47.0, 160.0, 333.3, 999.0])
def test_a_sharp_limit_is_bracketed_within_the_resolution(limit: float) -> None:
    """The interval covers the limit, has the requested resolution, and both ends were probed twice."""
    state, interval = scripted_search(passes_up_to(limit))
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= limit < interval.high <= interval.low * 1.0501
    assert (interval.limit, interval.complete) == ("service", True)
    for edge in (interval.low, interval.high):
        assert sum(result.rate == edge for result in state.history) >= 2
    assert len(steady_rates(state.history)) >= MIN_LEVELS


def test_the_ramp_doubles_and_failures_are_confirmed_before_they_count() -> None:
    """10, 20, 40 and 80 pass; 160 is probed again before the bisection starts."""
    state, _ = scripted_search(passes_up_to(100.0))
    assert [result.rate for result in state.history][:7] == [10.0, 20.0, 40.0, 80.0, 160.0, 160.0, 113.14]


@pytest.mark.parametrize("noisy", range(12))
def test_a_single_failed_probe_does_not_decide(noisy: int) -> None:
    """Whichever single probe fails by noise, the interval covers the limit."""
    _, interval = scripted_search(
        lambda probe, number: Vote.FAIL if number == noisy else passes_up_to(100.0)(probe, number)
    )
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= 100.0 < interval.high < 110.0


@pytest.mark.parametrize("noisy", range(12))
def test_a_single_late_generator_does_not_decide(noisy: int) -> None:
    """A probe that the generator limited is repeated and has no vote."""
    _, interval = scripted_search(
        lambda probe, number: Vote.GENERATOR if number == noisy else passes_up_to(100.0)(probe, number)
    )
    assert interval.limit == "service"
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= 100.0 < interval.high < 110.0


def test_a_service_that_fails_below_the_limit_of_the_generator() -> None:
    """The ramp reaches the limit of the generator, and the bisection finds the lower limit of the service."""
    vote = {True: Vote.PASS, False: Vote.FAIL}
    _, interval = scripted_search(lambda probe, _n: Vote.GENERATOR if probe.rate > 150 else vote[probe.rate <= 100])
    assert interval.limit == "service"
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= 100.0 < interval.high < 110.0


def test_a_first_rate_that_fails_is_halved() -> None:
    """The search descends from the first rate until a rate passes."""
    state, interval = scripted_search(passes_up_to(3.0))
    assert [result.rate for result in state.history][:5] == [10.0, 10.0, 5.0, 5.0, 2.5]
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= 3.0 < interval.high < 3.3


def test_undecided_rates_belong_to_the_interval() -> None:
    """If no probe between 90 and 120 decides, neither end lies there, and these rates are probed longest."""
    state, interval = scripted_search(
        lambda probe, _n: Vote.PASS if probe.rate < 90 else Vote.FAIL if probe.rate > 120 else Vote.UNSURE
    )
    assert interval.low is not None
    assert interval.high is not None
    assert 80 < interval.low < 90
    assert 120 < interval.high < 130
    assert interval.complete
    assert {result.probe.purpose for result in state.history if result.probe.refined} >= {"refine"}


def test_the_limits_on_requests_are_respected() -> None:
    """No probe exceeds its maximum number of requests, and no search that of all probes."""
    plan = replace(plan_of(max_rate=100000.0, budget=1e6), max_probe_requests=5000, max_requests=20000)
    state = SearchState(plan=plan)
    while (probe := next_probe(state)) is not None:
        assert probe.rate * (probe.seconds + plan.warmup) <= 5000 * (1 + 1e-9)
        state = add_result(state, result_of(probe, Vote.PASS))
    assert state.sent <= 20000
    assert not conclude(state).complete


@pytest.mark.parametrize(
    ("slo", "workers", "mean"),
    [
        (Objectives(quantiles={"p99": 0.2}, errors=0.01), 2, 0.02),
        (Objectives(quantiles={"p95": 0.5}), 8, 0.1),
    ],
)
def test_the_interval_covers_the_true_capacity_of_simulated_queues(slo: Objectives, workers: int, mean: float) -> None:
    """For M/M/c queues with 6 seeds each, at least 95 % of the intervals contain the capacity by Erlang's formula."""
    ((name, limit),) = slo.quantiles.items()
    truth = true_capacity(limit, 1 - {"p90": 0.9, "p95": 0.95, "p99": 0.99}[name], workers, mean)
    inside = 0
    for seed in range(6):
        _, interval = search_queue(seed, slo, Queue(workers=workers, mean=mean))
        inside += interval.low is not None and interval.low <= truth <= (interval.high or math.inf)
        assert interval.limit == "service"
    assert inside >= 6 * 0.95


def test_the_reference_formulas() -> None:
    """M/M/1 response times are exponential with rate mu - lambda; beyond saturation every response is late."""
    assert math.isclose(share_over(0.1, 30.0, 1, 0.02), math.exp(-(50 - 30) * 0.1))
    assert share_over(0.1, 100.0, 2, 0.02) == 1.0
    assert true_capacity(0.1, 0.01, 1, 0.2) == 0.0
