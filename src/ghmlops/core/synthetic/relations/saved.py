"""Saved failures as questions: the relation of permanent regression cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.answers.rules import Rules
from ghmlops.core.synthetic.compare import Comparison
from ghmlops.core.synthetic.question import Question
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.synthetic.saved_case import SavedCase

SAVED_CASES = Relation(
    id="saved-cases",
    claim="Failures that were saved as regression cases do not return.",
    build=lambda _: None,
    precondition="no saved request was answered",
    declared=True,
    reasks_all=True,
)


def saved_questions(cases: Sequence[SavedCase]) -> list[tuple[str, Question]]:
    """Return endpoint and question of each case."""
    return [(case.endpoint, _question(number, case)) for number, case in enumerate(cases, start=1)]


def _question(number: int, case: SavedCase) -> Question:
    rules = Rules(ignore=frozenset(case.ignore), tolerances=case.tolerances)
    return Question(
        row=number,
        expected=case.expected,
        change=f"{case.relation}: {case.change}",
        changed=case.changed,
        source=case.source,
        how=Comparison(rules=rules, score=case.score, assertions=case.assertions),
        fields=case.fields,
        against_baseline=case.against_baseline,
        context=case.context,
    )
