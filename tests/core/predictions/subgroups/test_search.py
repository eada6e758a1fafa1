"""Slice search: planted harm is found once, and nothing is found where there is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.subgroups.search import search
from ghmlops.core.predictions.subgroups.search_pruning import Part, harm, without
from hunted import ACCURACY, LOSS, POSITIVE_RATE, compared, search_alarms, searched, share_cells

VALUES = (8, 8, 10, 12, 15)


def told(places: list[Place], overall: list[Place], **more: Any) -> list[dict[str, object]]:
    """The slices of the findings, in their order."""
    family = search(places, top=more.pop("top", 5), minimum=200, overall=overall, **more)
    assert all(f.outcome is Outcome.WARN and f.id == "search-accuracy" for f in family.findings[:-1])
    return [dict(f.slice) for f in family.findings[:-1]]


def place(where: dict[str, Any], n: float, lost: float, dataset: str = "", **more: Any) -> Place:
    """A place with twenty answers of a thousand gained and so many lost."""
    cells = share_cells(np.array([n]), np.array([lost]), np.array([n * 0.02]))
    return Place(slice=where, window=None, found=compared(cells, more.get("metric", ACCURACY))[0], dataset=dataset)


def test_planted_slices_are_found_among_twenty_thousand_places() -> None:
    """A value that lost 3 points and a pair that lost 13, of 19,110 places; each is told once, most harm first."""
    planted = {((0, 3), (2, 5)): 0.13, ((4, 7),): 0.03}
    places, overall = searched(np.random.default_rng(0), 800_000, (30,) * 7, planted)
    assert len(places) > 19_000
    family = search(places, top=5, minimum=200, overall=overall)
    assert [dict(f.slice) for f in family.findings] == [{"a4": 7}, {"a0": 3, "a2": 5}, {}]
    summary = family.findings[-1]
    assert (summary.id, summary.outcome) == ("search-summary", Outcome.WARN)
    assert "2 tell where the harm sits" in summary.reason
    assert len(family.table) == 200
    assert [row.outcome for row in family.table].count(Outcome.WARN) == 2
    p = [row.p for row in family.table]
    assert p == sorted(p)


def test_no_planted_slice_is_no_alarm() -> None:
    """Ten searches over some 1,100 places each; `hunted.search_alarms` with more runs is a matter of minutes."""
    assert search_alarms(seed=5, runs=10, rows=50_000, values=VALUES) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_pair_is_told_without_its_parents(seed: int) -> None:
    """8 points lost in a pair of 1.6 % of the rows: both parents look worse too, and are explained by it."""
    places, overall = searched(np.random.default_rng(seed), 100_000, VALUES, {((0, 3), (1, 5)): 0.08})
    assert told(places, overall) == [{"a0": 3, "a1": 5}]


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_value_is_told_without_its_pairs(seed: int) -> None:
    """8 points lost in one value of 12 % of the rows: dozens of its pairs look worse, and say no more than it."""
    places, overall = searched(np.random.default_rng(seed), 100_000, VALUES, {((0, 3),): 0.08})
    assert told(places, overall) == [{"a0": 3}]


def test_two_values_that_cross_are_both_told() -> None:
    """Each is bad without the other."""
    planted: dict[tuple[tuple[int, int], ...], float] = {((0, 3),): 0.06, ((1, 5),): 0.06}
    places, overall = searched(np.random.default_rng(1), 150_000, VALUES, planted)
    found = told(places, overall)
    assert {"a0": 3} in found
    assert {"a1": 5} in found


def test_harm_that_is_everywhere_is_found_nowhere() -> None:
    """Two points lost in all rows: the overall verdict tells it, no slice is worse than the rest."""
    places, overall = searched(np.random.default_rng(2), 100_000, VALUES, {(): 0.02})
    family = search(places, top=5, minimum=200, overall=overall)
    assert [f.outcome for f in family.findings] == [Outcome.PASS]
    assert "none shown to be worse and worse than the rest" in family.findings[0].reason
    assert len(search(places, top=5, minimum=200).findings) > 1


def test_a_value_that_only_overlaps_a_bad_one_is_explained() -> None:
    """`os = droid` is mostly `device = tablet`; outside of it nothing is wrong."""
    places = [
        place({"device": "tablet"}, 10_000, 1200),
        place({"os": "droid"}, 9_000, 1040),
        place({"device": "tablet", "os": "droid"}, 8_500, 1030),
        place({"device": "phone"}, 50_000, 1000),
    ]
    assert told(places, [place({}, 100_000, 3000)]) == [{"device": "tablet"}]


def test_a_declared_slice_with_its_own_finding_is_not_told_twice() -> None:
    """It is counted, and still explains others."""
    places, overall = searched(np.random.default_rng(0), 100_000, VALUES, {((0, 3),): 0.08})
    reported = {Place(slice={"a0": 3}, window=None, found=places[0].found).key}
    family = search(places, top=5, minimum=200, overall=overall, reported=reported)
    (summary,) = family.findings
    assert summary.outcome is Outcome.WARN
    assert "1 of them declared and told above" in summary.reason


def test_only_the_top_are_written_out() -> None:
    """Twelve bad values, three findings, the rest counted and in the table."""
    places = [place({"a": i}, 5000, 600 + i) for i in range(12)] + [place({"a": i}, 5000, 100) for i in range(12, 40)]
    family = search(places, top=3, minimum=200, overall=[place({}, 200_000, 10_000)])
    assert [f.slice for f in family.findings] == [{"a": 11}, {"a": 10}, {"a": 9}, {}]
    assert "12 tell where the harm sits; the 3 of most harm are listed" in family.findings[-1].reason
    assert [row.outcome for row in family.table].count(Outcome.WARN) == 12


def test_size_and_harm_both_rank() -> None:
    """Rows times the loss beyond the margin: a small disaster below a large nuisance, and above a small one."""
    large, small, tiny = (
        harm(place({}, n, n * (0.02 + loss)).found) for n, loss in ((1e5, 0.02), (1e3, 0.2), (1e3, 0.1))
    )
    assert large > small > tiny > 0
    assert large == pytest.approx(1e5 * 0.015 / 0.005)


def test_a_margin_of_zero_still_ranks() -> None:
    """In standard deviations of a row, not by division by zero."""
    found = place({}, 1000, 100).found
    zero = {name: getattr(found, name) for name in type(found).__slots__} | {"margin": 0.0}
    assert 0 < harm(type(found)(**zero)) < math.inf


def test_behaviour_is_not_searched_and_undefined_places_hide_nothing() -> None:
    """A moved positive rate is no harm by itself; NaN explains no other place."""
    assert search([place({"a": 1}, 5000, 900, metric=POSITIVE_RATE)], top=5, minimum=200).findings[0].n == 0
    nan = place({"a": 1}, 9000, 100)
    fields = {name: getattr(nan.found, name) for name in type(nan.found).__slots__} | {"loss": math.nan, "p": math.nan}
    undefined = Place(slice={"a": 1}, window=None, found=type(nan.found)(**fields))
    assert told([undefined, place({"a": 1, "b": 2}, 3000, 400)], []) == [{"a": 1, "b": 2}]


def test_data_sets_are_one_family_and_apart() -> None:
    """The slice is named with its data set; the same slice of the other set is fine."""
    places = [
        place({"a": i}, 3000, 400 if (i, name) == (2, "eu") else 60, name) for i in range(5) for name in ("eu", "us")
    ]
    family = search(places, top=5, minimum=200, overall=[place({}, 15_000, 300, name) for name in ("eu", "us")])
    (found, summary) = family.findings
    assert (found.dataset, found.slice) == ("eu", {"a": 2})
    assert found.reason.startswith("data set eu, a = 2: accuracy fell by")
    assert summary.n == 10


def test_the_metrics_of_one_slice_are_one_finding() -> None:
    """The one with most harm is written out, the other is named."""
    cells = share_cells(np.array([3000.0]), np.array([60.0]), np.array([400.0]))
    loss = Place(slice={"a": 2}, window=None, found=compared(cells, LOSS)[0])
    (found, _) = search([place({"a": 2}, 3000, 400), loss], top=5, minimum=200).findings
    assert found.slice == {"a": 2}
    assert "also " in found.reason


def test_nothing_large_enough_is_not_a_pass() -> None:
    """An empty search warns."""
    (summary,) = search([], top=5, minimum=200).findings
    assert (summary.outcome, summary.reason) == (Outcome.WARN, "No slice has 200 rows, so none was searched.")


def test_what_is_left_of_a_part_is_its_own_mean() -> None:
    """Means and variances of disjoint parts add up again."""
    rng = np.random.default_rng(3)
    values = rng.normal(0.1, 1.0, 5000)

    def part(chosen: np.ndarray) -> Part:
        return Part(len(chosen), float(chosen.mean()), float(chosen.std() / math.sqrt(len(chosen))))

    rest = without(part(values), [part(values[:1000]), part(values[1000:1500])])
    assert rest is not None
    assert rest.loss == pytest.approx(values[1500:].mean())
    assert rest.error == pytest.approx(values[1500:].std() / math.sqrt(3500), rel=0.01)
    assert without(part(values), [part(values)]) is None
