"""The search for capacity on simulated queues of known capacity, and on scripted votes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import simulated_queue
from ghmlops.core.capacity import search as capacity
from ghmlops.core.capacity.details import capacity_details, result
from ghmlops.core.capacity.evidence import LIMITS, finding, measurements, not_measured, ruling, sum_up
from ghmlops.core.capacity.probe import Seen, autocorrelation, drifts, failing, floor_of, in_flight, judge_probe
from ghmlops.core.capacity.search import Found, Plan, Probe, Probed, Standing, State, Vote
from ghmlops.core.details.capacity import CapacityGenerator, CapacitySettings
from ghmlops.core.latency.answers import Kind
from ghmlops.core.latency.objectives import shares
from ghmlops.core.model import Outcome
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.objectives import Objectives
from queueing_service import share_over, true_capacity
from simulated_queue import Queue, seen_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

P90 = Objectives(quantiles={"p90": 0.1})
FAST = Probe(rate=100.0, seconds=10.0, purpose="ramp")


def plan_of(slo: Objectives = P90, **more: float) -> Plan:
    fields = {"start": 10.0, "most": 1000.0, "probe": 10.0, "warmup": 2.0, "resolution": 0.05, "budget": 1800.0} | more
    return Plan(
        start=fields["start"],
        most=fields["most"],
        probe=fields["probe"],
        warmup=fields["warmup"],
        resolution=fields["resolution"],
        budget=fields["budget"],
        floor=floor_of(slo),
    )


def search(seed: int, slo: Objectives, queue: Queue) -> tuple[State, Found]:
    state = simulated_queue.search(queue, plan_of(slo), slo, seed)
    return state, capacity.conclude(state)


def probed(probe: Probe, vote: Vote, *, errors: float = 0.0, reason: str = "made here") -> Probed:
    return Probed(
        probe=probe,
        vote=vote,
        cause="" if vote is Vote.PASS else "generator" if vote is Vote.GENERATOR else "errors" if errors else "service",
        reason=reason,
        n=int(probe.rate * probe.seconds),
        quantiles=dict.fromkeys(("p50", "p90", "p95", "p99"), 0.01),
        errors=errors,
        achieved=1.0,
        in_flight=probe.rate * 0.01,
        throughput=probe.rate,
        response=0.01,
        steady=vote in (Vote.PASS, Vote.UNSURE),
        took=probe.seconds,
        sent=int(probe.rate * probe.seconds),
    )


def scripted(answer: Callable[[Probe, int], Vote], *, errors: float = 0.0, **more: float) -> tuple[State, Found]:
    """Run a search whose probes vote as `answer(probe, number)` says."""
    state = State(plan=plan_of(P90, **({"budget": 1e6} | more)))
    while (probe := capacity.next_rate(state)) is not None:
        state = capacity.feed(state, probed(probe, answer(probe, len(state.history)), errors=errors))
    return state, capacity.conclude(state)


def below(limit: float) -> Callable[[Probe, int], Vote]:
    return lambda probe, _number: Vote.PASS if probe.rate <= limit else Vote.FAIL


@pytest.mark.parametrize("limit", [10.0, 11.0, 47.0, 160.0, 333.3, 999.0])
def test_a_sharp_limit_is_bracketed_within_the_resolution(limit: float) -> None:
    """The interval covers it, is as narrow as asked, and both ends were probed twice."""
    state, found = scripted(below(limit))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= limit < found.high <= found.low * 1.0501
    assert (found.limit, found.complete) == ("service", True)
    for edge in (found.low, found.high):
        assert sum(done.rate == edge for done in state.history) >= 2
    assert len(capacity.steady_levels(state.history)) >= capacity.LEVELS


def test_the_ramp_doubles_and_failures_are_confirmed_before_they_count() -> None:
    """10, 20, 40, 80 pass; 160 is probed again before the bisection begins."""
    state, _ = scripted(below(100.0))
    assert [done.rate for done in state.history][:7] == [10.0, 20.0, 40.0, 80.0, 160.0, 160.0, 113.14]


@pytest.mark.parametrize("noisy", range(12))
def test_one_bad_probe_ends_nothing(noisy: int) -> None:
    """Whichever single probe fails by noise, the interval still covers the limit."""
    _, found = scripted(lambda probe, number: Vote.FAIL if number == noisy else below(100.0)(probe, number))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 100.0 < found.high < 110.0


@pytest.mark.parametrize("noisy", range(12))
def test_one_late_generator_ends_nothing(noisy: int) -> None:
    """A probe in which the generator was late is repeated, and has no vote."""
    _, found = scripted(lambda probe, number: Vote.GENERATOR if number == noisy else below(100.0)(probe, number))
    assert found.limit == "service"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 100.0 < found.high < 110.0


def test_a_weak_generator_is_the_limit_and_an_error() -> None:
    """Above 300/s the generator is late: the highest rate that passes stands as a lower bound, and nothing passes."""
    state, found = scripted(lambda probe, _number: Vote.PASS if probe.rate < 300 else Vote.GENERATOR)
    assert (found.limit, found.high) == ("generator", None)
    assert found.low is not None
    assert 280 < found.low < 300
    search_ = sum_up(state, 1)
    policy = Capacity(demand=1000.0)
    told = finding(search_, policy)
    assert (told.outcome, ruling(search_)[1]) == (Outcome.ERROR, "generator-limited")
    assert "the generator" in LIMITS[found.limit]
    assert result(search_, policy).replicas is None
    assert any("replicas" in entry.what for entry in not_measured(search_, policy))


def test_a_service_that_fails_below_a_weak_generator_is_the_limit() -> None:
    """The ramp runs into the generator, the bisection finds where the service fails before it."""
    vote = {True: Vote.PASS, False: Vote.FAIL}
    _, found = scripted(lambda probe, _n: Vote.GENERATOR if probe.rate > 150 else vote[probe.rate <= 100])
    assert found.limit == "service"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 100.0 < found.high < 110.0


def test_nothing_fails_up_to_the_most() -> None:
    """The highest rate that the policy allows passes twice: the capacity is at least that."""
    state, found = scripted(lambda _probe, _number: Vote.PASS, most=300.0)
    assert (found.low, found.high, found.limit, found.complete) == (300.0, None, "nothing", True)
    outcome, _, sentence = ruling(sum_up(state, 1))
    assert outcome is Outcome.PASS
    assert sentence.startswith("The capacity is at least 300/s")


def test_a_first_rate_that_fails_is_halved() -> None:
    """The search goes down from `start` until a rate passes."""
    state, found = scripted(below(3.0))
    assert [done.rate for done in state.history][:5] == [10.0, 10.0, 5.0, 5.0, 2.5]
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 3.0 < found.high < 3.3


def test_no_rate_passes() -> None:
    """It ends at a 64th of `start`, and fails."""
    state, found = scripted(lambda _probe, _number: Vote.FAIL)
    assert (found.low, found.high, found.complete) == (None, 10.0 / 64, True)
    outcome, code, _ = ruling(sum_up(state, 1))
    assert (outcome, code) == (Outcome.FAIL, "no-rate-passes")


def test_a_broken_service_is_not_probed_on_and_on() -> None:
    """Where most requests fail at the first rate, load is not the cause: two probes, and `fail`."""
    state, found = scripted(lambda _probe, _number: Vote.FAIL, errors=1.0)
    outcome, code, sentence = ruling(sum_up(state, 1))
    assert (len(state.history), found.limit, outcome, code) == (2, "errors", Outcome.FAIL, "service-broken")
    assert "No rate passes" in sentence


def test_a_service_that_died_is_not_probed_on() -> None:
    """Whatever it met before: no further probe, no replicas, and a failure that says where it ended."""
    state, found = scripted(below(500.0))
    assert ruling(sum_up(state, 1))[0] == Outcome.PASS
    died = replace(state, died=True)
    told = sum_up(died, 1)
    assert capacity.next_rate(died) is None
    assert (told.found.low, told.found.limit, told.found.complete) == (found.low, "errors", False)
    assert ruling(told)[:2] == (Outcome.FAIL, "service-died")
    assert result(told, Capacity(demand=500.0)).replicas is None


def test_rates_that_cannot_tell_belong_to_the_interval() -> None:
    """Between 90 and 120 no probe can tell: neither end lies there, and these rates are probed longest."""
    state, found = scripted(
        lambda probe, _n: Vote.PASS if probe.rate < 90 else Vote.FAIL if probe.rate > 120 else Vote.UNSURE
    )
    assert found.low is not None
    assert found.high is not None
    assert 80 < found.low < 90
    assert 120 < found.high < 130
    assert found.complete
    assert {done.probe.purpose for done in state.history if done.probe.refined} >= {"refine"}


@pytest.mark.parametrize("budget", [15.0, 40.0, 100.0, 150.0])
def test_a_budget_is_kept_and_said(budget: float) -> None:
    """No probe is begun that the budget does not hold; the search says so, and a half-done one is inconclusive."""
    state, found = scripted(below(500.0), budget=budget)
    assert state.seconds <= budget
    search_ = sum_up(state, 1)
    assert ruling(search_)[0] is (Outcome.PASS if found.complete else Outcome.INCONCLUSIVE)
    assert "budget" in finding(search_, Capacity()).reason
    if budget < 100:
        assert not found.complete


def test_the_hard_caps_on_requests_hold() -> None:
    """No probe is larger than its cap, and no search than the total."""
    plan = replace(plan_of(most=100000.0, budget=1e6), requests=5000, total=20000)
    state = State(plan=plan)
    while (probe := capacity.next_rate(state)) is not None:
        assert probe.rate * (probe.seconds + plan.warmup) <= 5000 * (1 + 1e-9)
        state = capacity.feed(state, probed(probe, Vote.PASS))
    assert state.sent <= 20000
    assert not capacity.conclude(state).complete


def test_too_little_budget_for_the_samples_is_not_enough_data() -> None:
    """A probe at a low rate is lengthened to its floor; where the budget is too short for it, nothing is probed."""
    p99 = Objectives(quantiles={"p99": 0.1})
    plan = plan_of(p99, start=1.0, budget=2000.0)
    first = capacity.next_rate(State(plan=plan))
    assert first is not None
    assert first.seconds * first.rate >= 662
    assert capacity.next_rate(State(plan=plan_of(p99, start=1.0, budget=600.0))) is None
    nothing = sum_up(State(plan=plan_of(p99, start=1.0, budget=600.0)), 1)
    assert ruling(nothing)[0] is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("P", Standing.PASS), ("F", Standing.OPEN), ("U", Standing.OPEN), ("G", Standing.OPEN),
        ("GG", Standing.GENERATOR), ("GP", Standing.PASS), ("FF", Standing.FAIL), ("FP", Standing.OPEN),
        ("PF", Standing.OPEN), ("UU", Standing.UNSURE), ("UP", Standing.OPEN), ("PFP", Standing.PASS),
        ("FPF", Standing.FAIL), ("PFU", Standing.UNSURE), ("UPP", Standing.PASS), ("UFF", Standing.FAIL),
    ],
)  # fmt: skip
def test_votes(votes: str, expected: Standing) -> None:
    """A first pass stands; anything else needs two alike; three decide; the generator has no vote."""
    kinds = {"P": Vote.PASS, "F": Vote.FAIL, "U": Vote.UNSURE, "G": Vote.GENERATOR}
    assert expected is capacity.standing(probed(FAST, kinds[vote]) for vote in votes)


@pytest.mark.parametrize(
    ("demand", "headroom", "expected"), [(500.0, 0.3, 8), (70.0, 0.3, 1), (70.1, 0.3, 2), (0.0, 0.3, None)]
)
def test_replicas(demand: float, headroom: float, expected: int | None) -> None:
    """demand / (capacity x (1 - headroom)), rounded up; none without a demand."""
    assert expected == capacity.replicas(100.0, demand, headroom)


@pytest.mark.parametrize(
    ("slo", "workers", "mean"),
    [
        (Objectives(quantiles={"p99": 0.2}, errors=0.01), 2, 0.02),
        (Objectives(quantiles={"p95": 0.5}), 8, 0.1),
    ],
)
def test_the_interval_covers_the_truth_of_simulated_queues(slo: Objectives, workers: int, mean: float) -> None:
    """M/M/c queues, 6 seeds each: by Erlang the true capacity lies inside at least 95 % of the intervals."""
    ((name, limit),) = slo.quantiles.items()
    truth = true_capacity(limit, 1 - {"p90": 0.9, "p95": 0.95, "p99": 0.99}[name], workers, mean)
    inside = 0
    for seed in range(6):
        _, found = search(seed, slo, Queue(workers=workers, mean=mean))
        inside += found.low is not None and found.low <= truth <= (found.high or math.inf)
        assert found.limit == "service"
    assert inside >= 6 * 0.95


def test_theory_of_the_queue() -> None:
    """M/M/1 is exponential with rate mu - lambda; beyond saturation everything is late."""
    assert math.isclose(share_over(0.1, 30.0, 1, 0.02), math.exp(-(50 - 30) * 0.1))
    assert share_over(0.1, 100.0, 2, 0.02) == 1.0
    assert true_capacity(0.1, 0.01, 1, 0.2) == 0.0


def regular(n: int, rate: float, response: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scheduled = np.arange(n) / rate
    return scheduled, scheduled + response + np.random.default_rng(5).uniform(-1e-4, 1e-4, n)


def test_a_calm_probe_passes_with_littles_law() -> None:
    """Every 10 ms a request of 20 ms: 2 in flight."""
    done = judge_probe(FAST, seen_of(*regular(1000, 100.0, 0.02)), P90)
    assert done.vote is Vote.PASS
    assert done.steady
    assert math.isclose(done.in_flight, 2.0, rel_tol=0.01)
    assert math.isclose(done.quantiles["p99"], 0.02, rel_tol=0.01)


def test_a_backlog_that_grows_fails_although_the_objective_holds() -> None:
    """Response times rise to 50 ms at 1,000/s, all within the limit: in-flight drifts, so the rate is not sustained."""
    scheduled = np.arange(4000) / 1000.0
    done = judge_probe(FAST, seen_of(scheduled, scheduled + np.linspace(0.001, 0.09, 4000)), P90)
    assert (done.vote, done.steady) == (Vote.FAIL, False)
    assert "pile up" in done.reason


def test_a_stable_queue_does_not_drift() -> None:
    """M/M/2 at 80 % of saturation, 100 seeds: hardly any probe is called drifting; at 130 % all are."""
    queue = Queue(workers=2, mean=0.02)

    def share(rate: float) -> float:
        probe = Probe(rate=rate, seconds=20.0, purpose="ramp")
        seen = [queue.answer(probe, 2.0, np.random.default_rng(seed)) for seed in range(100)]
        return sum(drifts(one.answers, one.warmup) for one in seen) / 100

    assert share(80.0) <= 0.05
    assert share(130.0) == 1.0


def test_in_flight_is_the_mean_of_each_slice() -> None:
    """Three requests of 1 s at 0, 0.5 and 2 s."""
    scheduled = np.array([0.0, 0.5, 2.0])
    means = in_flight(seen_of(scheduled, scheduled + 1).answers, np.array([0.0, 1.0, 2.0, 3.0]))
    assert np.allclose(means, [1.5, 0.5, 1.0])


def test_dependent_requests_are_worth_fewer() -> None:
    """Independent ones are worth about themselves; those that come in clumps of 20 about a twentieth."""
    rng = np.random.default_rng(1)
    clumps = np.repeat(rng.exponential(size=1000), 20)
    assert 1.0 <= autocorrelation(rng.exponential(size=20000)) < 1.5
    assert 10 < autocorrelation(clumps) < 40
    assert autocorrelation(np.full(500, np.inf)) == 1.0


def test_too_few_samples_are_unsure() -> None:
    """63 perfect answers are not enough for p90, 64 are."""
    few, enough = (judge_probe(FAST, seen_of(*regular(n, 100.0, 0.02)), P90) for n in (63, 64))
    assert (few.vote, enough.vote) == (Vote.UNSURE, Vote.PASS)
    assert "not enough data" in few.reason


def failed(seen: Seen, kind: Kind, every: int) -> Seen:
    kinds = np.where(np.arange(len(seen.answers)) % every == 0, np.uint8(kind), np.uint8(Kind.OK))
    return replace(seen, answers=replace(seen.answers, kind=kinds))


def test_failed_requests_are_told_apart_from_slow_ones() -> None:
    """One refused request in four: the cause is `errors`; one time-out in four: the service is slow."""
    seen = seen_of(*regular(1000, 100.0, 0.02))
    refused = judge_probe(FAST, failed(seen, Kind.STATUS, 4), P90)
    slow = judge_probe(FAST, failed(seen, Kind.TIMEOUT, 4), P90)
    assert (refused.vote, refused.cause) == (Vote.FAIL, "errors")
    assert (slow.vote, slow.cause) == (Vote.FAIL, "service")
    assert refused.errors == 0.25


def test_errors_within_the_budget_of_the_objective_but_not_achieved_do_not_pass() -> None:
    """3 % of the requests fail, 10 % may: still less than 99 % of the offered rate was achieved."""
    seen = failed(seen_of(*regular(3000, 100.0, 0.02)), Kind.STATUS, 33)
    assert judge_probe(FAST, seen, P90).vote is Vote.FAIL


def test_a_late_or_starved_generator_has_no_vote() -> None:
    """Sends 50 ms late, or requests that were never sent: the probe says nothing, however good the answers."""
    seen = seen_of(*regular(1000, 100.0, 0.02))
    late = replace(seen, dispatched=seen.answers.scheduled + 0.05)
    for one in (late, failed(seen, Kind.UNSENT, 100), failed(seen, Kind.LOCAL, 100)):
        done = judge_probe(FAST, one, P90)
        assert (done.vote, done.cause) == (Vote.GENERATOR, "generator")
        assert not done.steady


def test_a_probe_is_stopped_early_only_beyond_doubt() -> None:
    """Half of 200 requests slow: stopped. 15 % of 100: not yet."""
    for slow, n, expected in ((2, 200, True), (7, 100, False)):
        late = np.where(np.random.default_rng(2).permutation(n) % slow == 0, 1.0, 0.02)
        scheduled = np.arange(n) / 100.0
        answers = seen_of(scheduled, scheduled + late).answers
        assert expected is failing(shares(P90, answers), answers.response, P90)


def test_an_objective_of_no_errors_has_no_floor() -> None:
    """`errors: 0` cannot be shown by any sample."""
    assert floor_of(Objectives(errors=0.0)) == 0
    assert floor_of(Objectives(quantiles={"p90": 0.1, "p99": 0.2})) == 662


def test_the_evidence_holds_the_curve_the_law_and_predictions() -> None:
    """Rates ascending with their standing; the law near M/M/2's response times; nothing predicted beyond the peak."""
    state, found = search(3, P90, Queue(workers=2, mean=0.02))
    told, policy = sum_up(state, 1), Capacity(demand=500.0, predict=(50.0, 5000.0, 0.5))
    settings = CapacitySettings(
        url="http://127.0.0.1", requests="GET /", objectives=P90, samples_for_a_pass=1, connections=1, policy=policy
    )
    rows = capacity_details(told, policy, settings, CapacityGenerator(crowded=False))
    rates = [row.rate for row in rows.curve]
    assert rates == sorted(rates)
    assert rows.curve[0].p50_ms is not None
    assert found.low is not None
    assert rows.result.replicas == math.ceil(500 / (found.low * 0.7))
    near, beyond, below_all = rows.predicted
    truth = 20 / (1 - 0.5**2)
    assert near.estimate_ms is not None and near.low_ms is not None and near.high_ms is not None
    assert 0.75 * truth < near.estimate_ms < 1.25 * truth
    assert near.low_ms <= near.estimate_ms <= near.high_ms
    assert beyond.estimate_ms is None
    assert beyond.basis.startswith("beyond")
    assert (near.basis, below_all.basis) == ("within the data", "extrapolated")
    ids = [m.id for m in measurements(told, policy)]
    assert ids[:2] == ["capacity", "response-time"]
    assert {"law-lambda", "law-sigma", "law-kappa", "predicted-response-time-at-50"} <= set(ids)
    assert [n.what for n in not_measured(told, policy)] == ["response time predicted at 5000/s"]


def test_few_levels_leave_the_law_unmeasured() -> None:
    """After three probes there is no law, and the evidence says why."""
    state, _ = scripted(below(500.0), budget=40.0)
    told = sum_up(state, 1)
    assert told.fit is None
    missing = {n.what: n.why for n in not_measured(told, Capacity(predict=(5.0,)))}
    assert "6 are needed" in missing["the scaling law"]
    assert "response time predicted at 5/s" in missing
