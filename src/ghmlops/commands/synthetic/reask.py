"""Decides each relation: the paired test of the first questions, then further answers to single violations."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.synthetic.results import Case, RelationResult
from ghmlops.commands.synthetic.session import BASELINE, CANDIDATE
from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.constants import ALONE_REPETITIONS, REASKED_CASES
from ghmlops.core.synthetic.judge import (
    Counts,
    Levels,
    Proof,
    Replay,
    count,
    may_reask,
    outcome_of,
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


class _Decision(NamedTuple):
    """What asking again proves.

    Attributes:
        proof: how a violation was proven.
        reasked: violations that were asked again; of a replay, its cases.
        example: the violation to show.
        unjudged: violations whose further answers could not be judged; of a replay, the undecided cases.
        replay: answers to the example of a replay.
    """

    proof: str
    reasked: int
    example: Case | None
    unjudged: int = 0
    replay: Replay | None = None


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

    @property
    def repetitions(self) -> int:
        """How often a violation is asked again on each arm."""
        return self._limits.repetitions

    def decide(self, relation: Relation, cases: Sequence[Case]) -> RelationResult:
        """Return the result of a relation from its cases."""
        counts = count([case.pair for case in cases])
        if not counts.n:
            return RelationResult(relation=relation, counts=counts, outcome=None)
        result = self._prove(relation, cases, counts)
        undecided = result.unjudged if result.replay is not None else 0
        outcome = outcome_of(
            counts, result.proof, compared=self._compared, declared=relation.declared, undecided=undecided
        )
        if outcome is Outcome.PASS and result.example is not None:
            outcome = Outcome.WARN  # The first answer to a saved case was right, a further one was not.
        return RelationResult(
            relation=relation,
            counts=counts,
            outcome=outcome,
            proof=result.proof,
            reasked=result.reasked,
            example=result.example,
            unjudged=result.unjudged,
            replay=result.replay,
        )

    def _prove(self, relation: Relation, cases: Sequence[Case], counts: Counts) -> _Decision:
        """Return what is proven, and the violation to show."""
        suspects = [case for case in cases if case.pair.only_candidate]
        violations = suspects or [case for case in cases if case.pair.judged and case.pair.candidate.violated]
        example = violations[0] if violations else None
        if self._replays and self._compared:
            return self._replay_all(cases, example)
        if self._compared and proven_by_test(counts, self._limits):
            return _Decision(Proof.TEST, 0, example)
        if not relation.repeatable or not may_reask(
            counts, about_rows=relation.against_baseline or relation.reasks_all
        ):
            return _Decision(Proof.NONE, 0, example)
        reasked = unjudged = 0
        most = len(cases) if relation.reasks_all else REASKED_CASES
        for case in suspects[:most]:
            if self._session.late or self._session.sent + self._cost(case.question) > self._requests:
                break
            reasked += 1
            repeats = self._repeats(case.question)
            if repeats:
                return _Decision(Proof.REASKED if self._compared else Proof.REPEATED, reasked, case)
            unjudged += repeats is None
        return _Decision(Proof.NONE, reasked, example, unjudged)

    def _replay_all(self, cases: Sequence[Case], example: Case | None) -> _Decision:
        """Ask each saved case again; the first that fails again is the example.

        A replay is about known failures, not about a family of relations that chance could choose from.
        """
        replays = [self.replay(case) for case in cases]
        undecided = sum(replay.undecided for _, replay in replays)
        for case, replay in replays:
            if replay.reproduced:
                return _Decision(Proof.REASKED, len(cases), case, undecided, replay)
        index = next((index for index, case in enumerate(cases) if case is example), None)
        if index is None:
            index = next((index for index, (_, replay) in enumerate(replays) if replay.candidate), 0)
        case, replay = replays[index]
        return _Decision(Proof.NONE, len(cases), case if replay.candidate else None, undecided, replay)

    def replay(self, case: Case) -> tuple[Case, Replay]:
        """Return the case with the first violation of the candidate, and the answers of all rounds."""
        rounds = replay_rounds(case.question.requests)
        violations = Counter({arm: int(one.violated or False) for arm, one in _observed(case).items()})
        judged = Counter({arm: int(one.violated is not None) for arm, one in _observed(case).items()})
        for arm in self._stream.shuffled([CANDIDATE, BASELINE] * (rounds - 1)):
            if self._session.late:
                break
            one = self._session.observe(arm, case.question)
            violations[arm] += one.violated is True
            judged[arm] += one.violated is not None
            if arm == CANDIDATE and one.violated and not case.pair.candidate.violated:
                case = replace(case, pair=replace(case.pair, candidate=one))
        return case, Replay(
            rounds=rounds,
            candidate=violations[CANDIDATE],
            baseline=violations[BASELINE],
            candidate_unjudged=rounds - judged[CANDIDATE],
            baseline_unjudged=rounds - judged[BASELINE],
        )

    def _cost(self, question: Question) -> int:
        per_arm = self._limits.repetitions if self._compared else ALONE_REPETITIONS
        return per_arm * question.requests * len(self._session.arms)

    def _repeats(self, question: Question) -> bool | None:
        """Return whether the candidate violates in all further answers, and the baseline in none.

        It stops at the first answer that decides against it, and at one that cannot be judged: `None`.
        """
        order = [CANDIDATE] * ALONE_REPETITIONS
        if self._compared:
            order = self._stream.shuffled([CANDIDATE, BASELINE] * self._limits.repetitions)
        for arm in order:
            violated = self._session.observe(arm, question).violated
            if violated is not (arm == CANDIDATE):
                return None if violated is None else False
        return True


def _observed(case: Case) -> dict[str, Observation]:
    """Return the first observation of each arm."""
    pair = case.pair
    return {CANDIDATE: pair.candidate} | ({} if pair.baseline is None else {BASELINE: pair.baseline})
