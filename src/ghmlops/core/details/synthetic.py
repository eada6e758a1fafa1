"""Details of the evidence of `synthetic`: what was asked, the result of each relation, failures, noise, profile."""

from __future__ import annotations

from ghmlops.core.model import Frozen


class RelationRow(Frozen, frozen=True, kw_only=True):
    """Result of one relation.

    Attributes:
        relation: its id.
        outcome: its outcome, or `not measured`.
        questions: questions that were judged on both arms.
        candidate: of these, violations of the candidate.
        baseline: violations of the baseline; `None` without one.
        only_candidate: questions that only the candidate violates.
        unjudged: questions that could not be judged.
        proof: `test`, `re-asked` or `repeated`; empty without a proven violation.
        claim: what must hold.
    """

    relation: str
    outcome: str
    questions: int
    candidate: int
    baseline: int | None
    only_candidate: int
    unjudged: int
    proof: str
    claim: str


class FailureRow(Frozen, frozen=True, kw_only=True):
    """A violation that is shown.

    Attributes:
        relation: the relation.
        endpoint: method and path.
        change: the changed request, without values.
        observed: what was observed.
        answer: answer to the unchanged request, bounded; empty if answers are not quoted.
        answer_changed: answer to the changed request.
        needs: fields with their values that make the difference, and the values that do not: `age=120 (not 40)`.
        shrinking: requests for shrinking; `None` if it was not shrunk.
        minimal: whether no field can be left out; `None` if it was not shrunk.
        case: number of the case in the file of cases; `None` if it was not saved.
        replays: whether the saved case failed again when it was replayed at once; `None` if that was not tried.
    """

    relation: str
    endpoint: str
    change: str
    observed: str
    answer: str
    answer_changed: str
    needs: str
    shrinking: int | None
    minimal: bool | None
    case: int | None
    replays: bool | None = None


class AnswerKindRow(Frozen, frozen=True, kw_only=True):
    """Answers of one arm by kind: `answered`, a status, or how the answer failed, with the problem of the first."""

    arm: str
    kind: str
    answers: int
    example: str


class NoiseRow(Frozen, frozen=True, kw_only=True):
    """A path of the answers that differs between equal requests: not compared, or only beyond a tolerance."""

    endpoint: str
    path: str
    rate: float | None
    tolerance: float | None


class ProfileRow(Frozen, frozen=True, kw_only=True):
    """Profile of a field of the payloads; its values are not part of it."""

    endpoint: str
    field: str
    kind: str
    null_rate: float
    missing_rate: float
    low: float | None
    high: float | None
    distinct: int | None
    longest: int | None


class SyntheticSettings(Frozen, frozen=True, kw_only=True):
    """Settings in force, and the work that was done.

    Attributes:
        url: address of the candidate.
        baseline_url: address of the baseline; empty without one.
        replayed: file whose cases were replayed; empty for generated rows.
        rows: generated rows whose questions were all asked.
        planned_rows: generated rows of the plan.
        requests: requests to both arms, without shrinking.
        shrinking_requests: requests for shrinking the failures, and for replaying them at once.
        stream: SHA-256 of the planned requests by endpoint.
        cases: saved failures in the companion of the evidence.
    """

    url: str
    baseline_url: str
    replayed: str
    rows: int
    planned_rows: int
    requests: int
    shrinking_requests: int
    stream: dict[str, str]
    cases: int


class SyntheticDetails(Frozen, frozen=True, kw_only=True, tag="synthetic", tag_field="command"):
    """Details of `synthetic`."""

    settings: SyntheticSettings
    relations: list[RelationRow]
    failures: list[FailureRow]
    answers: list[AnswerKindRow]
    noise: list[NoiseRow]
    profile: list[ProfileRow]
