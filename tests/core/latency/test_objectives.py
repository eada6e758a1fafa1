"""Objectives on the candidate alone: sample floors, exact bounds, failed requests, streams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import UNSET
from scipy import stats

from ghmlops.core.latency.answers import Answers, Tokens
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import (
    Share,
    judge_share,
    misses,
    objective_findings,
    reachable_floors,
    sample_floor,
    shares,
)
from ghmlops.core.model import Outcome
from ghmlops.core.policy.objectives import Objectives


def answers_of(times: list[float], kinds: list[Kind] | None = None) -> Answers:
    n = len(times)
    zero = np.zeros(n)
    kind = np.array([int(k) for k in kinds or [Kind.OK] * n], np.uint8)
    return Answers(
        scheduled=zero, sent=zero, first=zero, done=np.array(times), status=np.full(n, 200, np.uint16), kind=kind
    )


@pytest.mark.parametrize(("share", "floor"), [(0.5, 11), (0.1, 64), (0.05, 130), (0.01, 662), (0.001, 6636)])
def test_sample_floors(share: float, floor: int) -> None:
    """The floor is the smallest n at which one request over the limit still passes: 64 for p90, 662 for p99."""
    assert floor == sample_floor(share)
    assert float(stats.binom.cdf(1, floor, share)) <= 0.01 < float(stats.binom.cdf(1, floor - 1, share))


@pytest.mark.parametrize(
    ("count", "n", "allowed", "expected"),
    [
        (0, 662, 0.01, Outcome.PASS),
        (1, 662, 0.01, Outcome.PASS),
        (2, 662, 0.01, Outcome.INCONCLUSIVE),
        (0, 661, 0.01, Outcome.INCONCLUSIVE),
        (40, 1500, 0.01, Outcome.FAIL),
        (15, 1500, 0.01, Outcome.INCONCLUSIVE),
        (100, 100, 0.001, Outcome.FAIL),
        (0, 0, 0.01, Outcome.INCONCLUSIVE),
        (0, 10**6, 0.0, Outcome.INCONCLUSIVE),
        (1, 10**6, 0.0, Outcome.FAIL),
        (0, 1000, 1.0, Outcome.PASS),
    ],
)
def test_outcomes_of_shares(count: int, n: int, allowed: float, expected: Outcome) -> None:
    """A pass requires the upper bound and the floor, a failure the lower bound; without data nothing passes."""
    assert expected == judge_share(count, n, allowed)


def test_false_pass_and_false_fail_are_rare() -> None:
    """At exactly the allowed share, a pass and a failure each occur in at most about 1 % of the samples."""
    rng = np.random.default_rng(1)
    outcomes = [judge_share(int(count), 2000, 0.01) for count in rng.binomial(2000, 0.01, 1000)]
    assert outcomes.count(Outcome.PASS) <= 20
    assert outcomes.count(Outcome.FAIL) <= 20


def test_failed_requests_miss_every_objective() -> None:
    """A fast 500 misses the objective on a quantile as well as that on errors; a slow response is not an error."""
    slo = Objectives(quantiles={"p99": 0.1}, errors=0.01)
    results = answers_of([0.01, 0.01, 0.5, 0.1], [Kind.OK, Kind.STATUS, Kind.OK, Kind.OK])
    assert misses(slo, results) == {"p99": Share(missed=2, n=4), "errors": Share(missed=1, n=4)}


def test_findings_contain_the_numbers() -> None:
    """Each objective gives one finding with its limit, its value, n, and a reason with the counts."""
    slo = Objectives(quantiles={"p90": 0.2, "p99.9": 0.2}, errors=0.01)
    first, second, third = objective_findings(slo, shares(slo, answers_of([0.1] * 999 + [0.3])))
    assert (first.id, first.outcome, first.margin, first.n) == ("objective-p90", Outcome.PASS, 200.0, 1000)
    assert pytest.approx(first.candidate, rel=1e-3) == 100.0
    assert first.reason.startswith("1 of 1,000 requests ")
    assert "`p90 <= 200 ms`" in first.reason
    assert (second.id, second.outcome) == ("objective-p99-9", Outcome.INCONCLUSIVE)
    assert "6,636 requests" in second.reason
    assert (third.id, third.outcome, third.margin, third.candidate) == ("objective-errors", Outcome.PASS, 0.01, 0.0)


def test_a_quantile_among_failures_has_no_value() -> None:
    """If more than 1 % failed there is no p99: the finding fails, and its value is null, never infinite."""
    slo = Objectives(quantiles={"p99": 1.0})
    (finding,) = objective_findings(slo, shares(slo, answers_of([0.1] * 1000, [Kind.OK] * 900 + [Kind.CLOSED] * 100)))
    assert (finding.outcome, finding.candidate) == (Outcome.FAIL, None)


def test_an_objective_of_zero_explains_the_fix() -> None:
    """No sample can show `errors: 0`; the reason suggests a small share instead."""
    slo = Objectives(errors=0.0)
    (finding,) = objective_findings(slo, shares(slo, answers_of([0.1] * 5000)))
    assert finding.outcome == Outcome.INCONCLUSIVE
    assert "0.1 %" in finding.reason


def test_without_requests_nothing_passes() -> None:
    """Without a request both kinds of objective are inconclusive."""
    slo = Objectives(quantiles={"p50": 1.0}, errors=0.5)
    assert [f.outcome for f in objective_findings(slo, shares(slo, answers_of([])))] == [Outcome.INCONCLUSIVE] * 2


def test_only_reachable_floors_extend_a_run() -> None:
    """A plan of 1,000 requests can reach the floor of p99, but not that of p99.9 or of no errors at all."""
    slo = Objectives(quantiles={"p99": 1.0, "p99.9": 1.0}, errors=0.0)
    assert reachable_floors(slo, 1000) == {"p99": 662}


def streamed(gaps: list[list[float]], *, first: float = 0.1, kinds: list[Kind] | None = None) -> Answers:
    """Return one response per list of gaps, its first token after `first` seconds; `[-1.0]` has no token."""
    n = len(gaps)
    counts = [0 if row == [-1.0] else len(row) + 1 for row in gaps]
    rows = [row if count else [] for row, count in zip(gaps, counts, strict=True)]
    flat = np.array([gap for row in rows for gap in row], np.float32)
    gap_of = np.repeat(np.arange(n), [len(row) for row in rows]).astype(np.uint32)
    start = np.where(np.array(counts) > 0, first, 0.0)
    tokens = Tokens(
        first=start,
        last=start + [sum(row) for row in rows],
        count=np.array(counts, np.uint32),
        gap=flat,
        gap_of=gap_of,
    )
    return replace(answers_of([5.0] * n, kinds), tokens=tokens)


def test_the_first_token_is_timed_from_the_schedule() -> None:
    """Late first tokens, responses without a token and failed requests miss it; every request is a trial."""
    slo = Objectives(first_token={"p95": 0.2})
    kinds = [Kind.OK, Kind.OK, Kind.STATUS]
    assert misses(slo, streamed([[0.01], [-1.0], [0.01]], kinds=kinds)) == {"first-token-p95": Share(missed=2, n=3)}
    assert misses(slo, streamed([[0.01]], first=0.21)) == {"first-token-p95": Share(missed=1, n=1)}


def test_gaps_are_judged_per_response() -> None:
    """A response misses by the quantile of its gaps, if it failed, or without a token; one token is no trial."""
    slo = Objectives(token_gap={"p50": 0.05, "p99": 0.05})
    gaps = [[0.01, 0.01, 0.2], [0.2, 0.2, 0.01], [0.01] * 5, [], [-1.0], [0.01]]
    kinds = [Kind.OK] * 5 + [Kind.CLOSED]
    shares_of = misses(slo, streamed(gaps, kinds=kinds))
    assert shares_of == {"token-gap-p50": Share(missed=3, n=5), "token-gap-p99": Share(missed=4, n=5)}


@pytest.mark.parametrize(("buffered", "n"), [(1, 100), (2, 1), (50, 1), (100, 1)])
def test_no_gap_is_judged_if_too_many_answers_arrived_all_at_once(buffered: int, n: int) -> None:
    """Beyond 1 % of such answers the gaps of the others stand for the run no more; failures still miss."""
    slo, gaps = Objectives(token_gap={"p50": 0.05}), [[0.01]] * 101
    answers = streamed(gaps, kinds=[Kind.CLOSED] + [Kind.OK] * 100)
    tokens = answers.tokens
    assert tokens is not None
    measured = tokens.gap_of <= 100 - buffered
    partial = replace(answers, tokens=replace(tokens, gap=tokens.gap[measured], gap_of=tokens.gap_of[measured]))
    assert misses(slo, partial) == {"token-gap-p50": Share(missed=1, n=n)}
    (finding,) = objective_findings(slo, shares(slo, partial))
    assert (finding.outcome is Outcome.PASS) == (n > 1)


def test_the_first_output_token_follows_the_reasoning() -> None:
    """Reasoning alone is no trial; without a separate time the first token is the first of output."""
    slo = Objectives(first_output_token={"p95": 0.2})
    answers = streamed([[0.01]] * 3)
    tokens = answers.tokens
    assert tokens is not None
    late = replace(answers, tokens=replace(tokens, first_output=np.array([0.1, 0.3, 0.0])))
    assert misses(slo, late) == {"first-output-token-p95": Share(missed=1, n=2)}
    assert misses(slo, answers) == {"first-output-token-p95": Share(missed=0, n=3)}


@pytest.mark.parametrize("longest", [0.04, 0.06])
def test_the_p99_of_two_hundred_gaps_may_pass_over_one(longest: float) -> None:
    """Of 200 gaps, two may be longer than the limit on the response's own p99."""
    slo = Objectives(token_gap={"p99": 0.05})
    by_name = misses(slo, streamed([[0.01] * 197 + [longest] + [9.0] * 2]))
    assert by_name["token-gap-p99"].missed == (longest > 0.05)


def test_findings_on_streams() -> None:
    """Ids and reasons name the objective; values are in ms."""
    slo = Objectives(first_token={"p95": 0.2}, token_gap={"p99": 0.05})
    first, gap = objective_findings(slo, shares(slo, streamed([[0.01, 0.02]] * 700)))
    assert (first.id, first.metric, first.outcome) == ("objective-first-token-p95", "first-token-p95", Outcome.PASS)
    assert first.reason.startswith("0 of 700 requests ")
    assert "`first token p95 <= 200 ms`" in first.reason
    assert (first.margin, first.unit) == (200.0, "ms")
    assert pytest.approx(first.candidate, rel=1e-3) == 100.0
    assert (gap.id, gap.outcome) == ("objective-token-gap-p99", Outcome.PASS)
    assert gap.reason.startswith("0 of 700 requests ")
    assert "`token gap p99 <= 50 ms`" in gap.reason
    assert pytest.approx(gap.candidate, rel=1e-3) == 20.0


def test_a_service_that_sends_everything_at_once_does_not_pass() -> None:
    """Responses of one token have no gap: inconclusive, never a pass; so are responses without a stream."""
    slo = Objectives(token_gap={"p99": 0.05}, first_token={"p99": 9.0})
    at_once = {f.id: f for f in objective_findings(slo, shares(slo, streamed([[]] * 1000)))}
    assert (at_once["objective-token-gap-p99"].outcome, at_once["objective-token-gap-p99"].n) == (
        Outcome.INCONCLUSIVE,
        0,
    )
    plain = objective_findings(slo, shares(slo, answers_of([0.1] * 1000)))
    assert [f.outcome for f in plain] == [Outcome.INCONCLUSIVE] * 2


def test_a_limit_that_the_baseline_misses_too_is_never_confirmed() -> None:
    """The objective stays failed and shows the value of the baseline; what the baseline meets can be the change."""
    slo = Objectives(quantiles={"p90": 0.15}, errors=0.01)
    slow = [Kind.OK] * 900 + [Kind.CLOSED] * 100
    candidate = shares(slo, answers_of([0.3] * 1000, slow))
    for times, kinds, confirmed in (([0.3] * 1000, slow, False), ([0.1] * 1000, [Kind.OK] * 1000, UNSET)):
        p90, errors = objective_findings(slo, candidate, shares(slo, answers_of(times, kinds)))
        assert (p90.outcome, errors.outcome) == (Outcome.FAIL, Outcome.FAIL)
        assert (p90.confirmed, errors.confirmed) == (confirmed, confirmed)
        assert p90.baseline == pytest.approx(times[0] * 1e3, rel=0.002)
        assert errors.baseline == pytest.approx(kinds.count(Kind.CLOSED) / 1000)
    (alone, _) = objective_findings(slo, candidate)
    assert (alone.baseline, alone.confirmed) == (None, UNSET)
    missed_by_failures = shares(slo, answers_of([0.1] * 1000, [Kind.OK] * 800 + [Kind.CLOSED] * 200))
    assert objective_findings(slo, candidate, missed_by_failures)[0].confirmed is False
