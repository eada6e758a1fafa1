"""Values of a run: cases, and the result of each relation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.noise import Noise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.synthetic.plan import EndpointPlan
    from ghmlops.core.model import Outcome
    from ghmlops.core.synthetic.judge import Counts, Pair, Replay
    from ghmlops.core.synthetic.question import Question
    from ghmlops.core.synthetic.relations.base import Relation
    from ghmlops.core.synthetic.saved_case import SavedCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question that was asked.

    Attributes:
        endpoint: method and path; of a saved case, as saved.
        question: the question.
        pair: what both arms answered.
        plan: plan of the endpoint; `None` for a saved case.
    """

    endpoint: str
    question: Question
    pair: Pair
    plan: EndpointPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """A failure after shrinking.

    Attributes:
        question: the smallest question that fails.
        fields: the fields that it needs; empty if every row fails.
        values: for each of them, the value that fails and the value that does not, as text.
        requests: requests that shrinking took.
        minimal: whether no field can be left out; false if the requests were used up.
        repeated: whether it failed again in the end.
    """

    question: Question
    fields: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    requests: int
    minimal: bool
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationResult:
    """Result of one relation over all endpoints.

    Attributes:
        relation: the relation.
        counts: counts of its questions.
        outcome: its outcome; `None` if it was not measured.
        proof: how the outcome `fail` was proven; empty if it was not.
        reasked: violations that were asked again.
        example: the violation that is shown; `None` without one.
        unjudged: violations whose further answers could not be judged; of a replay, the undecided cases.
        replay: answers to the example of a replay.
        shrunk: the shrunk failure; `None` without a failure.
        saved: the failure as it is saved; `None` without a failure.
        replays: whether the saved failure failed again at once; `None` if that was not tried.
    """

    relation: Relation
    counts: Counts
    outcome: Outcome | None
    proof: str = ""
    reasked: int = 0
    example: Case | None = None
    unjudged: int = 0
    replay: Replay | None = None
    shrunk: Shrunk | None = None
    saved: SavedCase | None = None
    replays: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRun:
    """A run that has ended.

    Attributes:
        results: result of each relation, in the order of the table.
        noise: noise floor of each endpoint.
        sent: requests, without those for shrinking.
        shrinking: requests for shrinking the failures, and for replaying them at once.
        rows: generated rows that were asked.
        planned: generated rows of the plan.
        kinds: number of answers by arm and kind.
        examples: problem of the first answer by arm and kind.
        repetitions: further answers per arm to a violation that is asked again.
        quotes: whether answers may be quoted.
    """

    results: Sequence[RelationResult]
    noise: Mapping[str, Noise]
    sent: int
    shrinking: int
    rows: int
    planned: int
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: Mapping[tuple[str, str], str] = field(default_factory=dict)
    repetitions: int = 0
    quotes: bool = False
