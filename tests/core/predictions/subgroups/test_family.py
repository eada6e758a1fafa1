"""Hunting for harm over families of slices and windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.place import Place, name_place
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.predictions.subgroups.family import MOST_FINDINGS, MOST_LISTED, harm_p, hunt, missing
from ghmlops.core.predictions.subgroups.heterogeneity import datasets_uneven, windows_uneven
from hunted import ACCURACY, POSITIVE_RATE, compared, share_cells, windows


def place(
    name: object, lost: float, gained: float = 20, n: float = 1000, metric: Metric = ACCURACY, dataset: str = ""
) -> Place:
    """A slice of `n` rows with so many answers lost and gained."""
    (found,) = compared(share_cells(np.array([float(n)]), np.array([float(lost)]), np.array([float(gained)])), metric)
    return Place(slice={"s": name}, window=None, found=found, dataset=dataset)  # type: ignore[dict-item]


def window(day: int, lost: float, dataset: str = "", **more: Any) -> Place:
    one = place("", lost, **more)
    return Place(slice={}, window=f"2025-03-{day:02}", found=one.found, dataset=dataset)


def test_a_broken_slice_fails_and_is_named_with_its_numbers() -> None:
    """One of fifty slices is worse: it alone is a failure, the summary counts it."""
    family = hunt([place(i, 90 if i == 7 else 20) for i in range(50)], "slice", 200)
    broken, summary = family.findings
    assert (broken.id, broken.outcome, broken.slice) == ("slice-accuracy", Outcome.FAIL, {"s": 7})
    assert "s = 7: accuracy fell by 7.00 points" in broken.reason
    assert "Holm" in broken.reason
    assert (summary.id, summary.outcome, summary.n) == ("slices-summary", Outcome.FAIL, 50)
    assert "1 failed, 0 to look at" in summary.reason
    assert {7} == {row.subgroup == "s = 7" and 7 for row in family.table[:1]}


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
    moves = [place(0, lost, gained, 4000, POSITIVE_RATE).found for lost, gained in ((80, 20), (400, 20), (0, 0))]
    small, large, none = harm_p(moves)
    assert (small > 0.01, large < 1e-9, none) == (True, True, 1.0)


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
    found = windows_uneven([window(i + 1, float(lost)) for i, lost in enumerate(losses)])
    assert expected == len(found)
    assert all(f.outcome is Outcome.WARN and "Cochran" in f.reason for f in found)


def test_windows_without_any_change_are_even() -> None:
    """No discordant pair anywhere: no division by zero, no finding."""
    assert windows_uneven([window(i + 1, 0.0, gained=0) for i in range(5)]) == []


def test_the_windows_of_each_data_set_are_even_or_not_by_themselves() -> None:
    """One set lost 5 points everywhere, the other nothing: the windows of both are even, the sets are not."""
    windows_ = [window(i + 1, lost, name) for i in range(8) for name, lost in (("eu", 70), ("us", 20))]
    assert windows_uneven(windows_) == []
    sets = [place("", lost, 160, 8000, dataset=name) for name, lost in (("eu", 560), ("us", 160))]
    (found,) = datasets_uneven([Place(slice={}, window=None, found=p.found, dataset=p.dataset) for p in sets])
    assert (found.id, found.outcome, found.dataset, found.n) == ("datasets-uneven", Outcome.WARN, "", 16_000)
    assert "differs between 2 data sets" in found.reason
    assert "the worst is data set eu: accuracy fell by 5.00 points" in found.reason


def test_one_data_set_or_equal_ones_are_even() -> None:
    """Nothing to compare, or nothing that differs."""
    one = Place(slice={}, window=None, found=place("", 70).found, dataset="eu")
    other = Place(slice={}, window=None, found=one.found, dataset="us")
    assert datasets_uneven([one]) == datasets_uneven([one, other]) == datasets_uneven([]) == []


def test_families_span_data_sets_and_name_them() -> None:
    """The same slice of two sets are two places; finding, table and sentence say which."""
    family = hunt(
        [place(i, 90 if (i, d) == (7, "eu") else 20, dataset=d) for i in range(20) for d in ("eu", "us")], "slice", 200
    )
    broken, summary = family.findings
    assert (broken.dataset, broken.slice, summary.n) == ("eu", {"s": 7}, 40)
    assert broken.reason.startswith("data set eu, s = 7: accuracy fell by 7.00 points")
    assert (family.table[0].dataset, family.table[0].subgroup) == ("eu", "s = 7")
    assert family.bad == {("eu", ("s", 7), None)}
    (gone,) = missing([({}, "2025-03-04", 1234)], "window", "us")
    assert (gone.dataset, gone.reason.split(":")[0]) == ("us", "data set us, window 2025-03-04")


@pytest.mark.parametrize(
    ("where", "window_", "dataset", "expected"),
    [
        ({}, None, "", ""),
        ({}, None, "eu", "data set eu"),
        ({"a": None, "b": 2}, None, "", "a = null, b = 2"),
        ({"a": 1}, None, "eu", "data set eu, a = 1"),
        ({}, "2025-03-01", "eu", "data set eu, window 2025-03-01"),
    ],
)
def test_a_place_has_one_name(where: dict[str, Any], window_: str | None, dataset: str, expected: str) -> None:
    """Slices, windows and all rows, with a data set or without."""
    assert expected == name_place(where, window_, dataset)


def test_many_missing_slices_are_bounded_and_counted() -> None:
    """The last finding says how many more there are."""
    found = missing([({"s": i}, None, 500) for i in range(120)], "slice")
    assert len(found) == MOST_FINDINGS
    assert found[-1].reason.endswith("So it is with 70 more slices.")
    assert "more" not in found[0].reason


def test_the_first_bad_window_is_named_in_noise() -> None:
    """5 points lost from day 40 of 60, 2,000 rows a day: named to within two days in 38 of 40 runs."""
    rng = np.random.default_rng(1)
    days = [str(day) for day in np.datetime64("2025-01-01") + np.arange(60)]
    close = 0
    for _ in range(40):
        family = hunt(windows(rng, [0.0] * 40 + [0.05] * 20), "window", 200)
        close += family.since in days[38:43] and family.onset is not None and family.onset.until is None
    assert close >= 38
    assert f"accuracy is worse since {family.since}" in family.findings[-1].reason


def test_a_loss_that_ended_says_from_when_to_when() -> None:
    """Four bad days in the middle of a month."""
    family = hunt(windows(np.random.default_rng(2), [0.0] * 10 + [0.12] * 4 + [0.0] * 16), "window", 200)
    assert family.onset is not None
    assert family.onset.when == "from 2025-01-11 to 2025-01-14"
    assert "is worse from 2025-01-11 to 2025-01-14" in family.findings[-1].reason


def test_a_single_bad_day_and_a_loss_from_the_start_have_their_words() -> None:
    """`in`, and `in every window`."""
    rng = np.random.default_rng(3)
    one = hunt(windows(rng, [0.0] * 10 + [0.15] + [0.0] * 10), "window", 200).onset
    every = hunt(windows(rng, [0.08] * 20), "window", 200).onset
    assert (one and one.when, every and every.when) == ("in 2025-01-11", "in every window")


def test_no_bad_window_has_no_start() -> None:
    """A start is named exactly where something fails or warns, which is rare without a loss; slices have none."""
    rng = np.random.default_rng(4)
    families = [hunt(windows(rng, [0.0] * 30), "window", 200) for _ in range(20)]
    assert all((family.since is None) == (not family.bad) for family in families)
    assert sum(bool(family.bad) for family in families) <= 3
    assert hunt([place(1, 120)], "slice", 200).onset is None


def test_the_start_is_that_of_the_worst_data_set() -> None:
    """Only `eu` went bad; the sentence says so, and since when."""
    rng = np.random.default_rng(5)
    places = windows(rng, [0.0] * 20 + [0.1] * 10, dataset="eu") + windows(rng, [0.0] * 30, dataset="us")
    family = hunt(places, "window", 200)
    assert family.onset is not None
    assert (family.onset.dataset, family.since) == ("eu", "2025-01-21")
    assert "accuracy of data set eu is worse since 2025-01-21" in family.findings[-1].reason


def test_a_rate_that_moved_has_a_start_whichever_way_it_went() -> None:
    """Behaviour: the positive rate rose from day 15 on."""
    places = windows(np.random.default_rng(6), [0.0] * 14 + [-0.08] * 10, metric=POSITIVE_RATE)
    assert hunt(places, "window", 200).since == "2025-01-15"
