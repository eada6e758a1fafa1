"""Which form of a failure is saved: the one that fails again most often, within the requests."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.commands.synthetic.results import Case, RelationResult, Shrunk
from ghmlops.commands.synthetic.saving import save
from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.compare import Comparison, Observation
from ghmlops.core.synthetic.constants import REPLAY_CONTEXT
from ghmlops.core.synthetic.judge import Counts, Pair, Replay, replay_rounds
from ghmlops.core.synthetic.message import Message, message
from ghmlops.core.synthetic.question import Question
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

RELATION = Relation(id="toy", claim="It holds.", build=lambda _: None, precondition="none")


def request(row: int, more: int = 0) -> Message:
    return message(0, "/predict", json.dumps({"row": row, "more": more}).encode())


ROWS = [SimpleNamespace(index=index, message=request(index), row={"row": index, "x": [10**400]}) for index in range(20)]
PLAN: Any = SimpleNamespace(rows=ROWS)


def case(row: int, more: int = 0) -> Case:
    """Return a violation of the candidate alone."""
    question = Question(
        row=row,
        expected=Expected.SAME,
        change="changed",
        changed=request(row, more or 1),
        source=request(row),
        how=Comparison(score=""),
    )
    pair = Pair(row=row, candidate=Observation(violated=True, what=""), baseline=Observation(violated=False, what=""))
    return Case(endpoint="POST /predict", question=question, pair=pair, plan=PLAN)


class Arms:
    """A session whose answers nobody looks at, and a decider that reproduces some forms."""

    late = False

    def __init__(self, shares: dict[str, float], arms: tuple[str, ...] = ("baseline", "candidate")) -> None:
        self.arms, self.sent, self.forms, self._shares = arms, 0, list[str](), shares

    def observe(self, _: str, question: Question) -> Observation:
        self.sent += question.requests
        return Observation(violated=True, what="")

    def replay(self, one: Case) -> tuple[Case, Replay]:
        form = form_of(one.question.changed, one.question.context)
        self.forms.append(form)
        rounds = replay_rounds(one.question.requests)
        self.sent += 2 * (rounds - 1) * one.question.requests
        return one, Replay(rounds=rounds, candidate=round(rounds * self._shares.get(form, 0.0)), baseline=0)


def form_of(changed: Message, context: Sequence[Message]) -> str:
    """Return row and change, and what is sent in between, in a few words."""
    row = json.loads(changed.body or b"")
    between = (
        "alone" if not context else "far" if json.loads(context[0].body or b"")["row"] == len(ROWS) - 1 else "next"
    )
    return f"{row['row']}/{row['more']} {between}"


def saved(shares: dict[str, float], spent: int = 20, **arms: Any) -> tuple[Any, Arms]:
    """Save the violation of row 3, which was shrunk to another request."""
    small = Shrunk(
        question=case(3, 9).question,
        fields=("more",),
        values=(("9", "0"),),
        requests=spent,
        minimal=True,
        repeated=True,
    )
    cases = [case(row) for row in range(3, 12)]
    counts = Counts(n=9, candidate=9, baseline=0, only_candidate=9, only_baseline=0)
    result = RelationResult(
        relation=RELATION, counts=counts, outcome=Outcome.FAIL, example=cases[0], shrunk=small, proof="test"
    )
    session: Any = Arms(shares, **arms)
    return save(session, session, result, cases), session


def test_the_shrunk_form_is_saved_if_it_fails_again() -> None:
    """It is replayed once, with the next requests of the run in between."""
    result, session = saved({"3/9 next": 1.0})
    assert (session.forms, result.replays, result.requests) == (["3/9 next"], True, 40)
    assert (result.case.changed, result.case.fields) == (request(3, 9), ("more",))
    assert result.case.context == tuple(request(row) for row in range(4, 4 + REPLAY_CONTEXT))


@pytest.mark.parametrize(
    ("shares", "form"),
    [
        ({"3/9 alone": 1.0}, "3/9 alone"),
        ({"3/9 far": 1.0}, "3/9 far"),
        ({"3/1 next": 1.0}, "3/1 next"),
        ({"3/9 next": 0.75, "3/9 alone": 1.0}, "3/9 alone"),
        ({"3/9 next": 0.75, "3/1 next": 0.75}, "3/9 next"),
    ],
)
def test_another_form_is_saved_if_it_fails_again_more_surely(shares: dict[str, float], form: str) -> None:
    """Chance and state do not show in each form."""
    result, session = saved(shares)
    assert form_of(result.case.changed, result.case.context) == form
    assert result.replays
    assert form in session.forms


def test_what_no_form_reproduces_says_so() -> None:
    """The shrunk form is saved, and the requests end at the limit of shrinking."""
    result, session = saved({})
    assert (result.replays, result.case.changed) == (False, request(3, 9))
    assert 20 + result.requests <= 200
    assert session.forms[:4] == ["3/9 next", "3/9 far", "3/9 alone", "3/1 next"]


@pytest.mark.parametrize("more", [{"spent": 190}, {"arms": ("candidate",)}])
def test_what_was_not_replayed_is_not_said_to_fail_again(more: dict[str, Any]) -> None:
    """No requests are left, or there is no baseline."""
    result, session = saved({"3/9 next": 1.0}, **more)
    assert (result.replays, result.requests, session.forms) == (None, 0, [])
