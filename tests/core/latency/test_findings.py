"""Findings of a latency run: quantiles against the baseline, failed requests, and what is inconclusive."""

from __future__ import annotations

import re

import msgspec
import pytest

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.findings import error_finding
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.stopping import Judge, make_plan
from ghmlops.core.latency.tally import Run
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.latency import Arrivals, LatencyMargin
from ghmlops.core.policy.objectives import Objectives
from latency_runs import POLICY, arm, findings, judge_blocks, outcomes, tally


def error_finding_of(baseline: Answers, candidate: Answers) -> Finding:
    """Return the finding on failed requests of a run with all of these requests."""
    run = Run(candidate=candidate, baseline=baseline, dispatched=candidate.scheduled)
    total = tally((Judge(POLICY, make_plan(POLICY, 1, paired=True)), run))
    assert total.baseline is not None
    return error_finding(total, total.baseline)


def numbers(reason: str) -> list[str]:
    """Return the numbers of a sentence, with thousands separators removed."""
    return re.findall(r"[-+]?\d+(?:\.\d+)?", reason.replace(",", ""))


def test_equal_arms_pass_everything() -> None:
    """All quantiles, the error ratio and all guards pass, with their numbers."""
    by_id = findings(judge_blocks(arm(6000), arm(6000)))
    expected = ["latency-p50", "latency-p95", "latency-p99", "error-ratio"]
    assert [*expected, "guard-lateness", "guard-data", "guard-split"] == list(by_id)
    assert {Outcome.PASS} == {f.outcome for f in by_id.values()}
    p99 = by_id["latency-p99"]
    assert pytest.approx([p99.baseline, p99.candidate]) == [10.0, 10.0]
    assert (p99.margin, p99.unit) == (0.05, "ratio")
    assert p99.change is not None
    assert pytest.approx(p99.change.estimate, abs=1e-9) == 0.0
    assert p99.change.high is not None
    assert p99.change.high < 0.2
    # The reason contains the quantile, the change, its bound, the safe limit and the number of requests.
    assert numbers(p99.reason)[:3] == ["99", "10", "+0.0"]
    assert f"{100 * p99.change.high:+.1f} %" in p99.reason
    assert "20 %" in p99.reason


def test_a_slower_candidate_fails_with_the_numbers() -> None:
    """+30 %: p50 and p95 fail with an interval beyond their margin, and the reason contains both times and bounds.

    The run stops at nine pairs, one before the p99 alone would fail.
    """
    judge, run = judge_blocks(arm(6000, 0.013), arm(6000))
    by_id = findings((judge, run))
    assert (judge.duet.decided_at, by_id["latency-p99"].outcome) == (9, Outcome.INCONCLUSIVE)
    for name, margin in (("p50", 0.02), ("p95", 0.03)):
        finding = by_id[f"latency-{name}"]
        assert finding.outcome == Outcome.FAIL
        assert finding.change is not None
        assert finding.change.low is not None
        assert margin < finding.change.low < 0.3
        low, requests = f"{100 * finding.change.low:+.1f}", str(judge.duet.decided_at * BLOCK_SIZE)
        assert numbers(finding.reason) == [name[1:], "10", "13", "+30.0", low, f"{100 * margin:.0f}", requests]


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    """Two planned pairs of blocks and an extension of two cannot decide; the reason contains the required numbers."""
    policy = msgspec.structs.replace(POLICY, arrivals=Arrivals(model="constant", rate=100.0, duration=5.0))
    by_id = findings(judge_blocks(arm(1000, 0.013), arm(1000), policy), policy)
    assert {Outcome.INCONCLUSIVE} == {by_id[f"latency-{q}"].outcome for q in ("p50", "p95", "p99")}
    assert numbers(by_id["latency-p50"].reason) == ["50", "1000", "1250", "2250"]


def test_an_undecided_run_is_inconclusive() -> None:
    """A ratio exactly between two close limits is neither a pass nor a failure after the plan and its extension."""
    close = dict.fromkeys(POLICY.margins, LatencyMargin(fail=0.0999, safe=0.1001))
    policy = msgspec.structs.replace(POLICY, margins=close)
    judge, run = judge_blocks(arm(12_000, 0.011), arm(12_000), policy)
    finding = findings((judge, run), policy)["latency-p50"]
    assert (judge.judged, judge.extended) == (12_000, True)
    assert finding.outcome == Outcome.INCONCLUSIVE
    assert numbers(finding.reason)[-3:] == ["9.99", "10.01", "12000"]


@pytest.mark.parametrize(
    ("baseline_failures", "candidate_failures", "expected"),
    [(0, 0, "pass"), (0, 8, "pass"), (0, 9, "fail"), (9, 0, "pass"), (0, 100, "fail")],
)
def test_error_ratio(baseline_failures: int, candidate_failures: int, expected: str) -> None:
    """Nine failures on the candidate only exceed chance; nine on the baseline only are not a regression."""
    baseline = arm(2500, failures=baseline_failures, kind=Kind.STATUS)
    finding = error_finding_of(baseline, arm(2500, failures=candidate_failures, kind=Kind.RESET))
    assert expected == finding.outcome.value
    assert numbers(finding.reason)[:3] == [str(candidate_failures), "2500", str(baseline_failures)]


def test_the_error_ratio_requires_data() -> None:
    """A hundred pairs without failures cannot show that at most 1 % more fail; without pairs nothing is shown."""
    assert error_finding_of(arm(100), arm(100)).outcome == Outcome.INCONCLUSIVE
    assert error_finding_of(arm(0), arm(0)).outcome == Outcome.INCONCLUSIVE


def test_failures_on_the_same_payloads_are_not_a_regression() -> None:
    """If both arms reject the same 5 % of the payloads, the error ratio passes."""
    both = arm(6000, failures=300, kind=Kind.STATUS)
    assert error_finding_of(both, both).outcome == Outcome.PASS


def test_a_candidate_that_fails_every_request_fails() -> None:
    """Only 500s from the candidate: the error ratio fails, no quantile passes, and no guard hides the failure."""
    by_id = outcomes(judge_blocks(arm(6000, failures=6000, kind=Kind.STATUS), arm(6000)))
    assert (by_id["error-ratio"], by_id["guard-data"]) == ("fail", "pass")
    assert {"inconclusive"} == {by_id[f"latency-{q}"] for q in ("p50", "p95", "p99")}


def test_objectives_alone() -> None:
    """Without a baseline there are objectives and two guards, but no quantile finding."""
    policy = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.1}, errors=0.01))
    by_id = findings(judge_blocks(arm(6000), None, policy), policy)
    assert list(by_id) == ["objective-p99", "objective-errors", "guard-lateness", "guard-data"]
    assert {Outcome.PASS} == {f.outcome for f in by_id.values()}
