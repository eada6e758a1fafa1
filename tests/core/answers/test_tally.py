"""Counts of odd answers by place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ghmlops.core.answers.tally import MAX_EXAMPLES, MAX_PLACES, PlaceCount, Tally
from ghmlops.core.answers.walk import Aspect, Difference, Place, differences


def add(tally: Tally, row: int, baseline: Any, twin: Any, candidate: Any) -> None:
    """Add one row of three parsed answers."""
    tally.add(row, differences(baseline, candidate), differences(baseline, twin), differences(candidate, twin))


def value(path: str) -> Place:
    """Return the place of the value at a path."""
    return Place(path, Aspect.VALUE)


def test_each_arm_can_be_the_odd_one() -> None:
    """The arm that the other two leave out is counted; three different answers count for none."""
    tally = Tally()
    for row, answers in enumerate(["aab", "aab", "aba", "baa", "abc"]):
        add(tally, row, *answers)
    tally.add_equal(5)
    count = tally.places[value("$")]
    assert count.odd == [1, 1, 2]
    assert (tally.n, tally.equal, count.candidate_rows, count.twin_rows) == (10, 6, 4, 3)
    assert tally.odd_rows == [2, 1]
    assert [example.row for example in count.examples] == [0, 1]


def test_the_tolerance_is_the_noise_that_all_arms_share() -> None:
    """Jitter of all arms is tolerated; a larger change of the candidate is beyond it on each of its rows."""
    rng, tally = np.random.default_rng(1), Tally()
    for row in range(500):
        baseline, twin, candidate = rng.normal(0.5, 1e-6, 3).tolist()
        add(tally, row, baseline, twin, candidate + (0.01 if row % 100 == 0 else 0.0))
    count = tally.places[value("$")]
    assert 1e-7 < count.tolerance < 1e-5
    assert count.odd_beyond_noise()[2] >= 5
    assert sum(count.odd) == 0


def test_the_counts_are_symmetric_in_the_arms() -> None:
    """Exchanging two arms exchanges their counts and leaves the tolerance."""
    rng = np.random.default_rng(2)
    rows = rng.normal(0, 1, (300, 3)) * (rng.random((300, 3)) < 0.4)
    tallies = [Tally(), Tally()]
    for row, (a, b, c) in enumerate(rows.tolist()):
        add(tallies[0], row, a, b, c)
        add(tallies[1], row, c, b, a)
    one, other = (t.places[value("$")] for t in tallies)
    assert one.odd == other.odd[::-1]
    assert one.odd_beyond_noise() == other.odd_beyond_noise()[::-1]
    assert one.tolerance == other.tolerance


def test_the_number_of_places_is_bounded() -> None:
    """Fields with changing names are counted at their parent from a limit on."""
    tally = Tally()
    for row in range(MAX_PLACES + 500):
        add(tally, row, {"scores": {f"k{row}": 1}}, {"scores": {f"k{row}": 1}}, {"scores": {f"k{row}": 2}})
    assert len(tally.places) == MAX_PLACES + 1
    assert tally.places[value("$.scores.*")].odd == [0, 0, 500]


def test_the_order_of_a_list_is_no_disagreement() -> None:
    """Rows on which only the order differs are counted at their place alone."""
    tally = Tally()
    add(tally, 0, [1, 2], [1, 2], [2, 1])
    assert tally.odd_rows == [0, 0]
    assert tally.places[Place("$", Aspect.ORDER)].odd == [0, 0, 1]


@pytest.mark.parametrize("distance", [math.inf, 0.5])
def test_examples_are_bounded(distance: float) -> None:
    """A place keeps its first rows only."""
    count, changed, equal = PlaceCount(), Difference(distance, "a", "b"), Difference(0.0, "", "")
    for row in range(100):
        count.add(changed, equal, changed, row)
    assert len(count.examples) == MAX_EXAMPLES
    assert count.odd_beyond_noise() == (0, 0, 100)
