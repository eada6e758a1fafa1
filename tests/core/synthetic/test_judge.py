"""The verdict on a relation: counts, levels, proofs, outcomes."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.compare import NO_VIOLATION, Observation
from ghmlops.core.synthetic.constants import FAMILY_ALPHA, REASKED_CASES, REPLAY_ALPHA
from ghmlops.core.synthetic.judge import (
    Pair,
    Proof,
    count,
    levels,
    may_reask,
    outcome_of,
    proven_by_replay,
    proven_by_test,
    replay_rounds,
)

BAD, UNKNOWN = Observation(violated=True, what="x"), Observation(violated=None, what="throttled")


def pairs(*numbers: int) -> list[Pair]:
    """Pairs: both hold, only the candidate violates, only the baseline, both, candidate unknown, baseline unknown."""
    kinds = [
        (NO_VIOLATION, NO_VIOLATION),
        (BAD, NO_VIOLATION),
        (NO_VIOLATION, BAD),
        (BAD, BAD),
        (UNKNOWN, NO_VIOLATION),
        (NO_VIOLATION, UNKNOWN),
    ]
    return [
        Pair(row=0, candidate=candidate, baseline=baseline)
        for (candidate, baseline), number in zip(kinds, numbers, strict=False)
        for _ in range(number)
    ]


def test_counts() -> None:
    """A question counts if both arms could be judged; the others are counted by reason."""
    counts = count(pairs(10, 3, 2, 4, 1, 2))
    assert (counts.n, counts.candidate, counts.baseline) == (19, 7, 6)
    assert (counts.only_candidate, counts.only_baseline) == (3, 2)
    assert counts.unjudged == {"throttled": 1, "baseline: throttled": 2}


@pytest.mark.parametrize("relations", [1, 17, 60])
def test_the_levels_share_the_error_of_a_run(relations: int) -> None:
    """Tests and re-asking of all relations together stay within the family's error probability."""
    limits = levels(relations)
    reasking = REASKED_CASES / math.comb(2 * limits.repetitions, limits.repetitions)
    assert relations * (limits.test + reasking) <= FAMILY_ALPHA
    assert limits.repetitions <= 13


def test_the_paired_test() -> None:
    """Violations of the candidate alone prove it; equal rates never do."""
    limits = levels(17)
    assert proven_by_test(count(pairs(0, 18, 0, 0)), limits)
    assert not proven_by_test(count(pairs(0, 12, 0, 0)), limits)
    assert not proven_by_test(count(pairs(0, 200, 180, 50)), limits)


@pytest.mark.parametrize(
    ("numbers", "proof", "compared", "declared", "outcome"),
    [
        ((10,), "", True, False, Outcome.PASS),
        ((9, 1), Proof.REASKED, True, False, Outcome.FAIL),
        ((9, 1), "", True, False, Outcome.WARN),
        ((5, 0, 0, 5), "", True, True, Outcome.WARN),
        ((9, 1), Proof.REPEATED, False, True, Outcome.FAIL),
        ((9, 1), Proof.REPEATED, False, False, Outcome.WARN),
        ((4, 0, 0, 0, 6), "", True, False, Outcome.INCONCLUSIVE),
        ((0, 0, 10), "", True, False, Outcome.PASS),
    ],
)
def test_outcomes(numbers: tuple[int, ...], proof: str, compared: bool, declared: bool, outcome: Outcome) -> None:
    """A violation is never a pass; without a baseline only what is declared fails; too few judged is no pass."""
    assert outcome_of(count(pairs(*numbers)), proof, compared=compared, declared=declared) is outcome


def test_a_single_question_proves_nothing_if_the_baseline_violates_the_relation_too() -> None:
    """Two models violate a relation on different rows: only the paired test can tell that one is worse."""
    assert may_reask(count(pairs(10, 3, 0)), about_rows=False)
    assert not may_reask(count(pairs(10, 3, 2)), about_rows=False)
    assert may_reask(count(pairs(10, 3, 2)), about_rows=True)


@pytest.mark.parametrize(
    ("candidate", "baseline", "rounds", "p"),
    [(4, 0, 4, 0.0143), (3, 0, 4, 0.0714), (2, 0, 4, 0.2143), (4, 0, 8, 0.0385), (3, 0, 8, 0.1)],
)
def test_a_replay_is_decided_by_fishers_exact_test(candidate: int, baseline: int, rounds: int, p: float) -> None:
    """Reference: `scipy.stats.fisher_exact` of the same table, one-sided."""
    assert proven_by_replay(candidate, baseline, rounds) is (p <= REPLAY_ALPHA)


def test_a_baseline_that_fails_too_reproduces_nothing() -> None:
    """Neither does a candidate that no longer fails."""
    assert not proven_by_replay(4, 1, 4)
    assert not proven_by_replay(0, 0, 4)


@pytest.mark.parametrize(("requests", "rounds"), [(1, 8), (2, 8), (5, 4), (30, 2)])
def test_a_replay_stays_within_its_requests(requests: int, rounds: int) -> None:
    """Two arms, at most 40 requests, at most eight rounds."""
    assert replay_rounds(requests) == rounds
