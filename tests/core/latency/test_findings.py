"""Findings of a latency run: quantiles, error ratio, guards, and what a guard takes back."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ghmlops.core.details.latency import FailureKind
from ghmlops.core.latency import details as latency_evidence
from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.latency.duet import BLOCK
from ghmlops.core.latency.findings import error_finding, judge_run
from ghmlops.core.latency.stopping import Block, Judge, make_plan
from ghmlops.core.latency.tally import Run, Tally, tally_of
from ghmlops.core.latency.tally_file import pack
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.latency import Arrivals, Latency, LatencyMargin
from ghmlops.core.policy.objectives import Objectives

POLICY = Latency(arrivals=Arrivals(model="constant", rate=100.0, duration=60.0, warmup=1.0))


def arm(n: int, seconds: float = 0.01, kind: Kind = Kind.OK, bad: int = 0) -> Answers:
    scheduled = np.arange(n) / 100
    kinds = np.zeros(n, np.uint8)
    kinds[:bad] = kind
    status = np.where(kinds == Kind.STATUS, 503, 200).astype(np.uint16)
    done = scheduled + seconds
    return Answers(scheduled=scheduled, sent=scheduled + 1e-4, first=done, done=done, status=status, kind=kinds)


def judged(candidate: Answers, baseline: Answers | None, policy: Latency = POLICY) -> tuple[Judge, Run]:
    """Feed the blocks of both arms to a judge until it stops; return it with what it has seen."""
    judge = Judge(policy, make_plan(policy, 1, paired=baseline is not None))
    stop = 0
    for start in range(0, len(candidate), BLOCK):
        stop = min(start + BLOCK, len(candidate))
        part = baseline.part(start, stop) if baseline is not None else None
        if not judge.feed(Block(candidate=candidate.part(start, stop), baseline=part)):
            break
    seen = candidate.part(0, stop)
    run = Run(
        candidate=seen,
        baseline=baseline.part(0, stop) if baseline is not None else None,
        dispatched=seen.scheduled + 5e-5,
    )
    return judge, run


def findings(run: tuple[Judge, Run], policy: Latency = POLICY) -> dict[str, Finding]:
    judge, seen = run
    plan = make_plan(policy, 1, paired=seen.baseline is not None)
    return {f.id: f for f in judge_run(judge, seen, policy, plan)}


def summed(run: tuple[Judge, Run], policy: Latency = POLICY) -> Tally:
    """The tally of what was judged."""
    judge, seen = run
    return tally_of(judge, seen, policy, make_plan(policy, 1, paired=seen.baseline is not None))


def errors_of(baseline: Answers, candidate: Answers) -> Finding:
    """The finding on failed requests of a run that takes all of these."""
    run = Run(candidate=candidate, baseline=baseline, dispatched=candidate.scheduled)
    tally = summed((Judge(POLICY, make_plan(POLICY, 1, paired=True)), run))
    assert tally.baseline is not None
    return error_finding(tally, tally.baseline)


def outcomes(run: tuple[Judge, Run]) -> dict[str, str]:
    return {name: f.outcome.value for name, f in findings(run).items()}


def test_equal_arms_pass_everything() -> None:
    """All quantiles, the error ratio and all guards pass, and each says its numbers."""
    found = findings(judged(arm(6000), arm(6000)))
    expected = ["latency-p50", "latency-p95", "latency-p99", "error-ratio"]
    assert [*expected, "guard-lateness", "guard-data", "guard-split"] == list(found)
    assert {Outcome.PASS} == {f.outcome for f in found.values()}
    p99 = found["latency-p99"]
    assert pytest.approx([p99.baseline, p99.candidate]) == [10.0, 10.0]
    assert (p99.margin, p99.unit) == (0.05, "ratio")
    assert p99.change is not None
    assert pytest.approx(p99.change.estimate, abs=1e-9) == 0.0
    assert p99.change.high is not None
    assert p99.change.high < 0.2
    assert "p99 of the candidate is +0.0% against the baseline, at most" in p99.reason


def test_slower_fails_with_the_numbers() -> None:
    """30 % slower: each quantile fails with an interval beyond its margin, in the reason too."""
    found = findings(judged(arm(6000, 0.013), arm(6000)))
    for name, margin in (("p50", 0.02), ("p95", 0.03), ("p99", 0.05)):
        finding = found[f"latency-{name}"]
        assert finding.outcome == Outcome.FAIL
        assert finding.change is not None
        assert finding.change.low is not None
        assert margin < finding.change.low < 0.3
        assert f"{name} of the candidate is +30.0% against the baseline, at least" in finding.reason
        assert "beyond the margin" in finding.reason


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    """Two pairs planned and two in reserve can decide nothing."""
    policy = msgspec.structs.replace(POLICY, arrivals=Arrivals(model="constant", rate=100.0, duration=5.0))
    found = findings(judged(arm(1000, 0.013), arm(1000), policy), policy)
    assert {Outcome.INCONCLUSIVE} == {found[f"latency-{q}"].outcome for q in ("p50", "p95", "p99")}
    assert "a pass needs at least 1,250 requests an arm, a failure 2,250; 1,000 are planned at most" in (
        found["latency-p50"].reason
    )


def test_undecided_is_inconclusive() -> None:
    """Exactly between two close margins for the whole plan and its extension: neither pass nor fail."""
    close = dict.fromkeys(POLICY.margins, LatencyMargin(fail=0.0999, safe=0.1001))
    policy = msgspec.structs.replace(POLICY, margins=close)
    judge, run = judged(arm(12_000, 0.011), arm(12_000), policy)
    found = findings((judge, run), policy)["latency-p50"]
    assert (judge.judged, judge.extended) == (12_000, True)
    assert found.outcome == Outcome.INCONCLUSIVE
    assert "shown neither beyond the margin of 9.99% nor within the safe 10.01%" in found.reason


@pytest.mark.parametrize(
    ("baseline_bad", "candidate_bad", "expected"),
    [(0, 0, "pass"), (0, 8, "pass"), (0, 9, "fail"), (9, 0, "pass"), (0, 100, "fail")],
)
def test_error_ratio(baseline_bad: int, candidate_bad: int, expected: str) -> None:
    """Nine failures on the candidate alone are beyond chance; the same on the baseline alone are no harm."""
    found = errors_of(arm(2500, bad=baseline_bad, kind=Kind.STATUS), arm(2500, bad=candidate_bad, kind=Kind.RESET))
    assert expected == found.outcome.value
    assert f"{candidate_bad:,} of 2,500 requests failed on the candidate alone" in found.reason


def test_error_ratio_needs_data() -> None:
    """A hundred clean pairs cannot show that at most 1 % more fail; none at all show nothing."""
    assert errors_of(arm(100), arm(100)).outcome == Outcome.INCONCLUSIVE
    assert errors_of(arm(0), arm(0)).outcome == Outcome.INCONCLUSIVE


def test_failures_on_the_same_payloads_are_no_harm() -> None:
    """Both arms refuse the same 5 % of the payloads: the candidate is not to blame."""
    both = arm(6000, bad=300, kind=Kind.STATUS)
    assert errors_of(both, both).outcome == Outcome.PASS


def test_a_candidate_that_fails_everything_fails() -> None:
    """Only 500s from the candidate: `fail` by the error ratio, nothing passes by default, and no guard hides it."""
    found = outcomes(judged(arm(6000, bad=6000, kind=Kind.STATUS), arm(6000)))
    assert (found["error-ratio"], found["guard-data"]) == ("fail", "pass")
    assert {"inconclusive"} == {found[f"latency-{q}"] for q in ("p50", "p95", "p99")}


@pytest.mark.parametrize("candidate_bad", [0, 6000])
def test_a_dead_baseline_is_an_error(candidate_bad: int) -> None:
    """Without answers of the baseline there is nothing to compare with: `error`, and no finding passes."""
    found = outcomes(judged(arm(6000, bad=candidate_bad, kind=Kind.REFUSED), arm(6000, bad=6000, kind=Kind.REFUSED)))
    assert found["guard-data"] == "error"
    assert "pass" not in {v for k, v in found.items() if not k.startswith("guard-")}


def test_nothing_measured_is_an_error() -> None:
    """No completed block at all."""
    found = outcomes(judged(arm(0), arm(0)))
    assert found["guard-data"] == "error"


def test_late_generator_takes_every_judgement_back() -> None:
    """2 % of the sends 20 ms late: `error`, and what looked like a failure is no verdict."""
    judge, run = judged(arm(6000, 0.013), arm(6000))
    late = run.dispatched.copy()
    late[::50] += 0.02
    found = findings((judge, replace(run, dispatched=late)))
    assert found["guard-lateness"].outcome == Outcome.ERROR
    assert "the generator was the limit: 2.00% of the requests" in found["guard-lateness"].reason
    assert found["latency-p50"].outcome == Outcome.INCONCLUSIVE
    assert "Not judged, because guard-lateness tripped: p50 of" in found["latency-p50"].reason


def test_half_a_percent_late_is_fine() -> None:
    """Fewer than 1 % late sends do not trip the guard."""
    judge, run = judged(arm(6000), arm(6000))
    late = run.dispatched.copy()
    late[::200] += 0.02
    assert findings((judge, replace(run, dispatched=late)))["guard-lateness"].outcome == Outcome.PASS


@pytest.mark.parametrize(("stall", "expected"), [(slice(100, 130), "pass"), (slice(100, 400), "error")])
def test_one_pause_of_the_machine_is_no_fault(stall: slice, expected: str) -> None:
    """Thirty late requests in one block of six (2 %) are a pause that both arms saw; three hundred are too many."""
    judge, run = judged(arm(6000), arm(6000))
    late = run.dispatched.copy()
    late[stall] += 0.05
    assert expected == findings((judge, replace(run, dispatched=late)))["guard-lateness"].outcome.value


def test_a_generator_as_slow_as_the_service_is_an_error() -> None:
    """A median lateness of 4 ms would hide half of a difference between services of 10 ms."""
    judge, run = judged(arm(6000), arm(6000))
    found = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.004)))
    assert found["guard-lateness"].outcome == Outcome.ERROR
    assert "more than a quarter of the median response time" in found["guard-lateness"].reason


@pytest.mark.parametrize(("late", "expected"), [(0.0009, "pass"), (0.0011, "error")])
def test_less_than_a_millisecond_late_is_always_fine(late: float, expected: str) -> None:
    """Services of 0.2 ms can be judged: a median lateness within 1 ms never trips the guard, beyond it does."""
    judge, run = judged(arm(6000, 2e-4), arm(6000, 2e-4))
    found = findings((judge, replace(run, dispatched=run.candidate.scheduled + late)))
    assert expected == found["guard-lateness"].outcome.value


def test_without_a_baseline_the_median_lateness_does_not_trip() -> None:
    """Lateness is within the response time that the objectives judge, so it hides nothing there."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.1}))
    judge, run = judged(arm(6000), None, policy)
    found = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.004)), policy)
    assert (found["guard-lateness"].outcome, found["objective-p99"].outcome) == (Outcome.PASS, Outcome.PASS)


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.STATUS, 0.001), (Kind.TIMEOUT, 2.0)])
def test_a_dead_candidate_fails_whatever_the_median_lateness(kind: Kind, seconds: float) -> None:
    """Only 500s, or only time-outs: the candidate is to blame, not a generator 2 ms behind."""
    judge, run = judged(arm(6000, seconds, bad=6000, kind=kind), arm(6000, 0.001))
    found = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.002)))
    assert (found["guard-lateness"].outcome, found["error-ratio"].outcome) == (Outcome.PASS, Outcome.FAIL)


def test_split_off_is_an_error() -> None:
    """The generator's machine kept 60 requests from one arm: the arms are not comparable."""
    judge, run = judged(arm(6000), arm(6000))
    n = len(run.candidate)
    even = findings((judge, run))["guard-split"]
    assert (Outcome.PASS, 2 * n) == (even.outcome, even.n)
    kinds = run.candidate.kind.copy()
    kinds[: n // 4] = Kind.LOCAL
    off = findings((judge, replace(run, candidate=replace(run.candidate, kind=kinds))))["guard-split"]
    assert off.outcome == Outcome.ERROR
    assert "the arms did not get the same load" in off.reason


def test_requests_never_sent_are_an_error() -> None:
    """A run that had to be ended before its schedule did says so."""
    judge, run = judged(arm(6000), arm(6000))
    kinds = run.candidate.kind.copy()
    kinds[-3:] = Kind.UNSENT
    found = findings((judge, replace(run, candidate=replace(run.candidate, kind=kinds))))
    assert found["guard-data"].outcome == Outcome.ERROR
    assert "3 requests were never sent" in found["guard-data"].reason


def test_objectives_alone() -> None:
    """Without a baseline there are objectives and two guards, and no quantile finding."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.1}, errors=0.01))
    found = findings(judged(arm(6000), None, policy), policy)
    assert list(found) == ["objective-p99", "objective-errors", "guard-lateness", "guard-data"]
    assert {Outcome.PASS} == {f.outcome for f in found.values()}


def test_measurements_hold_answers_only() -> None:
    """Percentiles are over whole answers in ms; p99.9 is null below 6,636 of them; without answers all is null."""
    judge, run = judged(arm(6000, bad=10, kind=Kind.CLOSED), None)
    by_id = {m.id: m for m in latency_evidence.measurements(summed((judge, run)))}
    assert list(by_id) == ["response-time", "service-time", "lateness"]
    response = by_id["response-time"]
    assert ("candidate", "ms", len(run.candidate) - 10) == (response.arm, response.unit, response.n)
    assert list(response.values) == ["mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    assert (response.values["p99"], response.values["p99.9"]) == (10.0, None)
    assert {0.1} == {v for v in by_id["lateness"].values.values() if v is not None}
    dead = summed(judged(arm(250, bad=250, kind=Kind.REFUSED), None))
    assert {None} == set(latency_evidence.measurements(dead)[0].values.values())


def test_failures_are_told_by_kind_with_an_example() -> None:
    """Counts of the judged requests, statuses by code, and one example a kind."""
    run = summed(judged(arm(500, bad=7, kind=Kind.STATUS), None))
    told = latency_evidence.failure_details(run, {"candidate": {"status": "HTTP/1.1 503 X oops"}})
    status = FailureKind(count=7, example="HTTP/1.1 503 X oops", codes={"503": 7})
    assert {"candidate": {"status": status}} == told


def test_not_measured_names_what_is_missing() -> None:
    """No baseline, no objectives, too few for p99.9, failed requests, a duration beyond 72 pairs: each is listed."""
    alone = summed(judged(arm(500, bad=7, kind=Kind.STATUS), None))
    what = [n.what for n in latency_evidence.not_measured(alone, POLICY)]
    assert what == [
        "latency against a baseline",
        "objectives on the candidate",
        "p99.9 of the candidate",
        "response times of 7 requests",
    ]
    long = msgspec.structs.replace(POLICY, arrivals=Arrivals(model="constant", rate=200.0, duration=100.0))
    both = summed(judged(arm(500), arm(500), long), long)
    listed = latency_evidence.not_measured(both, long)
    assert "2,000 requests of the policy's duration" in [n.what for n in listed]


def test_evidence_is_json_without_nan() -> None:
    """Everything that a run leaves can be written as JSON, also when nothing was answered."""
    for pair in (judged(arm(6000), arm(6000)), judged(arm(0), arm(0))):
        tally = summed(pair)
        assert msgspec.json.encode(latency_evidence.duet_details(tally, POLICY, extended=False))
        told = [list(findings(pair).values()), latency_evidence.generator_details(tally), pack(tally)]
        encoded = msgspec.json.encode(told)
        assert b"NaN" not in encoded
        assert b"Infinity" not in encoded
