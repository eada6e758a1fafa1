"""Turns the result of a relation into a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Direction, Finding, NotMeasured, Outcome
from ghmlops.core.synthetic.judge import Counts, Proof, Replay

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Relation

DOCS = "actions/synthetic/README.md#the-verdict"
METHOD = "exact paired test (McNemar) of the first questions, and re-asking of single violations"
_MAX_REASONS = 3


class Example(NamedTuple):
    """The violation that a finding describes.

    Attributes:
        endpoint: method and path.
        change: the changed request, without values of rows.
        what: what was observed, without values of rows.
        needs: fields that the failure needs; empty if every row fails or it was not shrunk.
    """

    endpoint: str
    change: str
    what: str
    needs: tuple[str, ...] = ()


class Decision(NamedTuple):
    """How a relation was decided.

    Attributes:
        outcome: its outcome.
        proof: how a violation was proven.
        reasked: violations that were asked again; of a replay, its saved cases.
        repetitions: how often a violation is asked again on each arm.
        unjudged: violations whose further answers could not be judged; of a replay, the undecided cases.
        replay: answers to the case that is shown, of a replay.
    """

    outcome: Outcome
    proof: str = Proof.NONE
    reasked: int = 0
    repetitions: int = 0
    unjudged: int = 0
    replay: Replay | None = None


def finding(
    relation: Relation, counts: Counts, decision: Decision, example: Example | None, *, compared: bool
) -> Finding:
    """Return the finding about a relation that was measured.

    Args:
        relation: the relation.
        counts: counts of its questions.
        decision: how it was decided.
        example: a violation; `None` without one.
        compared: whether there is a baseline.
    """
    return Finding(
        id=f"synthetic-{relation.id}",
        metric=relation.id,
        outcome=decision.outcome,
        reason=_reason(relation, counts, decision, example, compared=compared),
        docs=DOCS,
        description=relation.claim,
        direction=Direction.LOWER,
        baseline=counts.baseline / counts.n if compared else None,
        candidate=counts.candidate / counts.n,
        method=METHOD,
        n=counts.n,
    )


def not_measured(relation: Relation, counts: Counts) -> NotMeasured:
    """Return the entry about a relation without a question that could be judged."""
    total = sum(counts.unjudged.values())
    if not total:
        return NotMeasured(what=f"relation {relation.id}", why=relation.precondition)
    reasons = ", ".join(f"{what} ({number:,})" for what, number in counts.unjudged.most_common(_MAX_REASONS))
    return NotMeasured(what=f"relation {relation.id}", why=f"none of {total:,} questions could be judged: {reasons}")


def _reason(relation: Relation, counts: Counts, decision: Decision, example: Example | None, *, compared: bool) -> str:
    """Return one sentence or two with the numbers."""
    unjudged = sum(counts.unjudged.values())
    rest = f" {unjudged:,} further questions could not be judged." if unjudged else ""
    rates = f"{counts.candidate:,} of {counts.n:,} questions"
    if compared:
        rates += f" on the candidate and {counts.baseline:,} on the baseline"
    if decision.replay is not None and decision.unjudged:
        rest += f" {decision.unjudged} of {decision.reasked} saved failures are undecided: answers could not be judged."
    if example is None:
        return f"{relation.claim} Violated by {rates}.{rest}"
    text = f"{relation.id} is violated by {rates}; for example {example.endpoint}, {example.change}: {example.what}."
    if example.needs:
        text += f" It needs the values of {', '.join(example.needs)}."
    return f"{text} {_proof(counts, decision, compared=compared)}{rest}"


def _proof(counts: Counts, decision: Decision, *, compared: bool) -> str:
    """Return how the violation was proven, or what else is said about it."""
    if decision.replay is not None:
        return _replayed(decision.replay)
    times = f"{decision.repetitions} of {decision.repetitions}"
    if decision.proof == Proof.TEST:
        alone = (
            f"{counts.only_candidate:,} of them only by the candidate, {counts.only_baseline:,} only by the baseline"
        )
        return f"Violated are {alone}."
    if decision.proof == Proof.REASKED:
        return f"Asked again, the candidate violates it {times} times and the baseline never."
    if decision.proof == Proof.REPEATED:
        return f"Asked again, it is violated {times} times; there is no baseline to compare with."
    return _unproven(counts, decision, compared=compared)


def _unproven(counts: Counts, decision: Decision, *, compared: bool) -> str:
    """Return why a violation does not fail."""
    if compared and counts.baseline and not decision.reasked:
        return "The baseline violates it, too."
    if decision.unjudged:
        return f"Asked again, {decision.unjudged} of {decision.reasked} violations could not be judged."
    if decision.reasked:
        return f"It did not repeat: {decision.reasked} violations were asked again."
    return "It was not asked again."


def _replayed(replay: Replay) -> str:
    """Return how often each arm violated a saved case, of the answers that could be judged."""
    candidate = f"{replay.candidate} of {replay.rounds - replay.candidate_unjudged} times"
    judged = replay.rounds - replay.baseline_unjudged
    baseline = f"{replay.baseline} of {judged} times" if replay.baseline or judged < replay.rounds else "never"
    return f"Replayed, the candidate violates it {candidate} and the baseline {baseline}."
