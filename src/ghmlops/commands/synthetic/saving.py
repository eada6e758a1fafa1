"""Saves a failure in the form that fails again: each form is replayed at once, as `--replay` will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.commands.synthetic.asking import ask_saved
from ghmlops.commands.synthetic.session import BASELINE
from ghmlops.core.synthetic.ask import When
from ghmlops.core.synthetic.constants import REPLAY_CONTEXT, SHRINK_REQUESTS
from ghmlops.core.synthetic.judge import replay_rounds
from ghmlops.core.synthetic.relations.saved import saved_questions
from ghmlops.core.synthetic.rows.fields import as_float, fields_of
from ghmlops.core.synthetic.saved_case import SavedCase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.commands.synthetic.plan import PlannedRow
    from ghmlops.commands.synthetic.reask import Decider
    from ghmlops.commands.synthetic.results import Case, RelationResult
    from ghmlops.commands.synthetic.session import Session
    from ghmlops.core.synthetic.message import Message
    from ghmlops.core.synthetic.question import Question
    from ghmlops.core.synthetic.rows.fields import Json

_MAX_OTHERS = 3
"""Other violations of the relation that are tried in place of the shown one."""
_MAX_NUMBER = 1e300
"""Numbers beyond have no range that a float could be."""


class Saved(NamedTuple):
    """A failure as it is saved.

    Attributes:
        case: its requests.
        replays: whether it failed again when it was replayed at once; `None` if that was not tried.
        requests: requests of the replays.
    """

    case: SavedCase
    replays: bool | None
    requests: int


def save(session: Session, decider: Decider, result: RelationResult, cases: Sequence[Case]) -> Saved:
    """Return the failure of a relation in the form that failed again most often.

    A fault that depends on the requests before it, or on chance, does not show in each form. The shrunk one comes
    first; it is replaced only if another one fails again more surely.

    Args:
        session: connections to the arms.
        decider: replays a case.
        result: the failed relation, shrunk.
        cases: all cases of the relation.
    """
    choices = list(_forms(result, cases))
    spent = result.shrunk.requests if result.shrunk else 0
    example = result.example
    if BASELINE not in session.arms or not result.relation.repeatable or example is None or example.plan is None:
        return Saved(choices[0], None, 0)
    best, most, requests = choices[0], 0.0, 0
    attempted = reproduced = False
    for case in choices:
        ((_, question),) = saved_questions([case])
        cost = 2 * question.requests * replay_rounds(question.requests)
        if session.late or spent + requests + cost > SHRINK_REQUESTS:
            break
        before, attempted = session.sent, True
        replay = decider.replay(ask_saved(session, [(case.endpoint, question)])[0])[1]
        requests += session.sent - before
        share = replay.candidate / replay.rounds if replay.reproduced else 0.0
        if share > most:
            best, most, reproduced = case, share, True
        if most == 1.0:
            break
    return Saved(best, reproduced if attempted else None, requests)


def _forms(result: RelationResult, cases: Sequence[Case]) -> Iterator[SavedCase]:
    """Yield the forms of a failure: shrunk, with different requests in between, as it was first, other violations."""
    example = result.example
    assert example is not None  # noqa: S101  (a failed relation has one)
    question = result.shrunk.question if result.shrunk else example.question
    fields = result.shrunk.fields if result.shrunk else ()
    usual = _saved(result, example, question, _following(example, question))
    shrunk = msgspec.structs.replace(usual, fields=fields)
    yield shrunk
    # State that is carried from request to request moves most by requests that are most unlike this one.
    farthest = _farthest(example, question)
    if farthest not in ((), shrunk.context):
        yield msgspec.structs.replace(shrunk, context=farthest)
    fewer = {When.ALONE: 0, When.AFTER_OTHER: 1}.get(shrunk.changed.when)
    if fewer is not None and len(shrunk.context) > fewer:
        # Fewer requests leave more rounds, in which a fault shows that depends on chance. A message that is sent after
        # another one, or among others, needs those.
        yield msgspec.structs.replace(shrunk, context=shrunk.context[:fewer])
    if question.changed != example.question.changed:
        yield _saved(result, example, example.question, _following(example, example.question))
    others = [case for case in cases if case.pair.only_candidate and case is not example and case.plan is not None]
    for case in others[:: max(1, len(others) // _MAX_OTHERS)][:_MAX_OTHERS]:
        yield _saved(result, case, case.question, _following(case, case.question))


def _following(case: Case, question: Question) -> tuple[Message, ...]:
    """Return other requests of the run, the next ones first."""
    if case.plan is None:
        return question.context
    rows = case.plan.rows
    place = next((index for index, row in enumerate(rows) if row.index == case.question.row), 0)
    return _others(question, (*rows[place + 1 :], *rows[:place]))


def _farthest(case: Case, question: Question) -> tuple[Message, ...]:
    """Return the requests of the run whose numbers are farthest from those of a case, in units of their ranges."""
    if case.plan is None:
        return ()
    rows = {row.index: _numbers(row.row) for row in case.plan.rows}
    values: dict[str, list[float]] = {}
    for numbers in rows.values():
        for path, number in numbers.items():
            values.setdefault(path, []).append(number)
    ranges = {path: max(of_path) - min(of_path) or 1.0 for path, of_path in values.items()}
    own = rows.get(case.question.row, {})

    def distance(row: PlannedRow) -> float:
        return sum(abs(n - own[path]) / ranges[path] for path, n in rows[row.index].items() if path in own)

    return _others(question, sorted(case.plan.rows, key=distance, reverse=True))


def _numbers(row: Json) -> dict[str, float]:
    """Return the finite numbers of a row by path."""
    numbers = {
        path: as_float(value)
        for path, value in fields_of(row).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {path: number for path, number in numbers.items() if abs(number) < _MAX_NUMBER}


def _others(question: Question, rows: Sequence[PlannedRow]) -> tuple[Message, ...]:
    """Return the first requests of rows that are not those of a question."""
    own = {message and message.body for message in (question.source, question.changed)}
    return tuple(row.message for row in rows if row.message.body not in own)[:REPLAY_CONTEXT]


def _saved(result: RelationResult, case: Case, question: Question, context: tuple[Message, ...]) -> SavedCase:
    return SavedCase(
        relation=result.relation.id,
        endpoint=case.endpoint,
        expected=question.expected,
        change=question.change,
        changed=question.changed,
        source=question.source,
        tolerances=dict(question.how.rules.tolerances),
        ignore=tuple(sorted(question.how.rules.ignore)),
        score=question.how.score,
        assertions=dict(question.how.assertions),
        against_baseline=question.against_baseline,
        context=context,
    )
