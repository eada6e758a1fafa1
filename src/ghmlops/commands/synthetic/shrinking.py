"""Shrinks a failure on the candidate: which fields of the row does it need?"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ghmlops.commands.synthetic.results import Case, Shrunk
from ghmlops.commands.synthetic.session import CANDIDATE
from ghmlops.core.synthetic.constants import SHRINK_REQUESTS
from ghmlops.core.synthetic.rows.fields import get
from ghmlops.core.synthetic.shrink import combined, differing, minimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.synthetic.plan import EndpointPlan
    from ghmlops.commands.synthetic.session import Session
    from ghmlops.core.synthetic.question import Question
    from ghmlops.core.synthetic.relations.base import Relation
    from ghmlops.core.synthetic.rows.fields import Json

MAX_PASSING_ROWS = 6
"""Passing rows, the most similar first, with which a failing row is compared until few fields make the difference."""
FEW_FIELDS = 3
"""Differing fields that a reader takes in at a glance; a failure with more of them is shrunk against another row."""
MAX_TEXT = 60
MASK = "***"
ABSENT = "absent"


class _Shrinker:
    """Asks the candidate whether rows between a passing and a failing one fail."""

    def __init__(self, session: Session, relation: Relation, case: Case, plan: EndpointPlan) -> None:
        self._session, self._relation, self._case, self._plan = session, relation, case, plan
        self._answers: dict[tuple[str, ...], bool] = {}
        self.requests = 0
        self.complete = True

    def question(self, row: Json) -> Question | None:
        question = self._plan.maker.question(self._relation, self._case.question.row, row)
        return None if question is None else replace(question, how=self._case.question.how)

    def forget(self) -> None:
        """Forget the answers, which are about one passing row."""
        self._answers.clear()

    def fails(self, passing: Json, failing: Json, paths: Sequence[str]) -> bool:
        """Return whether the passing row fails with some values of the failing one; the answers are remembered."""
        key = tuple(paths)
        if key not in self._answers:
            question = self.question(combined(passing, failing, paths))
            self._answers[key] = question is not None and self.violates(question)
        return self._answers[key]

    def violates(self, question: Question) -> bool:
        if self._session.late or self.requests + question.requests > SHRINK_REQUESTS:
            self.complete = False
            return False
        before = self._session.sent
        violated = self._session.observe(CANDIDATE, question).violated is True
        self.requests += self._session.sent - before
        return violated


def shrink(session: Session, relation: Relation, case: Case, cases: Sequence[Case], private: Sequence[str]) -> Shrunk:
    """Return the failure with the least fields that make a passing row fail.

    Args:
        session: connections to the arms; only the candidate is asked.
        relation: the relation.
        case: the failure.
        cases: all cases of the relation, among which a passing row is searched.
        private: fields whose values are not shown.
    """
    plan = case.plan
    if plan is None:
        return Shrunk(question=case.question, fields=(), values=(), requests=0, minimal=False, repeated=True)
    rows = {row.index: row.row for row in plan.rows}
    failing = rows[case.question.row]
    passed = [c for c in cases if c.plan is plan and c.pair.judged and not c.pair.candidate.violated]
    shrinker = _Shrinker(session, relation, case, plan)
    choices = [rows[c.pair.row] for c in passed]
    choices = [row for row in choices if shrinker.question(row) is not None]
    choices.sort(key=lambda row: len(differing(failing, row)))
    best: tuple[list[str], Json] | None = None
    for passing in choices[:MAX_PASSING_ROWS]:
        shrinker.forget()
        paths = differing(failing, passing)
        if shrinker.fails(passing, failing, []):
            continue  # The row passed with other variants of the relation; with this one every row may fail.
        if shrinker.fails(passing, failing, paths):
            least = minimal(paths, partial(shrinker.fails, passing, failing))
            if best is None or (shrinker.complete and len(least) < len(best[0])):
                best = least, passing
            if len(least) <= FEW_FIELDS:
                break
    if best is None:
        return _result(shrinker, failing, (failing, failing), (), private)
    least, passing = _few(shrinker, failing, *best)
    return _result(shrinker, combined(passing, failing, least), (failing, passing), least, private)


def _few(shrinker: _Shrinker, failing: Json, least: list[str], passing: Json) -> tuple[list[str], Json]:
    """Return at most `FEW_FIELDS` of the fields, and a row that passes without them and fails with them.

    No field of a 1-minimal set can be left out, so the passing row with a part of them passes, too, and differs from
    the failing one in fewer fields. If it fails, by chance or because some values spoil each other, the part is enough.
    """
    shrinker.forget()
    while len(least) > FEW_FIELDS and shrinker.complete:
        rest = least[FEW_FIELDS:]
        if not shrinker.fails(passing, failing, rest):
            return least[:FEW_FIELDS], combined(passing, failing, rest)
        least = minimal(rest, partial(shrinker.fails, passing, failing))
    return least, passing


def _result(
    shrinker: _Shrinker, row: Json, ends: tuple[Json, Json], paths: Sequence[str], private: Sequence[str]
) -> Shrunk:
    question = shrinker.question(row)
    assert question is not None  # noqa: S101  (the row was asked)
    repeated = shrinker.violates(question)
    failing, passing = ends
    values = tuple((_text(failing, path, private), _text(passing, path, private)) for path in paths)
    return Shrunk(
        question=question,
        fields=tuple(paths),
        values=values,
        requests=shrinker.requests,
        minimal=shrinker.complete,
        repeated=repeated,
    )


def _text(row: Json, path: str, private: Sequence[str]) -> str:
    present, value = get(row, path)
    if not present:
        return ABSENT
    if path in private:
        return MASK
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}\u2026"
