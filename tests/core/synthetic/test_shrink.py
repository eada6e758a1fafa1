"""Shrinking to the least set of fields that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.synthetic.shrink import closest, combined, differing, minimal

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(st.sets(st.integers(0, 29), min_size=1, max_size=3))
def test_the_result_is_minimal(needles: set[int]) -> None:
    """Of 30 fields the needed ones remain, with far fewer questions than subsets."""
    names = [f"f{index}" for index in range(30)]
    needed = {f"f{index}" for index in needles}
    questions: list[Sequence[str]] = []

    def fails(subset: Sequence[str]) -> bool:
        questions.append(subset)
        return needed <= set(subset)

    assert set(minimal(names, fails)) == needed
    assert len(questions) <= 40


def test_alternatives_are_minimal_too() -> None:
    """If one of two fields suffices, one remains."""
    assert len(minimal(["a", "b", "c"], lambda subset: bool({"a", "c"} & set(subset)))) == 1


@given(st.sets(st.integers(0, 63), min_size=1), st.integers(8, 40))
def test_a_search_that_ends_early_leaves_a_pair_that_differs_in_one_field(needles: set[int], questions: int) -> None:
    """Two questions about the ends and six that halve 64 fields: from then on, further ones change nothing."""
    names = [f"f{index}" for index in range(64)]
    needed = {f"f{index}" for index in needles}
    answers: dict[frozenset[str], bool] = {}

    def fails(subset: Sequence[str]) -> bool:
        key = frozenset(subset)
        if key not in answers and len(answers) == questions:
            return False
        return answers.setdefault(key, needed <= key)

    assert (fails(()), fails(names)) == (False, True)
    minimal(names, fails)
    pair = closest(answers)
    assert pair is not None
    less, more = pair
    assert less < more
    assert len(more - less) == 1
    assert needed <= more
    assert not needed <= less


def test_there_is_no_pair_if_all_answers_are_equal() -> None:
    """Every row fails, or none does; and a failing row within a passing one says nothing of the fields between."""
    empty, one = frozenset[str](), frozenset("a")
    for answers in ({}, {empty: True, one: True}, {empty: False}, {empty: True, one: False}):
        assert closest(answers) is None


def test_rows_are_combined() -> None:
    """Values, gaps and missing keys of the failing row move into the passing one."""
    failing = {"a": 1, "b": None, "c": {"d": 1}, "new": 5}
    passing = {"a": 1.0, "b": 2, "c": {"d": 2}, "old": 3}
    assert differing(failing, passing) == ["a", "b", "c.d", "new", "old"]
    assert combined(passing, failing, ["b", "c.d", "new", "old"]) == {"a": 1.0, "b": None, "c": {"d": 1}, "new": 5}
    assert combined(passing, failing, []) == passing
    assert differing(failing, failing) == []
