"""Saturated runs on simulated queues: their finding, what it withdraws, and the check of their evidence."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from evidence_folders import latency as latency_evidence
from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.latency import details as run_details
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import MIN_PAIRS_TO_PASS, SATURATED
from ghmlops.core.latency.duet import LEVELS, Duet
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.saturated_runs.finding import (
    Saturation,
    advised_rate,
    saturation_finding,
    saturation_of,
    withdraw,
)
from ghmlops.core.latency.stopping import Judge
from ghmlops.core.latency.tally import Run
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, QUANTILES, Arrivals, Latency
from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.verdict.consistency import evidence_contradictions
from latency_runs import findings, judge_blocks, tally

RATE = 100.0


def policy_of(seconds: float = 120.0, slo: Objectives | None = None) -> Latency:
    return Latency(arrivals=Arrivals(rate=RATE, duration=seconds, warmup=1.0), slo=slo or Objectives())


def queue(utilisation: float, seed: int, n: int = 24_000, *, exponential: bool = True) -> Answers:
    """Return one arm's requests: a queue with one server at the given utilisation, 100 requests per second."""
    arrivals = np.sort(np.random.default_rng(1).uniform(0, n / RATE, n))
    mean = utilisation / RATE
    service = np.random.default_rng(seed).exponential(mean, n) if exponential else np.full(n, mean)
    walk = np.concatenate([[0.0], np.cumsum(service[:-1] - np.diff(arrivals))])
    done = arrivals + walk - np.minimum.accumulate(walk) + service
    status, kind = np.full(n, 200, np.uint16), np.zeros(n, np.uint8)
    return Answers(scheduled=arrivals, sent=arrivals, first=done, done=done, status=status, kind=kind)


def run_of(baseline: float, candidate: float, seed: int, *, exponential: bool = True) -> tuple[Judge, Run]:
    first, second = (queue(u, seed + i, exponential=exponential) for i, u in enumerate((baseline, candidate)))
    return judge_blocks(second, first, policy_of())


@pytest.mark.parametrize("utilisation", [0.95, 1.0, 1.05, 1.2, 1.5])
@pytest.mark.parametrize("seed", [10, 20, 30])
def test_equal_arms_near_saturation_are_inconclusive(utilisation: float, seed: int) -> None:
    """Two equal queues near or beyond saturation neither fail nor pass; the reason code is `saturation`."""
    policy = policy_of()
    judged = judge_tally(tally(run_of(utilisation, utilisation, seed), policy), policy)
    assert conclude(judged)[:2] == (Outcome.INCONCLUSIVE, "saturation")
    assert not any(f.outcome is Outcome.FAIL for f in judged)


def test_the_advised_rate_is_half_of_what_is_completed() -> None:
    """At a utilisation of 1.25 of 100/s, 80/s are completed: the finding advises 40/s or a little less."""
    judge, _ = run_of(1.25, 1.25, 10)
    saturation = saturation_of(judge.duet, policy_of().arrivals)
    assert saturation.growth["baseline"] == pytest.approx(0.25, abs=0.05)
    assert 37 <= saturation.advised_rate <= 41
    finding = saturation_finding(saturation, 100)
    assert finding is not None
    assert f"try {saturation.advised_rate:g}/s" in finding.reason


def test_an_overload_without_noise_is_no_pass() -> None:
    """Equal constant service times give equal response times; yet nothing passes if both queues grow."""
    policy = policy_of()
    by_id = findings(run_of(1.3, 1.3, 10, exponential=False), policy)
    assert by_id["saturation"].outcome is Outcome.INCONCLUSIVE
    assert {by_id[f"latency-{q}"].outcome for q in QUANTILES} == {Outcome.INCONCLUSIVE}
    assert by_id["error-ratio"].outcome is Outcome.INCONCLUSIVE


def test_below_saturation_nothing_changes() -> None:
    """Equal queues at a utilisation of 0.1 pass, without a finding on saturation."""
    policy = policy_of()
    judged = judge_tally(tally(run_of(0.1, 0.1, 10), policy), policy)
    assert conclude(judged)[0] is Outcome.PASS
    assert all(f.id != "saturation" for f in judged)


@pytest.mark.parametrize(("baseline", "candidate"), [(0.6, 0.9), (0.6, 1.2), (0.5, 1.5)])
def test_a_candidate_that_saturates_alone_fails(baseline: float, candidate: float) -> None:
    """A candidate that is so much slower that only its own queue grows is a failure, not a saturated run."""
    policy = policy_of()
    judged = judge_tally(tally(run_of(baseline, candidate, 10), policy), policy)
    assert conclude(judged)[0] is Outcome.FAIL
    assert all(f.id != "saturation" for f in judged)


def saturation(**changes: object) -> Saturation:
    growth = {"baseline": 0.0, "candidate": 0.0}
    usual = Saturation(growth=growth, lasting_noise=1.0, pairs=MIN_PAIRS_TO_PASS, decision="pass", rate=RATE)
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"growth": {"baseline": 0.1, "candidate": 0.1}}, True),
        ({"growth": {"baseline": 0.1, "candidate": 0.1}, "decision": "fail"}, True),
        ({"growth": {"baseline": 0.0, "candidate": 0.1}}, True),
        ({"growth": {"baseline": 0.0, "candidate": 0.1}, "decision": "fail"}, False),
        ({"lasting_noise": SATURATED + 1}, False),
        ({"lasting_noise": SATURATED + 1, "decision": ""}, True),
        ({"lasting_noise": SATURATED - 1, "decision": ""}, False),
        ({"lasting_noise": SATURATED + 1, "decision": "", "pairs": MIN_PAIRS_TO_PASS - 1}, False),
        ({"growth": {"baseline": 0.1, "candidate": 0.1}, "pairs": MIN_PAIRS_TO_PASS - 1}, True),
    ],
)
def test_when_a_run_is_saturated(changes: dict[str, object], expected: bool) -> None:
    """An overloaded baseline always, an overloaded candidate unless it failed; lasting noise if undecided and long
    enough for a decision.
    """
    assert saturation(**changes).is_saturated is expected
    assert (saturation_finding(saturation(**changes), 250) is not None) is expected


def test_what_is_withdrawn() -> None:
    """An overloaded baseline withdraws passes and failures, an overloaded candidate only passes."""
    rows = [Finding(id=o.value, metric="m", outcome=o, reason="r", docs="d") for o in Outcome]
    both = saturation(growth={"baseline": 0.1, "candidate": 0.1})
    alone = saturation(growth={"baseline": 0.0, "candidate": 0.1})
    assert [f.outcome.value for f in withdraw(rows, both)] == ["error"] + ["inconclusive"] * 2 + [
        "warn",
        "inconclusive",
    ]
    assert [f.outcome.value for f in withdraw(rows, alone)] == ["error", "fail", "inconclusive", "warn", "inconclusive"]
    assert withdraw(rows, saturation(lasting_noise=99.0, decision="")) == rows


@pytest.mark.parametrize(("knee", "rate"), [(100.0, 50.0), (333.0, 160.0), (0.5, 0.25), (19.9, 9.9), (0.0, 0.0)])
def test_the_advised_rate(knee: float, rate: float) -> None:
    """Half of the knee, rounded down to two significant digits."""
    assert advised_rate(knee) == pytest.approx(rate)


def test_demand_that_changes_is_no_overload() -> None:
    """Response times that rise with a ramp of the demand are not growth; there is no rate to advise."""
    duet = Duet(DEFAULT_LATENCY_MARGINS)
    for block in range(12):
        level = dict.fromkeys(LEVELS.values(), math.log(0.1 * (1 + block)))
        duet.feed({"p50": 0.0, "p95": 0.0, "p99": 0.0, "p99-wide": 0.0, "p99-spread": 0.1} | level | _NO_NOISE)
    ramp = Arrivals(model="ramp", rate=RATE, curve=((0.0, 50.0), (60.0, 150.0)))
    assert saturation_of(duet, Arrivals(rate=RATE)).growth["baseline"] > 0
    assert saturation_of(duet, ramp) == saturation(lasting_noise=0.0, pairs=12, rate=0.0)
    assert saturation_of(duet, ramp).advised_rate == 0.0


_NO_NOISE = {"request-mean": 0.0, "request-sd": 0.0}


def test_evidence_of_a_saturated_run_is_consistent() -> None:
    """Honest evidence of an overloaded run is accepted; the same numbers with a pass are a contradiction."""
    policy = policy_of()
    judge, run = run_of(1.3, 1.3, 10, exponential=False)
    total = tally((judge, run), policy)
    usual = latency_evidence()
    assert isinstance(usual.details, LatencyDetails)
    details = msgspec.structs.replace(
        usual.details,
        settings=msgspec.structs.replace(usual.details.settings, arrivals=policy.arrivals, margins=policy.margins),
        judged_per_arm=total.requests,
        duet=run_details.duet_details(total, policy, extended=False),
    )
    honest = judge_tally(total, policy)
    outcome, code, reason = conclude(honest)
    assert code == "saturation"
    evidence = msgspec.structs.replace(
        usual, findings=honest, details=details, outcome=outcome, reason_code=code, reason=reason
    )
    assert list(evidence_contradictions(evidence, None)) == []
    forged = [msgspec.structs.replace(f, outcome=Outcome.PASS) for f in honest if f.id != "saturation"]
    outcome, code, reason = conclude(forged)
    evidence = msgspec.structs.replace(evidence, findings=forged, outcome=outcome, reason_code=code, reason=reason)
    assert any("saturation" in problem for problem in evidence_contradictions(evidence, None))
