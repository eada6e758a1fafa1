"""Objectives on the candidate alone: sample floors, exact bounds, failed requests, and never a pass without data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.latency.answers import Answers, Kind, Tokens
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


def answers(times: list[float], kinds: list[Kind] | None = None) -> Answers:
    n = len(times)
    zero = np.zeros(n)
    kind = np.array([int(k) for k in kinds or [Kind.OK] * n], np.uint8)
    return Answers(
        scheduled=zero, sent=zero, first=zero, done=np.array(times), status=np.full(n, 200, np.uint16), kind=kind
    )


@pytest.mark.parametrize(("share", "floor"), [(0.5, 11), (0.1, 64), (0.05, 130), (0.01, 662), (0.001, 6636)])
def test_sample_floors(share: float, floor: int) -> None:
    """The floor is the first n at which one request over the limit still passes: 64 for p90, 662 for p99."""
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
def test_shares(count: int, n: int, allowed: float, expected: Outcome) -> None:
    """Pass by the upper bound above the floor, fail by the lower bound, else undecided; no data never passes."""
    assert expected == judge_share(count, n, allowed)


def test_false_pass_and_false_fail_are_rare() -> None:
    """At exactly the allowed share a pass and a fail each happen in at most about 1 % of samples."""
    rng = np.random.default_rng(1)
    seen = [judge_share(int(count), 2000, 0.01) for count in rng.binomial(2000, 0.01, 1000)]
    assert seen.count(Outcome.PASS) <= 20
    assert seen.count(Outcome.FAIL) <= 20


def test_failed_requests_miss_every_objective() -> None:
    """A fast 500 is over the limit of a quantile as well as an error; a slow answer is no error."""
    slo = Objectives(quantiles={"p99": 0.1}, errors=0.01)
    found = answers([0.01, 0.01, 0.5, 0.1], [Kind.OK, Kind.STATUS, Kind.OK, Kind.OK])
    assert misses(slo, found) == {"p99": Share(missed=2, n=4), "errors": Share(missed=1, n=4)}


def test_findings_say_the_numbers() -> None:
    """Each objective gives one finding with its limit, the value seen, n and a sentence with the counts."""
    slo = Objectives(quantiles={"p90": 0.2, "p99.9": 0.2}, errors=0.01)
    first, second, third = objective_findings(slo, shares(slo, answers([0.1] * 999 + [0.3])))
    assert (first.id, first.outcome, first.margin, first.n) == ("objective-p90", Outcome.PASS, 200.0, 1000)
    assert pytest.approx(first.candidate, rel=1e-3) == 100.0
    assert "1 of 1,000 requests took longer or failed" in first.reason
    assert (second.id, second.outcome) == ("objective-p99-9", Outcome.INCONCLUSIVE)
    assert "not enough data: a pass needs at least 6,636 requests" in second.reason
    assert (third.id, third.outcome, third.margin, third.candidate) == ("objective-errors", Outcome.PASS, 0.01, 0.0)


def test_a_quantile_of_failures_has_no_value() -> None:
    """Where more than 1 % failed there is no p99 to tell: the finding fails, and its value is null, never infinite."""
    slo = Objectives(quantiles={"p99": 1.0})
    (found,) = objective_findings(slo, shares(slo, answers([0.1] * 1000, [Kind.OK] * 900 + [Kind.CLOSED] * 100)))
    assert (found.outcome, found.candidate) == (Outcome.FAIL, None)


def test_an_objective_of_zero_says_how_to_mend_it() -> None:
    """`errors: 0` can never be shown, and the reason says so."""
    slo = Objectives(errors=0.0)
    (found,) = objective_findings(slo, shares(slo, answers([0.1] * 5000)))
    assert found.outcome == Outcome.INCONCLUSIVE
    assert "allow a small one" in found.reason


def test_nothing_measured_passes_nothing() -> None:
    """Without one request both kinds of objective are undecided."""
    slo = Objectives(quantiles={"p50": 1.0}, errors=0.5)
    assert [f.outcome for f in objective_findings(slo, shares(slo, answers([])))] == [Outcome.INCONCLUSIVE] * 2


def test_only_reachable_floors_hold_a_run_back() -> None:
    """A plan of 1,000 requests can reach the floor of p99, not that of p99.9, nor that of no errors at all."""
    slo = Objectives(quantiles={"p99": 1.0, "p99.9": 1.0}, errors=0.0)
    assert reachable_floors(slo, 1000) == {"p99": 662}


def streamed(gaps: list[list[float]], *, first: float = 0.1, kinds: list[Kind] | None = None) -> Answers:
    """One answer a list of gaps, its first token after `first` seconds; `[-1.0]` is an answer without any token."""
    n = len(gaps)
    counts = [0 if own == [-1.0] else len(own) + 1 for own in gaps]
    kept = [own if count else [] for own, count in zip(gaps, counts, strict=True)]
    flat = np.array([gap for own in kept for gap in own], np.float32)
    gap_of = np.repeat(np.arange(n), [len(own) for own in kept]).astype(np.uint32)
    start = np.where(np.array(counts) > 0, first, 0.0)
    tokens = Tokens(
        first=start,
        last=start + [sum(own) for own in kept],
        count=np.array(counts, np.uint32),
        gap=flat,
        gap_of=gap_of,
    )
    return replace(answers([5.0] * n, kinds), tokens=tokens)


def test_the_first_token_is_timed_from_the_schedule() -> None:
    """Late first tokens, answers without a token and failed ones miss the objective; every request counts."""
    slo = Objectives(first_token={"p95": 0.2})
    kinds = [Kind.OK, Kind.OK, Kind.STATUS]
    assert misses(slo, streamed([[0.01], [-1.0], [0.01]], kinds=kinds)) == {"first-token-p95": Share(missed=2, n=3)}
    assert misses(slo, streamed([[0.01]], first=0.21)) == {"first-token-p95": Share(missed=1, n=1)}


def test_gaps_are_judged_by_answer() -> None:
    """An answer misses by the quantile of its own gaps; failed or without a token it misses; one token is no trial."""
    slo = Objectives(token_gap={"p50": 0.05, "p99": 0.05})
    gaps = [[0.01, 0.01, 0.2], [0.2, 0.2, 0.01], [0.01] * 5, [], [-1.0], [0.01]]
    kinds = [Kind.OK] * 5 + [Kind.CLOSED]
    found = misses(slo, streamed(gaps, kinds=kinds))
    assert found == {"token-gap-p50": Share(missed=3, n=5), "token-gap-p99": Share(missed=4, n=5)}


@pytest.mark.parametrize("longest", [0.04, 0.06])
def test_the_p99_of_two_hundred_gaps_may_pass_over_one(longest: float) -> None:
    """Of 200 gaps two may be longer than the answer's own p99."""
    slo = Objectives(token_gap={"p99": 0.05})
    found = misses(slo, streamed([[0.01] * 197 + [longest] + [9.0] * 2]))
    assert found["token-gap-p99"].missed == (longest > 0.05)


def test_streams_have_findings() -> None:
    """Ids and sentences name what is limited; values are in ms."""
    slo = Objectives(first_token={"p95": 0.2}, token_gap={"p99": 0.05})
    first, gap = objective_findings(slo, shares(slo, streamed([[0.01, 0.02]] * 700)))
    assert (first.id, first.metric, first.outcome) == ("objective-first-token-p95", "first-token-p95", Outcome.PASS)
    assert first.reason.startswith("objective first token p95 <= 200 ms: 0 of 700 requests failed, or had their first")
    assert (first.margin, first.unit) == (200.0, "ms")
    assert pytest.approx(first.candidate, rel=1e-3) == 100.0
    assert (gap.id, gap.outcome) == ("objective-token-gap-p99", Outcome.PASS)
    assert gap.reason.startswith("objective token gap p99 <= 50 ms: 0 of 700 requests failed, had no token, or longer")
    assert pytest.approx(gap.candidate, rel=1e-3) == 20.0


def test_a_service_that_sends_all_at_once_passes_no_gap() -> None:
    """Answers of one token have no gap to judge: undecided, never a pass; nothing streamed at all likewise."""
    slo = Objectives(token_gap={"p99": 0.05}, first_token={"p99": 9.0})
    at_once = {f.id: f for f in objective_findings(slo, shares(slo, streamed([[]] * 1000)))}
    assert (at_once["objective-token-gap-p99"].outcome, at_once["objective-token-gap-p99"].n) == (
        Outcome.INCONCLUSIVE,
        0,
    )
    plain = objective_findings(slo, shares(slo, answers([0.1] * 1000)))
    assert [f.outcome for f in plain] == [Outcome.INCONCLUSIVE] * 2
