"""Objectives on the candidate alone: sample floors, exact bounds, failed requests, and never a pass without data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.answers import Answers, Kind
from ghmlops.core.model import Outcome
from ghmlops.core.objectives import judge_share, misses, objective_findings, reachable_floors, sample_floor
from ghmlops.core.policy import Objectives


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
    assert misses(slo, found) == {"p99": 2, "errors": 1}


def test_findings_say_the_numbers() -> None:
    """Each objective gives one finding with its limit, the value seen, n and a sentence with the counts."""
    slo = Objectives(quantiles={"p90": 0.2, "p99.9": 0.2}, errors=0.01)
    first, second, third = objective_findings(slo, answers([0.1] * 999 + [0.3]))
    assert (first.id, first.outcome, first.margin, first.n) == ("objective-p90", Outcome.PASS, 200.0, 1000)
    assert pytest.approx(first.candidate) == 100.0
    assert "1 of 1,000 requests took longer or failed" in first.reason
    assert (second.id, second.outcome) == ("objective-p99-9", Outcome.INCONCLUSIVE)
    assert "not enough data: a pass needs at least 6,636 requests" in second.reason
    assert (third.id, third.outcome, third.margin, third.candidate) == ("objective-errors", Outcome.PASS, 0.01, 0.0)


def test_a_quantile_of_failures_has_no_value() -> None:
    """Where more than 1 % failed there is no p99 to tell: the finding fails, and its value is null, never infinite."""
    (found,) = objective_findings(
        Objectives(quantiles={"p99": 1.0}), answers([0.1] * 1000, [Kind.OK] * 900 + [Kind.CLOSED] * 100)
    )
    assert (found.outcome, found.candidate) == (Outcome.FAIL, None)


def test_an_objective_of_zero_says_how_to_mend_it() -> None:
    """`errors: 0` can never be shown, and the reason says so."""
    (found,) = objective_findings(Objectives(errors=0.0), answers([0.1] * 5000))
    assert found.outcome == Outcome.INCONCLUSIVE
    assert "allow a small one" in found.reason


def test_nothing_measured_passes_nothing() -> None:
    """Without one request both kinds of objective are undecided."""
    slo = Objectives(quantiles={"p50": 1.0}, errors=0.5)
    assert [f.outcome for f in objective_findings(slo, answers([]))] == [Outcome.INCONCLUSIVE] * 2


def test_only_reachable_floors_hold_a_run_back() -> None:
    """A plan of 1,000 requests can reach the floor of p99, not that of p99.9, nor that of no errors at all."""
    slo = Objectives(quantiles={"p99": 1.0, "p99.9": 1.0}, errors=0.0)
    assert reachable_floors(slo, 1000) == {"p99": 662}
