"""Shrinks a failure on the candidate: which fields of the row does it need?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.commands.synthetic.results import Case, Shrunk
from ghmlops.commands.synthetic.session import CANDIDATE
from ghmlops.core.synthetic.constants import SHRINK_REQUESTS
from ghmlops.core.synthetic.rows.fields import get
from ghmlops.core.synthetic.shrink import closest, combined, differing, minimal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
    """Asks the candidate about rows, as long as there are requests and time."""

    def __init__(self, session: Session, relation: Relation, case: Case, plan: EndpointPlan) -> None:
        self._session, self._relation, self._case, self._plan = session, relation, case, plan
        self.requests = 0
        self.complete = True

    def question(self, row: Json) -> Question | None:
        question = self._plan.maker.question(self._relation, self._case.question.row, row)
        return None if question is None else replace(question, how=self._case.question.how)

    def violates(self, question: Question) -> bool | None:
        """Return whether the candidate violates the relation; `None` if it is not asked any more."""
        if self._session.late or self.requests + question.requests > SHRINK_REQUESTS:
            self.complete = False
            return None
        before = self._session.sent
        violated = self._session.observe(CANDIDATE, question).violated is True
        self.requests += self._session.sent - before
        return violated


class _Search:
    """The rows between a passing and a failing one: which fields of the failing one make the passing one fail?

    Attributes:
        failing: the failing row.
        passing: the passing row.
        paths: the fields in which they differ.
        least: a 1-minimal set of them; empty if none was found.
    """

    def __init__(self, shrinker: _Shrinker, failing: Json, passing: Json) -> None:
        self._shrinker, self.failing, self.passing = shrinker, failing, passing
        self.paths = differing(failing, passing)
        self._answers: dict[frozenset[str], bool] = {}
        self.least: list[str] = []

    def run(self) -> None:
        """Search for the least fields, unless every row fails: other variants of a relation may say nothing of it."""
        if self.fails(()) or not self.fails(self.paths):
            return
        least = minimal(self.paths, self.fails)
        self.least = least if self._shrinker.complete else []

    def row(self, paths: Collection[str]) -> Json:
        """Return the passing row with the values of the failing one in some fields."""
        return combined(self.passing, self.failing, [path for path in self.paths if path in paths])

    def fails(self, paths: Collection[str]) -> bool:
        """Return whether a row between fails; the answers are remembered, and a question without one is no failure."""
        key = frozenset(paths)
        if key not in self._answers:
            question = self._shrinker.question(self.row(key))
            violated = question is not None and self._shrinker.violates(question)
            if violated is None:
                return False
            self._answers[key] = violated
        return self._answers[key]

    def closest(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the fields of two rows that were asked and differ least, of which one passes and the other fails."""
        return closest(self._answers)


def shrink(session: Session, relation: Relation, case: Case, cases: Sequence[Case], private: Sequence[str]) -> Shrunk:
    """Return the failure with the least fields that make a passing row fail.

    If more than `FEW_FIELDS` are needed, or requests or time end before they are known, the result is the closest pair
    of rows that were asked, of which one passes and the other fails.

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
    searches = []
    for passing in choices[:MAX_PASSING_ROWS]:
        searches.append(_Search(shrinker, failing, passing))
        searches[-1].run()
        if 0 < len(searches[-1].least) <= FEW_FIELDS or not shrinker.complete:
            break
    for search in searches:
        if 0 < len(search.least) <= FEW_FIELDS:
            return _result(shrinker, search.row(search.least), (failing, search.passing), search.least, private)
    pairs = [(pair, search) for search in searches if (pair := search.closest())]
    if not pairs:
        return _result(shrinker, failing, (failing, failing), (), private)
    (less, more), search = min(pairs, key=lambda pair: (len(pair[0][1] - pair[0][0]), len(pair[0][1])))
    fields = [path for path in search.paths if path in more - less]
    return _result(shrinker, search.row(more), (failing, search.row(less)), fields, private)


def _result(
    shrinker: _Shrinker, row: Json, ends: tuple[Json, Json], paths: Sequence[str], private: Sequence[str]
) -> Shrunk:
    question = shrinker.question(row)
    assert question is not None  # noqa: S101  (the row was asked)
    complete = shrinker.complete or len(paths) == 1  # Without the only field, the row passes.
    repeated = shrinker.violates(question) is True
    failing, passing = ends
    values = tuple((_text(failing, path, private), _text(passing, path, private)) for path in paths)
    return Shrunk(
        question=question,
        fields=tuple(paths),
        values=values,
        requests=shrinker.requests,
        minimal=complete,
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
