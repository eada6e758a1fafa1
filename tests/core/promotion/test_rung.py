"""The verdict of a rung, from the requests of all arms."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS as MARGINS
from ghmlops.core.promotion.observation import ArmTraffic, Traffic
from ghmlops.core.promotion.rung import Cause, RungJudge, State, find_cause
from ghmlops.core.promotion.weights import Shares, rung_shares

TEN = rung_shares(0.1, with_twin=True)


def traffic(requests: int, shares: Shares, errors: dict[str, float], seed: int, factor: float = 1.0) -> Traffic:
    """Return routed requests in 100 s; `errors` are rates per arm, `factor` slows the candidate."""
    random, arms = np.random.default_rng(seed), {}
    for name in ("candidate", "twin", "pool"):
        count = round(requests * shares.share(name))
        slower = factor if name == "candidate" else 1.0
        arms[name] = ArmTraffic(
            at=np.sort(random.random(count)) * 100.0,
            response=slower * 0.01 * np.exp(0.4 * random.standard_normal(count)),
            failed=random.random(count) < errors.get(name, 0.0),
        )
    return Traffic(**arms)


def judged(*periods: Traffic, shares: Shares = TEN, latency: bool = True, min_requests: int = 500) -> tuple[State, str]:
    """Return state and reason code after the periods."""
    judge = RungJudge(0.001, MARGINS if latency else None)
    for period in periods:
        judge.feed(period, counts=True)
    ruling = judge.ruling(shares, min_requests=min_requests)
    return ruling.state, ruling.reason_code


def test_a_good_candidate_passes() -> None:
    """40,000 requests, of which the candidate and the twin receive 4,000 each."""
    assert judged(traffic(40_000, TEN, {}, 1)) == (State.PASS, "rung-passed")


@pytest.mark.parametrize("seed", range(5))
def test_errors_of_the_candidate_alone_fail(seed: int) -> None:
    """5 % of the candidate's requests, none elsewhere."""
    assert judged(traffic(4_000, TEN, {"candidate": 0.05}, seed)) == (State.FAIL, "errors-above-objective")


@pytest.mark.parametrize("seed", range(5))
def test_an_environment_that_fails_is_no_fault_of_the_candidate(seed: int) -> None:
    """5 % of all requests fail: hold, never a rollback onto a baseline that fails as well."""
    sick = {"candidate": 0.05, "twin": 0.05, "pool": 0.05}
    assert judged(traffic(20_000, TEN, sick, seed)) == (State.HOLD, "environment")


@pytest.mark.parametrize("seed", range(5))
def test_what_was_just_started_fails(seed: int) -> None:
    """Candidate and twin fail alike, the pool does not: the placement is the cause."""
    assert judged(traffic(20_000, TEN, {"candidate": 0.05, "twin": 0.05}, seed)) == (State.HOLD, "placement")


def test_a_slow_candidate_fails() -> None:
    """Doubled response times."""
    assert judged(traffic(10_000, TEN, {}, 2, factor=2.0)) == (State.FAIL, "slower-than-twin")


@pytest.mark.parametrize(("requests", "code"), [(4_000, "low-traffic"), (6_000, "latency-undecided")])
def test_too_few_requests_decide_nothing(requests: int, code: str) -> None:
    """400 of 500 required requests; 600 requests, which are two pairs of blocks."""
    assert judged(traffic(requests, TEN, {}, 3)) == (State.UNDECIDED, code)


def test_without_a_twin_errors_alone_are_judged() -> None:
    """Latency is not judged against a pool of another age and size."""
    shares = rung_shares(0.1, with_twin=False)
    assert judged(traffic(10_000, shares, {}, 4, factor=2.0), shares=shares, latency=False)[0] is State.PASS


def test_no_traffic_is_never_a_pass() -> None:
    """An empty period, also where no requests are required."""
    assert judged(Traffic(), min_requests=1) == (State.UNDECIDED, "low-traffic")
    assert judged(Traffic(), min_requests=0)[0] is not State.PASS


def test_requests_before_the_split_is_in_effect_pass_nothing_and_fail_at_once() -> None:
    """They do not count as requests of the rung; their errors do count."""
    judge = RungJudge(0.001, MARGINS)
    judge.feed(traffic(40_000, TEN, {}, 5), counts=False)
    assert judge.ruling(TEN, min_requests=500).reason_code == "low-traffic"
    judge.feed(traffic(4_000, TEN, {"candidate": 0.5}, 6), counts=False)
    assert judge.ruling(TEN, min_requests=500).state is State.FAIL


def test_a_new_rung_begins_with_nothing() -> None:
    """Requests of the rung before do not count."""
    judge = RungJudge(0.001, MARGINS)
    judge.feed(traffic(40_000, TEN, {}, 7), counts=True)
    judge.start_rung()
    assert judge.ruling(TEN, min_requests=500).reason_code == "low-traffic"


def test_errors_without_a_known_cause_pass_nothing() -> None:
    """12 of 500 requests of every arm fail: beyond the objective, and too few to tell why."""
    shares = rung_shares(0.5, with_twin=True)
    judge = RungJudge(0.001, None)
    at, failed = np.arange(500.0), np.arange(500) % 42 == 0
    requests = ArmTraffic(at=at, response=np.full(500, 0.01), failed=failed)
    judge.feed(Traffic(candidate=requests, twin=requests), counts=True)
    ruling = judge.ruling(shares, min_requests=100)
    assert (ruling.state, ruling.reason_code) == (State.UNDECIDED, "errors-unexplained")


@pytest.mark.parametrize(
    ("failures", "share", "cause"),
    [
        ({"candidate": 4, "twin": 0, "pool": 0}, 0.1, Cause.CANDIDATE),
        ({"candidate": 2, "twin": 0, "pool": 0}, 0.1, Cause.UNKNOWN),
        ({"candidate": 30, "twin": 30, "pool": 240}, 0.1, Cause.ENVIRONMENT),
        ({"candidate": 30, "twin": 30, "pool": 0}, 0.1, Cause.PLACEMENT),
        ({"candidate": 3, "twin": 0, "pool": 0}, 1.0, Cause.CANDIDATE),
    ],
)
def test_cause(failures: dict[str, int], share: float, cause: Cause) -> None:
    """Few errors stay undecided; at full traffic there is nothing to compare with."""
    assert find_cause(failures, rung_shares(share, with_twin=True)) is cause
