"""Plans the requests to one endpoint: generated rows, and the questions of every relation on each of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.synthetic.render import Renderer
from ghmlops.core.synthetic.ask import Ask, When
from ghmlops.core.synthetic.compare import Comparison
from ghmlops.core.synthetic.constants import FIRST_ROWS, MAX_ROWS, MIN_ROWS, REASK_SHARE
from ghmlops.core.synthetic.question import Question
from ghmlops.core.synthetic.relations.base import Context, Relation
from ghmlops.core.synthetic.relations.table import RELATIONS, active
from ghmlops.core.synthetic.rows.generate import generate
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.synthetic.message import Message
    from ghmlops.core.synthetic.rows.fields import Json
    from ghmlops.core.synthetic.rows.generate import GeneratedRow, Source

_STREAM = 2
"""Key of the random streams of the questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow:
    """A generated row with its questions.

    Attributes:
        index: number of the row.
        row: the row.
        message: the request of the unchanged row.
        questions: question of each relation that applies to it, by id.
    """

    index: int
    row: Json
    message: Message
    questions: dict[str, Question]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """What is sent to one endpoint.

    Attributes:
        name: method and path, without query.
        relations: the relations of the run.
        maker: builds questions, also on other rows.
        rows: rows with their questions.
        source: the payloads and their profile.
    """

    name: str
    relations: Sequence[Relation]
    maker: QuestionMaker
    rows: Sequence[PlannedRow]
    source: Source

    @property
    def digest(self) -> str:
        """SHA-256 of all planned requests in their order; the same for the same seed on every machine."""
        digest = hashlib.sha256()
        for row in self.rows:
            messages = [row.message, *(m for q in row.questions.values() for m in (q.source, q.changed) if m)]
            for message in messages:
                digest.update(b"%s\n%s\n" % (message.path.encode(), message.body or b""))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionMaker:
    """Builds the question of a relation on a row; the same for the same row and index.

    Attributes:
        policy: section of the policy.
        source: the payloads.
        renderer: builds the messages of the endpoint.
        rows: all generated rows.
        seed: seed of the run.
        number: index of the endpoint.
    """

    policy: Synthetic
    source: Source
    renderer: Renderer
    rows: Sequence[GeneratedRow]
    seed: int
    number: int

    def question(self, relation: Relation, index: int, row: Json) -> Question | None:
        """Return the question; `None` if the relation does not apply to the row."""
        most = max(self.policy.batch.sizes)
        window = [self.rows[(index + step) % len(self.rows)].row for step in range(1, min(most, len(self.rows)))]
        stream = Stream(self.seed, _STREAM, self.number, RELATIONS.index(relation), index)
        follow_up = relation.build(
            Context(
                row=row,
                index=index,
                others=window,
                profile=self.source.profile,
                policy=self.policy,
                stream=stream,
                first=index < FIRST_ROWS,
            )
        )
        if follow_up is None:
            return None
        changed = self.renderer.message(follow_up.ask)
        source = self.renderer.message(follow_up.source or Ask(row=row))
        plain = self.renderer.message(Ask(row=row))
        if (
            changed is None
            or source is None
            or (changed == plain and not relation.reuses_source and not _again(relation))
        ):
            return None
        judged_alone = relation.reuses_source or follow_up.expected.judged_alone
        return Question(
            row=index,
            expected=follow_up.expected,
            change=follow_up.change,
            changed=changed,
            source=None if judged_alone else source,
            how=Comparison(score=self.policy.score, assertions=self.policy.assertions),
            fields=follow_up.fields,
            against_baseline=relation.against_baseline,
        )


def _again(relation: Relation) -> bool:
    """Return whether the relation is about the unchanged request at another time, or on another arm."""
    return relation.against_baseline or not relation.repeatable


def plan_endpoint(
    policy: Synthetic, latency: Latency, endpoint: tuple[int, Source], run: tuple[int, int, int]
) -> EndpointPlan:
    """Plan as many rows as the share of the requests allows.

    Args:
        policy: section of the policy.
        latency: section `latency` as it is sent.
        endpoint: index of the endpoint, and its payloads.
        run: number of arms, seed, and maximum number of requests to this endpoint.
    """
    number, source = endpoint
    arms, seed, share = run
    budget = share * (1 - REASK_SHARE)
    relations = active(policy, compared=arms > 1)
    rows = generate(source, min(MAX_ROWS, max(MIN_ROWS, share // (2 * arms))), seed)
    renderer = Renderer(latency, number, policy.batch)
    maker = QuestionMaker(policy=policy, source=source, renderer=renderer, rows=rows, seed=seed, number=number)
    planned: list[PlannedRow] = []
    for index, generated in enumerate(rows):
        message = renderer.message(Ask(row=generated.row))
        if message is None:
            continue
        built = {relation.id: maker.question(relation, index, generated.row) for relation in relations}
        questions = {name: question for name, question in built.items() if question is not None}
        budget -= arms * (2 + sum(_requests(question, message) for question in questions.values()))
        if budget < 0 and len(planned) >= MIN_ROWS:
            break
        planned.append(PlannedRow(index=index, row=generated.row, message=message, questions=questions))
    one = latency.endpoints[number]
    return EndpointPlan(
        name=f"{one.method} {one.public_path}", relations=relations, maker=maker, rows=planned, source=source
    )


def _requests(question: Question, plain: Message) -> int:
    """Return the requests of a question per arm, beside the unchanged request and its repetition."""
    if question.changed.when is When.AFTER_OTHER or (question.changed == plain and question.source is None):
        return 0
    source = question.source
    return 1 if source is None or source == plain or source.when is When.EARLIER else 2
