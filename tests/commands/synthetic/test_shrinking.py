"""Shrinking: at most three differing fields, whichever row passes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.commands.synthetic.results import Case
from ghmlops.commands.synthetic.shrinking import FEW_FIELDS, shrink
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.compare import Comparison, Observation
from ghmlops.core.synthetic.judge import Pair
from ghmlops.core.synthetic.message import message
from ghmlops.core.synthetic.question import Question

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = tuple("abcdefgh")
FAILING = dict.fromkeys(FIELDS, 1)
PASSING = dict.fromkeys(FIELDS, 0)


def question(row: dict[str, int], index: int = 0) -> Question:
    """Return the question that sends a row."""
    body = message(0, "/predict", json.dumps(row).encode())
    return Question(
        row=index, expected=Expected.SERVED, change="none", changed=body, source=None, how=Comparison(score="")
    )


class Session:
    """A candidate that violates on some rows, and counts what it is asked."""

    def __init__(self, fails: Callable[[dict[str, int]], bool], time: int) -> None:
        self.sent, self._fails, self._time = 0, fails, time

    @property
    def late(self) -> bool:
        return self.sent >= self._time

    def observe(self, _: str, one: Question) -> Observation:
        self.sent += 1
        return Observation(violated=self._fails(json.loads(one.changed.body or b"")), what="")


def shrunk(fails: Callable[[dict[str, int]], bool], time: int = 1_000) -> tuple[Any, int]:
    """Shrink the failing row, with time for some requests; return the result and the number of requests."""
    rows = [SimpleNamespace(index=0, row=FAILING), SimpleNamespace(index=1, row=PASSING)]
    plan: Any = SimpleNamespace(rows=rows, maker=SimpleNamespace(question=lambda _, index, row: question(row, index)))
    cases = [
        Case(endpoint="e", question=question(row.row, row.index), plan=plan, pair=Pair(row=row.index, candidate=one))
        for row, one in zip(
            rows, (Observation(violated=True, what=""), Observation(violated=False, what="")), strict=True
        )
    ]
    session: Any = Session(fails, time)
    return shrink(session, SimpleNamespace(), cases[0], cases, ()), session.sent  # type: ignore[arg-type]


@pytest.mark.parametrize("needed", ["a", "ac", "bdg", "abcd", "bcefgh", "abcdefgh"])
def test_at_most_three_fields_differ(needed: str) -> None:
    """If more are needed, the rest of them becomes a part of the row that passes."""
    result, requests = shrunk(lambda row: all(row[name] for name in needed))
    assert set(result.fields) <= set(needed)
    assert 1 <= len(result.fields) <= FEW_FIELDS
    assert (result.minimal, result.repeated, result.requests) == (True, True, requests)
    row = json.loads(result.question.changed.body)
    assert {name for name in FIELDS if row[name]} == set(needed)
    assert result.values == (("1", "0"),) * len(result.fields)


def test_a_part_of_the_needed_fields_that_fails_alone_is_no_passing_row() -> None:
    """Four fields together, or the last one without the others: the row with the last one alone is not taken."""

    def fails(row: dict[str, int]) -> bool:
        needed = [row[name] for name in "abcd"]
        return all(needed) or needed == [0, 0, 0, 1]

    result, _ = shrunk(fails)
    assert len(result.fields) <= FEW_FIELDS
    row = json.loads(result.question.changed.body)
    assert fails(row)
    assert not fails(row | {result.fields[0]: 0})


@pytest.mark.parametrize("needed", ["a", "bdg", "abcdefgh"])
@pytest.mark.parametrize("time", [0, 1, 2, 3, 4, 5, 6, 9])
def test_when_the_time_ends_the_closest_rows_that_were_asked_remain(needed: str, time: int) -> None:
    """After the two ends every question halves the eight fields; what is not known is not claimed."""

    def fails(row: dict[str, int]) -> bool:
        return all(row[name] for name in needed)

    result, requests = shrunk(fails, time)
    row = json.loads(result.question.changed.body)
    assert fails(row)
    assert requests <= time
    assert len(result.fields) == ({0: 0, 1: 0, 2: 8, 3: 4, 4: 2, 5: 1}.get(time) or len(result.fields))
    assert result.minimal is (time >= 5)
    if result.fields:
        assert not fails(row | dict.fromkeys(result.fields, 0))
