"""Proof of a single change by asking again."""

from __future__ import annotations

import math

import pytest

from core.answers.test_tally import add
from ghmlops.core.answers.constants import REASK_ALPHA, TEST_ALPHA
from ghmlops.core.answers.places import judge_places
from ghmlops.core.answers.reask import choose_questions, proven, repetitions, separated
from ghmlops.core.answers.tally import Tally
from ghmlops.core.answers.walk import Aspect, Place


@pytest.mark.parametrize("questions", [0, 1, 5, 40, 10_000])
def test_repetitions_are_the_least_that_bound_the_error(questions: int) -> None:
    """The chance of a separation by accident, over all questions, is at most the error probability."""
    r, limit = repetitions(questions), REASK_ALPHA / max(questions, 1)
    assert 2 / math.comb(2 * r, r) <= limit < 2 / math.comb(2 * r - 2, r - 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2.5], [3, 4], True),
        ([1, 3], [2, 4], False),
        (["a", "a"], ["b", "b"], True),
        (["a", "b"], ["c", "d"], False),
        ([True, True], [1, 1], True),
        ([None, None], [0, 0], True),
        ([None, 1], [2, 2], False),
        ([], [1], False),
    ],
)
def test_separation(first: list[object], second: list[object], expected: bool) -> None:
    """Ordered numbers or one constant per arm; random identifiers are disjoint and not separated."""
    assert separated(first, second) is expected  # type: ignore[arg-type]
    assert separated(second, first) is expected  # type: ignore[arg-type]


def test_a_constant_of_each_process_proves_nothing() -> None:
    """The name of a host separates the twin from the baseline as well."""
    assert not proven(["h1"] * 9, ["h2"] * 9, ["h3"] * 9)
    assert proven(["h1"] * 9, ["h1"] * 9, ["h3"] * 9)
    assert not proven(["a"] * 9, ["a"] * 9, ["b"] * 8 + ["a"])


def test_questions_are_rows_of_quiet_places() -> None:
    """A single change at a quiet place is asked again; at a place with noise, or one already proven, it is not."""
    tally = Tally()
    add(tally, 7, {"quiet": 1, "noisy": 1, "proven": 1}, {"quiet": 1, "noisy": 1, "proven": 1}, {"quiet": 2})
    for row in range(20):
        add(tally, row, {"proven": 1}, {"proven": 1}, {"proven": 2})
    add(tally, 50, {"noisy": 1}, {"noisy": 2}, {"noisy": 1})
    add(tally, 51, {"noisy": 1}, {"noisy": 1}, {"noisy": 2})
    questions = choose_questions(judge_places({"e": tally}, TEST_ALPHA))
    assert ("e", 7, Place("$.quiet", Aspect.VALUE)) in questions
    assert {place.path for _, _, place in questions if place.aspect is Aspect.VALUE} == {"$.quiet"}


def test_the_number_of_questions_is_bounded() -> None:
    """One row of each place comes before the second row of any."""
    tally = Tally()
    for place in "abc":
        for row in range(2):
            add(tally, row, {place: 1}, {place: 1}, {place: 2})
    questions = choose_questions(judge_places({"e": tally}, TEST_ALPHA), 4)
    assert [row for _, row, _ in questions] == [0, 0, 0, 1]
