"""Hunting for harm over families of slices and windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ghmlops.core.judge import Comparison, comparison_at
from ghmlops.core.metric import Metric
from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.model import Outcome
from ghmlops.core.paired import Cells
from ghmlops.core.slices import MOST_FINDINGS, MOST_LISTED, Place, harm_p, hunt, missing, uneven


def place(name: object, lost: float, gained: float = 20, n: float = 1000, metric: Metric = ACCURACY) -> Place:
    """A slice of `n` rows with so many answers lost and gained."""
    a = np.array([n * 0.8])
    cells = Cells(
        n=np.array([n]), a=a, d=np.array([gained - lost]), aa=a, ad=np.array([-lost]), dd=np.array([gained + lost])
    )
    assert metric.compare
    found = comparison_at(metric.compare(cells, metric.tail(0.01)), 0, metric, spread=1.0, margins={})
    return Place(slice={"s": name}, window=None, found=found)  # type: ignore[dict-item]


def window(day: int, lost: float, **more: Any) -> Place:
    one = place("", lost, **more)
    return Place(slice={}, window=f"2025-03-{day:02}", found=one.found)


def test_a_broken_slice_fails_and_is_named_with_its_numbers() -> None:
    """One of fifty slices is worse: it alone is a failure, the summary counts it."""
    family = hunt([place(i, 90 if i == 7 else 20) for i in range(50)], "slice", 200)
    broken, summary = family.findings
    assert (broken.id, broken.outcome, broken.slice) == ("slice-accuracy", Outcome.FAIL, {"s": 7})
    assert "s = 7: accuracy fell by 7.00 points" in broken.reason
    assert "Holm" in broken.reason
    assert (summary.id, summary.outcome, summary.n) == ("slices-summary", Outcome.FAIL, 50)
    assert "1 failed, 0 to look at" in summary.reason
    assert {7} == {row["slice"] == "s = 7" and 7 for row in family.table[:1]}


def test_none_worse_is_one_passing_summary() -> None:
    """No finding but the summary, in words."""
    (summary,) = hunt([place(i, 20) for i in range(37)], "slice", 200).findings
    assert (
        summary.outcome,
        summary.reason,
    ) == (Outcome.PASS, "37 slices of at least 200 rows: none shown to be worse (accuracy).")


def test_no_slice_large_enough_is_not_a_pass() -> None:
    """An empty family warns: nothing was looked at."""
    (summary,) = hunt([], "slice", 200).findings
    assert summary.outcome is Outcome.WARN


def test_harm_that_only_the_softer_correction_shows_is_a_warning() -> None:
    """Beyond Benjamini-Hochberg's level but not beyond Holm's."""
    found = hunt([place(i, 44 if i < 3 else 20) for i in range(30)], "slice", 200).findings
    assert {Outcome.WARN} == {f.outcome for f in found}


def test_a_shown_loss_inside_the_margin_is_no_finding() -> None:
    """A million rows show a loss of 0.1 points, which the margin allows."""
    (summary,) = hunt([place(0, 21_000, 20_000, 1_000_000)], "slice", 200).findings
    assert summary.outcome is Outcome.PASS


def test_a_move_of_behaviour_must_be_shown_to_exceed_the_margin() -> None:
    """Positive rate: 1.5 points shown to be more than 0, but not more than the margin of 1 point, is no failure."""
    assert harm_p(place(0, 80, 20, 4000, POSITIVE_RATE).found) > 0.01
    assert harm_p(place(0, 400, 20, 4000, POSITIVE_RATE).found) < 1e-9
    assert harm_p(place(0, 0, 0, 4000, POSITIVE_RATE).found) == 1.0


def test_evidence_stays_small_with_ten_thousand_slices() -> None:
    """Findings and table are bounded; the summary counts the rest."""
    broken = place(0, 120).found
    family = hunt([Place(slice={"s": i}, window=None, found=broken) for i in range(10_000)], "slice", 200)
    assert (len(family.findings), len(family.table)) == (MOST_FINDINGS + 1, MOST_LISTED)
    assert "10,000 failed, 0 to look at; the worst 50 are listed" in family.findings[-1].reason


def test_an_undefined_place_shows_nothing() -> None:
    """NaN in one slice neither fails nor hides the others."""
    undefined = place("nan", 20)
    broken = dict.fromkeys(("loss", "loss_low", "loss_high", "p", "candidate", "low", "high"), math.nan)
    fields = {name: getattr(undefined.found, name) for name in Comparison.__slots__} | broken
    nan = Place(slice={"s": "nan"}, window=None, found=Comparison(**fields))
    found = hunt([nan, place("bad", 90)], "slice", 200).findings
    assert [f.slice for f in found] == [{"s": "bad"}, {}]


def test_two_metrics_of_one_slice_are_one_finding() -> None:
    """The worst metric is written out, the others are named."""
    found = hunt([place(1, 120), place(1, 120, 20, 1000, POSITIVE_RATE)], "slice", 200).findings
    assert [f.slice for f in found] == [{"s": 1}, {}]
    assert "also " in found[0].reason


def test_null_is_a_slice_like_any_other() -> None:
    """A null value is named `null` and kept as null, apart from the text "null"."""
    found = hunt([place(None, 120), place("null", 119)], "slice", 200).findings
    assert [f.slice for f in found] == [{"s": None}, {"s": "null"}, {}]


def test_a_missing_window_fails_and_is_named() -> None:
    """The baseline's rows of the window are counted."""
    (found,) = missing([({}, "2025-03-04", 1234)], "window")
    assert (found.id, found.outcome, found.window) == ("window-missing", Outcome.FAIL, "2025-03-04")
    assert "1,234" in found.reason


@pytest.mark.parametrize(("losses", "expected"), [([20] * 10, 0), ([60, 62, 2, 1, 3, 60, 2, 60, 1, 61], 1)])
def test_a_change_that_differs_by_window_is_a_warning_where_one_is_beyond(losses: list[int], expected: int) -> None:
    """Cochran's Q sees what no single window shows."""
    found = uneven([window(i + 1, float(lost)) for i, lost in enumerate(losses)])
    assert expected == len(found)
    assert all(f.outcome is Outcome.WARN and "Cochran" in f.reason for f in found)


def test_windows_without_any_change_are_even() -> None:
    """No discordant pair anywhere: no division by zero, no finding."""
    assert uneven([window(i + 1, 0.0, gained=0) for i in range(5)]) == []
