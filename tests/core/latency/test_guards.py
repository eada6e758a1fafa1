"""Guards of a latency run: lateness, missing data, uneven load, and the findings that they withdraw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ghmlops.core.latency.kind import Kind
from ghmlops.core.model import Outcome
from ghmlops.core.policy.objectives import Objectives
from latency_runs import POLICY, arm, findings, judge_blocks, outcomes

if TYPE_CHECKING:
    from ghmlops.core.latency.answers import Answers


@pytest.mark.parametrize("candidate_failures", [0, 6000])
def test_a_baseline_without_responses_is_an_error(candidate_failures: int) -> None:
    """Without responses of the baseline there is no comparison: `error`, and no finding passes."""
    candidate = arm(6000, failures=candidate_failures, kind=Kind.REFUSED)
    by_id = outcomes(judge_blocks(candidate, arm(6000, failures=6000, kind=Kind.REFUSED)))
    assert by_id["guard-data"] == "error"
    assert "pass" not in {v for k, v in by_id.items() if not k.startswith("guard-")}


def test_a_run_without_blocks_is_an_error() -> None:
    """A run without a completed block measured nothing."""
    assert outcomes(judge_blocks(arm(0), arm(0)))["guard-data"] == "error"


def test_a_late_generator_withdraws_every_judgement() -> None:
    """If 2 % of the sends are 20 ms late, the guard is an error, and a failure becomes inconclusive."""
    judge, run = judge_blocks(arm(6000, 0.013), arm(6000))
    late = run.dispatched.copy()
    late[::50] += 0.02
    by_id = findings((judge, replace(run, dispatched=late)))
    assert by_id["guard-lateness"].outcome == Outcome.ERROR
    assert "2.00 %" in by_id["guard-lateness"].reason
    assert by_id["latency-p50"].outcome == Outcome.INCONCLUSIVE
    assert "guard-lateness" in by_id["latency-p50"].reason


def test_half_a_percent_of_late_sends_is_accepted() -> None:
    """Fewer than 1 % late sends do not violate the guard."""
    judge, run = judge_blocks(arm(6000), arm(6000))
    late = run.dispatched.copy()
    late[::200] += 0.02
    assert findings((judge, replace(run, dispatched=late)))["guard-lateness"].outcome == Outcome.PASS


@pytest.mark.parametrize(("pause", "expected"), [(slice(100, 130), "pass"), (slice(100, 400), "error")])
def test_a_single_pause_of_the_machine_is_accepted(pause: slice, expected: str) -> None:
    """Thirty late requests in one block of six (2 %) affect both arms equally; three hundred are too many."""
    judge, run = judge_blocks(arm(6000), arm(6000))
    late = run.dispatched.copy()
    late[pause] += 0.05
    assert expected == findings((judge, replace(run, dispatched=late)))["guard-lateness"].outcome.value


def test_a_generator_as_slow_as_the_service_is_an_error() -> None:
    """A median lateness of 4 ms would hide half of a difference between services of 10 ms."""
    judge, run = judge_blocks(arm(6000), arm(6000))
    guard = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.004)))["guard-lateness"]
    assert guard.outcome == Outcome.ERROR
    assert "4.00 ms" in guard.reason
    assert "2.50 ms" in guard.reason


@pytest.mark.parametrize(("late", "expected"), [(0.0009, "pass"), (0.0011, "error")])
def test_a_median_lateness_below_a_millisecond_is_accepted(late: float, expected: str) -> None:
    """Services of 0.2 ms can be judged: a median lateness within 1 ms does not violate the guard, a larger one does."""
    judge, run = judge_blocks(arm(6000, 2e-4), arm(6000, 2e-4))
    by_id = findings((judge, replace(run, dispatched=run.candidate.scheduled + late)))
    assert expected == by_id["guard-lateness"].outcome.value


def test_without_a_baseline_the_median_lateness_is_accepted() -> None:
    """Lateness is part of the response time that the objectives judge, so it hides nothing there."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.1}))
    judge, run = judge_blocks(arm(6000), None, policy)
    by_id = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.004)), policy)
    assert (by_id["guard-lateness"].outcome, by_id["objective-p99"].outcome) == (Outcome.PASS, Outcome.PASS)


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.STATUS, 0.001), (Kind.TIMEOUT, 2.0)])
def test_a_failing_candidate_fails_whatever_the_median_lateness(kind: Kind, seconds: float) -> None:
    """Only 500s, or only timeouts: the candidate is the cause, not a generator that is 2 ms late."""
    judge, run = judge_blocks(arm(6000, seconds, failures=6000, kind=kind), arm(6000, 0.001))
    by_id = findings((judge, replace(run, dispatched=run.candidate.scheduled + 0.002)))
    assert (by_id["guard-lateness"].outcome, by_id["error-ratio"].outcome) == (Outcome.PASS, Outcome.FAIL)


def test_uneven_load_is_an_error() -> None:
    """If the generator could not send a quarter of one arm's requests, the arms are not comparable."""
    judge, run = judge_blocks(arm(6000), arm(6000))
    n = len(run.candidate)
    even = findings((judge, run))["guard-split"]
    assert (Outcome.PASS, 2 * n) == (even.outcome, even.n)
    kinds = run.candidate.kind.copy()
    kinds[: n // 4] = Kind.LOCAL
    uneven = findings((judge, replace(run, candidate=replace(run.candidate, kind=kinds))))["guard-split"]
    assert uneven.outcome == Outcome.ERROR
    assert f"{n:,}" in uneven.reason
    assert f"{n - n // 4:,}" in uneven.reason


def test_requests_that_were_not_sent_are_an_error() -> None:
    """A run that ended before its schedule reports the number of unsent requests."""
    judge, run = judge_blocks(arm(6000), arm(6000))
    kinds = run.candidate.kind.copy()
    kinds[-3:] = Kind.UNSENT
    guard = findings((judge, replace(run, candidate=replace(run.candidate, kind=kinds))))["guard-data"]
    assert guard.outcome == Outcome.ERROR
    assert guard.reason.startswith("3 requests ")


def slow_answers(share: float) -> Answers:
    """Return 6,000 answers of 10 ms, of which `share`, spread evenly, took 60 ms."""
    answers = arm(6000)
    times = np.where((np.arange(6000) * share) % 1 < share, 0.06, 0.01)
    return replace(answers, first=answers.scheduled + times, done=answers.scheduled + times)


@pytest.mark.parametrize(
    ("slow", "stolen", "late_share", "expected"),
    [
        (0.05, 0.0, 0.0, "fail"),
        (0.05, 0.01, 0.0, "fail"),
        (0.05, 0.02, 0.0, "inconclusive"),
        (0.05, 0.0, 0.008, "inconclusive"),
        (0.5, 0.02, 0.008, "fail"),  # 28 % of the requests are excused; 22 % of slow ones remain
        (1.0, 0.05, 0.0, "fail"),
        (0.5, 0.05, 0.0, "inconclusive"),
    ],
)
def test_a_noisy_machine_excuses_what_its_pauses_can_explain(
    slow: float, stolen: float, late_share: float, expected: str
) -> None:
    """Pauses and stolen CPU time excuse ten times their share of slow requests, and no more.

    The paired verdict, in which both arms suffer alike, stands.
    """
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.05, "p50": 1.0}))
    judge, run = judge_blocks(slow_answers(slow), slow_answers(slow), policy)
    dispatched = run.dispatched.copy()
    dispatched[: int(late_share * len(dispatched))] += 0.02
    by_id = findings((judge, replace(run, dispatched=dispatched, stolen=stolen)), policy)
    (failed,) = [f for f in by_id.values() if f.id.startswith("objective") and "p99" in f.id]
    (other,) = [f for f in by_id.values() if f.id.startswith("objective") and "p50" in f.id]
    assert (failed.outcome.value, other.outcome.value) == (expected, "pass")
    assert by_id["guard-lateness"].outcome == Outcome.PASS
    assert by_id["latency-p50"].outcome == Outcome.PASS
    assert ("Not judged" in failed.reason) == (expected == "inconclusive")


@pytest.mark.parametrize(("kind", "expected"), [(Kind.STATUS, "fail"), (Kind.TIMEOUT, "inconclusive")])
def test_a_noisy_machine_excuses_time_outs_and_no_other_failure(kind: Kind, expected: str) -> None:
    """Four percent of the requests fail while 2 % of the CPU time is stolen: that lets times run out, nothing else."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(errors=0.01))
    kinds = np.where(np.arange(6000) % 25, Kind.OK, kind).astype(np.uint8)
    answers = replace(arm(6000), kind=kinds, status=np.where(kinds == Kind.STATUS, 503, 200).astype(np.uint16))
    judge, run = judge_blocks(answers, answers, policy)
    finding = findings((judge, replace(run, stolen=0.02)), policy)["objective-errors"]
    assert finding.outcome.value == expected
