"""Slice search: a planted regression is found once, and equal slices raise no alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.search import search_slices
from subgroup_data import (
    ACCURACY,
    LOSS,
    POSITIVE_RATE,
    accuracy_cells,
    compare_cells,
    random_slices,
    search_alarms,
    undefined,
)

VALUES = (8, 8, 10, 12, 15)


def reported(slices: list[Subgroup], overall: list[Subgroup], **options: Any) -> list[dict[str, object]]:
    """Return the slices of the findings in their order."""
    findings = search_slices(slices, max_findings=5, minimum=200, overall=overall, **options).findings
    assert all(f.outcome is Outcome.WARN and f.id == "search-accuracy" for f in findings[:-1])
    return [dict(finding.slice) for finding in findings[:-1]]


def subgroup(values: dict[str, Any], n: float, lost: float, dataset: str = "", **options: Any) -> Subgroup:
    """Return a slice in which 2 % of the answers were gained and so many lost."""
    cells = accuracy_cells(np.array([n]), np.array([lost]), np.array([n * 0.02]))
    comparison = compare_cells(cells, options.get("metric", ACCURACY))[0]
    return Subgroup(slice=values, window=None, comparison=comparison, dataset=dataset)


def test_planted_slices_are_found_among_twenty_thousand() -> None:
    """A value that lost 3 points and a pair that lost 13, of 19,110 slices; each is reported once, largest first."""
    planted = {((0, 3), (2, 5)): 0.13, ((4, 7),): 0.03}
    slices, overall = random_slices(np.random.default_rng(0), 800_000, (30,) * 7, planted)
    assert len(slices) > 19_000
    family = search_slices(slices, max_findings=5, minimum=200, overall=overall)
    assert [dict(finding.slice) for finding in family.findings] == [{"a4": 7}, {"a0": 3, "a2": 5}, {}]
    summary = family.findings[-1]
    assert (summary.id, summary.outcome) == ("search-summary", Outcome.WARN)
    assert " 2 are worse than the rest" in summary.reason
    assert len(family.table) == 200
    assert [row.outcome for row in family.table].count(Outcome.WARN) == 2
    p = [row.p for row in family.table]
    assert p == sorted(p)


def test_equal_slices_raise_no_alarm() -> None:
    """Ten searches over some 1,100 slices each; `search_alarms` with more runs takes minutes."""
    assert search_alarms(seed=5, runs=10, rows=50_000, values=VALUES) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_pair_is_reported_without_its_values(seed: int) -> None:
    """8 points lost in a pair of 1.6 % of the rows: both values look worse too, and are explained by it."""
    slices, overall = random_slices(np.random.default_rng(seed), 100_000, VALUES, {((0, 3), (1, 5)): 0.08})
    assert reported(slices, overall) == [{"a0": 3, "a1": 5}]


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_value_is_reported_without_its_pairs(seed: int) -> None:
    """8 points lost in one value of 12 % of the rows: dozens of its pairs look worse, and are explained by it."""
    slices, overall = random_slices(np.random.default_rng(seed), 100_000, VALUES, {((0, 3),): 0.08})
    assert reported(slices, overall) == [{"a0": 3}]


def test_two_values_that_cross_are_both_reported() -> None:
    """Each is worse without the other."""
    planted: dict[tuple[tuple[int, int], ...], float] = {((0, 3),): 0.06, ((1, 5),): 0.06}
    slices, overall = random_slices(np.random.default_rng(1), 150_000, VALUES, planted)
    result = reported(slices, overall)
    assert {"a0": 3} in result
    assert {"a1": 5} in result


def test_a_regression_of_all_rows_is_not_reported_by_slice() -> None:
    """Two points lost in all rows: no slice is worse than the rest; without `overall` slices would be reported."""
    slices, overall = random_slices(np.random.default_rng(2), 100_000, VALUES, {(): 0.02})
    family = search_slices(slices, max_findings=5, minimum=200, overall=overall)
    assert [(f.id, f.outcome) for f in family.findings] == [("search-summary", Outcome.PASS)]
    assert len(search_slices(slices, max_findings=5, minimum=200).findings) > 1


def test_a_value_that_only_overlaps_a_bad_one_is_explained() -> None:
    """`os = droid` is mostly `device = tablet`; outside of the tablets it is fine."""
    slices = [
        subgroup({"device": "tablet"}, 10_000, 1200),
        subgroup({"os": "droid"}, 9_000, 1040),
        subgroup({"device": "tablet", "os": "droid"}, 8_500, 1030),
        subgroup({"device": "phone"}, 50_000, 1000),
    ]
    assert reported(slices, [subgroup({}, 100_000, 3000)]) == [{"device": "tablet"}]


def test_a_declared_slice_with_a_finding_is_not_reported_twice() -> None:
    """It is counted in the summary, and still explains other slices."""
    slices, overall = random_slices(np.random.default_rng(0), 100_000, VALUES, {((0, 3),): 0.08})
    keys = {Subgroup(slice={"a0": 3}, window=None, comparison=slices[0].comparison).key}
    family = search_slices(slices, max_findings=5, minimum=200, overall=overall, reported_keys=keys)
    (summary,) = family.findings
    assert summary.outcome is Outcome.WARN
    assert " 1 of them are declared" in summary.reason


def test_only_the_largest_regressions_are_reported() -> None:
    """Twelve bad values, three findings; the others are in the summary and in the table."""
    slices = [subgroup({"a": i}, 5000, 600 + i) for i in range(12)]
    slices += [subgroup({"a": i}, 5000, 100) for i in range(12, 40)]
    family = search_slices(slices, max_findings=3, minimum=200, overall=[subgroup({}, 200_000, 10_000)])
    assert [finding.slice for finding in family.findings] == [{"a": 11}, {"a": 10}, {"a": 9}, {}]
    assert all(text in family.findings[-1].reason for text in (" 12 are worse", " 3 with the largest"))
    assert [row.outcome for row in family.table].count(Outcome.WARN) == 12


def test_behaviour_is_not_searched_and_undefined_slices_hide_nothing() -> None:
    """A moved positive rate is no regression by itself; NaN explains no other slice."""
    moved = subgroup({"a": 1}, 5000, 900, metric=POSITIVE_RATE)
    assert search_slices([moved], max_findings=5, minimum=200).findings[0].n == 0
    nan = undefined(subgroup({"a": 1}, 9000, 100))
    assert reported([nan, subgroup({"a": 1, "b": 2}, 3000, 400)], []) == [{"a": 1, "b": 2}]


def test_data_sets_are_one_family_and_separate_series() -> None:
    """The slice is named with its data set; the same slice of the other set is fine."""
    slices = [
        subgroup({"a": i}, 3000, 400 if (i, name) == (2, "eu") else 60, name) for i in range(5) for name in ("eu", "us")
    ]
    overall = [subgroup({}, 15_000, 300, name) for name in ("eu", "us")]
    (finding, summary) = search_slices(slices, max_findings=5, minimum=200, overall=overall).findings
    assert (finding.dataset, finding.slice) == ("eu", {"a": 2})
    assert finding.reason.startswith("data set eu, a = 2: ")
    assert summary.n == 10


def test_the_metrics_of_one_slice_are_one_finding() -> None:
    """The metric with the largest loss is reported in numbers, the other one by name."""
    cells = accuracy_cells(np.array([3000.0]), np.array([60.0]), np.array([400.0]))
    loss = Subgroup(slice={"a": 2}, window=None, comparison=compare_cells(cells, LOSS)[0])
    (finding, _) = search_slices([subgroup({"a": 2}, 3000, 400), loss], max_findings=5, minimum=200).findings
    assert finding.slice == {"a": 2}
    assert all(title in finding.reason for title in ("accuracy", "loss"))


def test_a_search_without_large_slices_is_no_fault() -> None:
    """Nobody declares the searched slices, so that none is large enough is stated and never warns."""
    (summary,) = search_slices([], max_findings=5, minimum=200).findings
    assert (summary.id, summary.outcome, summary.n) == ("search-summary", Outcome.PASS, 0)
