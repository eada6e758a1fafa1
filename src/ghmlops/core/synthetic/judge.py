"""The verdict on one relation: an exact paired test of the first questions, and proof by re-asking.

Both arms receive the same questions. Under the null hypothesis that the candidate violates a relation no more often
than the baseline, a question that exactly one arm violates is as likely to be one of the baseline's (McNemar). Of 2r
further answers to one question, r per arm in random order, all orders of violations are then equally likely: that all r
of the candidate violate and none of the baseline has a probability of at most 1 / C(2r, r). That is a proof about one
question; it says something about the relation only if the baseline never violates it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome
from ghmlops.core.stats.binomial import mcnemar_exact_p
from ghmlops.core.synthetic.constants import (
    FAMILY_ALPHA,
    MAX_REPETITIONS,
    MAX_UNJUDGED,
    REASKED_CASES,
    REPLAY_ALPHA,
    REPLAY_REQUESTS,
    REPLAY_ROUNDS,
    TEST_SHARE,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.synthetic.compare import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One question and what both arms answered; `baseline` is `None` without a baseline.

    Attributes:
        row: index of the generated row.
        candidate: observation of the candidate.
        baseline: observation of the baseline.
    """

    row: int
    candidate: Observation
    baseline: Observation | None = None

    @property
    def judged(self) -> bool:
        """Whether both arms could be judged."""
        both = (self.candidate, *(() if self.baseline is None else (self.baseline,)))
        return all(one.violated is not None for one in both)

    @property
    def only_candidate(self) -> bool:
        """Whether the candidate violates and the baseline does not, or there is none."""
        return bool(self.judged and self.candidate.violated and not (self.baseline and self.baseline.violated))

    @property
    def only_baseline(self) -> bool:
        """Whether the baseline violates and the candidate does not."""
        return bool(self.judged and not self.candidate.violated and self.baseline and self.baseline.violated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counts of one relation.

    Attributes:
        n: questions that were judged on both arms.
        candidate: of these, violations of the candidate.
        baseline: violations of the baseline.
        only_candidate: questions that only the candidate violates.
        only_baseline: questions that only the baseline violates.
        unjudged: questions that could not be judged, by reason.
    """

    n: int
    candidate: int
    baseline: int
    only_candidate: int
    only_baseline: int
    unjudged: Counter[str] = field(default_factory=Counter)


class Proof:
    """How a relation was decided: by the test, by re-asking, by repetition without a baseline; or not at all."""

    NONE, TEST, REASKED, REPEATED = "", "test", "re-asked", "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Error probabilities of one relation.

    Attributes:
        test: for the paired test.
        repetitions: further answers per arm and question.
    """

    test: float
    repetitions: int


def levels(relations: int) -> Levels:
    """Return the levels if `relations` relations share the error probability of a run."""
    share = FAMILY_ALPHA / max(relations, 1)
    reask = share * (1 - TEST_SHARE) / REASKED_CASES
    least = next((r for r in range(1, MAX_REPETITIONS) if 1 / math.comb(2 * r, r) <= reask), MAX_REPETITIONS)
    return Levels(test=share * TEST_SHARE, repetitions=least)


def count(pairs: Sequence[Pair]) -> Counts:
    """Count the questions of one relation."""
    judged = [pair for pair in pairs if pair.judged]
    unjudged: Counter[str] = Counter()
    for pair in pairs:
        if not pair.judged:
            unjudged[pair.candidate.what if pair.candidate.violated is None else f"baseline: {_why(pair)}"] += 1
    return Counts(
        n=len(judged),
        candidate=sum(bool(pair.candidate.violated) for pair in judged),
        baseline=sum(bool(pair.baseline and pair.baseline.violated) for pair in judged),
        only_candidate=sum(pair.only_candidate for pair in judged),
        only_baseline=sum(pair.only_baseline for pair in judged),
        unjudged=unjudged,
    )


def _why(pair: Pair) -> str:
    return pair.baseline.what if pair.baseline else ""


def proven_by_test(counts: Counts, limits: Levels) -> bool:
    """Return whether the first questions alone prove that the candidate violates more often."""
    return mcnemar_exact_p(counts.only_baseline, counts.only_candidate) <= limits.test


def replay_rounds(requests: int) -> int:
    """Return how often a replay asks a saved case on each arm.

    Args:
        requests: requests of asking it once.
    """
    return max(2, min(REPLAY_ROUNDS, REPLAY_REQUESTS // (2 * requests)))


def proven_by_replay(candidate: int, baseline: int, rounds: int) -> bool:
    """Return whether a saved failure is reproduced: the baseline never violates, the candidate too often for chance.

    Null hypothesis: each answer of either arm is as likely to violate (Fisher's exact test, one-sided).

    Args:
        candidate: violations of the candidate.
        baseline: violations of the baseline.
        rounds: how often each arm was asked.
    """
    p = math.comb(rounds, candidate) / math.comb(2 * rounds, candidate)
    return candidate > 0 and baseline == 0 and p <= REPLAY_ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Answers to one saved case, which each arm was asked equally often. An answer that cannot be judged, or for which
    no time was left, can be either: what it could change is undecided.

    Attributes:
        rounds: how often each arm was to be asked.
        candidate: violations of the candidate.
        baseline: violations of the baseline.
        candidate_unjudged: answers of the candidate that could not be judged.
        baseline_unjudged: answers of the baseline that could not be judged.
    """

    rounds: int
    candidate: int
    baseline: int
    candidate_unjudged: int = 0
    baseline_unjudged: int = 0

    @property
    def reproduced(self) -> bool:
        """Whether the failure is reproduced, whatever the answers that could not be judged would have been."""
        return proven_by_replay(self.candidate, self.baseline + self.baseline_unjudged, self.rounds)

    @property
    def undecided(self) -> bool:
        """Whether the answers that could not be judged decide if the failure is reproduced."""
        possible = proven_by_replay(self.candidate + self.candidate_unjudged, self.baseline, self.rounds)
        return possible and not self.reproduced


def may_reask(counts: Counts, *, about_rows: bool) -> bool:
    """Return whether re-asking single questions can prove that the candidate is worse.

    If the baseline violates the relation too, only on other rows, then separate answers to one question prove that both
    arms differ on this row, and not that the candidate violates the relation more often: the paired test decides that.

    Args:
        counts: counts of the relation.
        about_rows: whether the relation is about each row by itself, as the comparison with the baseline's answer is.
    """
    return about_rows or not counts.baseline


def outcome_of(counts: Counts, proof: str, *, compared: bool, declared: bool, undecided: int = 0) -> Outcome:
    """Return the outcome of a relation with at least one judged question.

    Args:
        counts: counts of its questions.
        proof: how a violation of the candidate was proven; empty if it was not.
        compared: whether there is a baseline.
        declared: whether somebody declared the relation, so that a proven violation fails without a baseline, too.
        undecided: saved cases of a replay that could not be decided.
    """
    if proof and (compared or declared):
        return Outcome.FAIL
    if undecided:
        return Outcome.INCONCLUSIVE
    if counts.candidate:
        return Outcome.WARN
    asked_in_total = counts.n + sum(counts.unjudged.values())
    return Outcome.INCONCLUSIVE if counts.n < (1 - MAX_UNJUDGED) * asked_in_total else Outcome.PASS
