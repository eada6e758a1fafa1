"""Guards of a latency run: lateness, missing data, uneven load, and the findings that they withdraw."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from ghmlops.core.latency.kind import Kind
from ghmlops.core.model import Outcome
from ghmlops.core.policy.objectives import Objectives
from latency_runs import POLICY, arm, findings, judge_blocks, outcomes


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


@pytest.mark.parametrize(
    ("stolen", "late_share", "expected"),
    [(0.0, 0.0, "fail"), (0.01, 0.0, "fail"), (0.02, 0.0, "inconclusive"), (0.0, 0.008, "inconclusive")],
)
def test_a_noisy_machine_makes_a_failed_objective_inconclusive(stolen: float, late_share: float, expected: str) -> None:
    """Two percent of stolen CPU time, or 0.8 % of paused sends; the paired verdict, which suffers alike, stands."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.005, "p50": 1.0}))
    judge, run = judge_blocks(arm(6000), arm(6000), policy)
    dispatched = run.dispatched.copy()
    dispatched[: int(late_share * len(dispatched))] += 0.02
    by_id = findings((judge, replace(run, dispatched=dispatched, stolen=stolen)), policy)
    (failed,) = [f for f in by_id.values() if f.id.startswith("objective") and "p99" in f.id]
    (other,) = [f for f in by_id.values() if f.id.startswith("objective") and "p50" in f.id]
    assert (failed.outcome.value, other.outcome.value) == (expected, "pass")
    assert by_id["guard-lateness"].outcome == Outcome.PASS
    assert by_id["latency-p50"].outcome == Outcome.PASS
    assert ("Not judged" in failed.reason) == (expected == "inconclusive")
