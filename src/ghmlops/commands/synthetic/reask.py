"""Decides each relation: the paired test of the first questions, then further answers to single violations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ghmlops.commands.synthetic.results import Case, RelationResult
from ghmlops.commands.synthetic.session import BASELINE, CANDIDATE
from ghmlops.core.synthetic.constants import ALONE_REPETITIONS, REASKED_CASES
from ghmlops.core.synthetic.judge import (
    Counts,
    Levels,
    Proof,
    count,
    may_reask,
    outcome_of,
    proven_by_replay,
    proven_by_test,
    replay_rounds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.synthetic.session import Session
    from ghmlops.core.synthetic.compare import Observation
    from ghmlops.core.synthetic.question import Question
    from ghmlops.core.synthetic.relations.base import Relation
    from ghmlops.core.synthetic.rows.stream import Stream


class Decider:
    """Decides relations.

    Args:
        session: connections to the arms.
        limits: error probabilities of one relation.
        stream: random order of the arms.
        requests: maximum number of requests of the run.
        replays: whether saved failures are replayed, each for itself.
    """

    def __init__(
        self, session: Session, limits: Levels, stream: Stream, requests: int, *, replays: bool = False
    ) -> None:
        self._session, self._limits, self._stream, self._requests = session, limits, stream, requests
        self._replays = replays
        self._compared = BASELINE in session.arms

    def decide(self, relation: Relation, cases: Sequence[Case]) -> RelationResult:
        """Return the result of a relation from its cases."""
        counts = count([case.pair for case in cases])
        if not counts.n:
            return RelationResult(relation=relation, counts=counts, outcome=None)
        proof, reasked, example = self._prove(relation, cases, counts)
        outcome = outcome_of(counts, proof, compared=self._compared, declared=relation.declared)
        return RelationResult(
            relation=relation, counts=counts, outcome=outcome, proof=proof, reasked=reasked, example=example
        )

    def _prove(self, relation: Relation, cases: Sequence[Case], counts: Counts) -> tuple[str, int, Case | None]:
        """Return the proof, the number of violations that were asked again, and the violation to show."""
        suspects = [case for case in cases if case.pair.only_candidate]
        violations = suspects or [case for case in cases if case.pair.judged and case.pair.candidate.violated]
        example = violations[0] if violations else None
        if self._replays and self._compared:
            return self._replay(cases, example)
        if self._compared and proven_by_test(counts, self._limits):
            return Proof.TEST, 0, example
        if not relation.repeatable or not may_reask(
            counts, about_rows=relation.against_baseline or relation.reasks_all
        ):
            return Proof.NONE, 0, example
        reasked = 0
        most = len(cases) if relation.reasks_all else REASKED_CASES
        for case in suspects[:most]:
            if self._session.late or self._session.sent + self._cost(case.question) > self._requests:
                break
            reasked += 1
            if self._repeats(case.question):
                return (Proof.REASKED if self._compared else Proof.REPEATED), reasked, case
        return Proof.NONE, reasked, example

    def _replay(self, cases: Sequence[Case], example: Case | None) -> tuple[str, int, Case | None]:
        """Ask each saved case again; the first that fails again is the example.

        A replay is about known failures, not about a family of relations that chance could choose from.
        """
        reproduced = None
        for case in cases:
            if self._session.late:
                break
            violations = Counter({arm: int(one.violated or False) for arm, one in _observed(case).items()})
            rounds = replay_rounds(case.question.requests)
            for arm in self._stream.shuffled([CANDIDATE, BASELINE] * (rounds - 1)):
                violations[arm] += self._session.observe(arm, case.question).violated is True
            if proven_by_replay(violations[CANDIDATE], violations[BASELINE], rounds):
                reproduced = reproduced or case
        return (Proof.REASKED if reproduced else Proof.NONE), len(cases), reproduced or example

    def _cost(self, question: Question) -> int:
        per_arm = self._limits.repetitions if self._compared else ALONE_REPETITIONS
        return per_arm * question.requests * len(self._session.arms)

    def _repeats(self, question: Question) -> bool:
        """Return whether the candidate violates in all further answers, and the baseline in none; stops at the first
        answer that decides against it."""
        if not self._compared:
            return all(self._session.observe(CANDIDATE, question).violated for _ in range(ALONE_REPETITIONS))
        order = self._stream.shuffled([CANDIDATE, BASELINE] * self._limits.repetitions)
        return all(self._session.observe(arm, question).violated is (arm == CANDIDATE) for arm in order)


def _observed(case: Case) -> dict[str, Observation]:
    """Return the first observation of each arm."""
    pair = case.pair
    return {CANDIDATE: pair.candidate} | ({} if pair.baseline is None else {BASELINE: pair.baseline})
