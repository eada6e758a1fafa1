"""Families of slices and windows: corrected for multiple tests, bounded, and named."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.constants import MAX_FINDINGS, MAX_TABLE_ROWS
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.family import (
    FamilyResult,
    Kind,
    judge_family,
    missing_subgroups,
    regression_p_values,
    run_tests,
)
from subgroup_data import ACCURACY, POSITIVE_RATE, accuracy_cells, compare_cells, daily_windows


def subgroup(
    name: object, lost: float, gained: float = 20, n: float = 1000, metric: Metric = ACCURACY, dataset: str = ""
) -> Subgroup:
    """Return a slice of `n` rows in which so many correct answers were lost and gained."""
    cells = accuracy_cells(np.array([float(n)]), np.array([float(lost)]), np.array([float(gained)]))
    (comparison,) = compare_cells(cells, metric)
    return Subgroup(slice={"s": name}, window=None, comparison=comparison, dataset=dataset)  # type: ignore[dict-item]


def judge(subgroups: list[Subgroup]) -> FamilyResult:
    return judge_family(subgroups, "slice", 200)


def test_a_broken_slice_fails_and_is_named_with_its_numbers() -> None:
    """One of fifty slices is worse: it alone fails, and the summary counts it."""
    family = judge([subgroup(i, 90 if i == 7 else 20) for i in range(50)])
    broken, summary = family.findings
    assert (broken.id, broken.outcome, broken.slice) == ("slice-accuracy", Outcome.FAIL, {"s": 7})
    assert broken.change is not None
    assert broken.change.estimate == pytest.approx(-0.07)
    assert broken.reason.startswith("s = 7: ")
    assert all(text in broken.reason for text in ("80.0", "73.0", "-7.0 points", "0.5 points", "1,000 rows", "Holm"))
    assert (summary.id, summary.outcome, summary.n) == ("slices-summary", Outcome.FAIL, 50)
    assert all(text in summary.reason for text in ("50 slices", "200 rows", "1 failed", "0 warned"))
    assert family.table[0].subgroup == "s = 7"


def test_a_family_without_a_regression_has_one_passing_summary() -> None:
    """No finding but the summary, which names number and metrics."""
    (summary,) = judge([subgroup(i, 20) for i in range(37)]).findings
    assert (summary.outcome, summary.n) == (Outcome.PASS, 37)
    assert all(text in summary.reason for text in ("37 slices", "200 rows", "accuracy"))


def test_no_slice_large_enough_is_not_a_pass() -> None:
    """An empty family warns, because nothing was tested."""
    (summary,) = judge([]).findings
    assert (summary.outcome, summary.n) == (Outcome.WARN, 0)


def test_a_regression_that_only_the_false_discovery_rate_flags_is_a_warning() -> None:
    """Beyond the level of Benjamini and Hochberg but not beyond Holm's."""
    findings = judge([subgroup(i, 44 if i < 3 else 20) for i in range(30)]).findings
    assert {finding.outcome for finding in findings} == {Outcome.WARN}


def test_a_significant_loss_within_the_margin_is_no_finding() -> None:
    """A million rows show a loss of 0.1 points, which the margin allows."""
    (summary,) = judge([subgroup(0, 21_000, 20_000, 1_000_000)]).findings
    assert summary.outcome is Outcome.PASS


def test_a_move_of_behaviour_must_significantly_exceed_the_margin() -> None:
    """A move of 1.5 points that is significantly above 0, but not above the margin of 1 point, passes."""
    moves = [
        subgroup(0, lost, gained, 4000, POSITIVE_RATE).comparison for lost, gained in ((80, 20), (400, 20), (0, 0))
    ]
    small, large, none = regression_p_values(moves)
    assert (small > 0.01, large < 1e-9, none) == (True, True, 1.0)


def test_evidence_stays_small_with_ten_thousand_slices() -> None:
    """Findings and table are bounded; the summary counts all."""
    broken = subgroup(0, 120).comparison
    family = judge([Subgroup(slice={"s": i}, window=None, comparison=broken) for i in range(10_000)])
    assert (len(family.findings), len(family.table)) == (MAX_FINDINGS + 1, MAX_TABLE_ROWS)
    assert all(text in family.findings[-1].reason for text in ("10,000 failed", "0 warned", "50 are listed"))
    assert len(family.flagged_keys) == 10_000


def test_an_undefined_subgroup_passes_and_hides_no_other() -> None:
    """NaN in one slice neither fails nor hides the others."""
    undefined = subgroup("nan", 20)
    nans = dict.fromkeys(("loss", "loss_low", "loss_high", "p", "candidate", "low", "high"), math.nan)
    comparison = msgspec.structs.replace(undefined.comparison, **nans)
    nan = Subgroup(slice={"s": "nan"}, window=None, comparison=comparison)
    findings = judge([nan, subgroup("bad", 90)]).findings
    assert [finding.slice for finding in findings] == [{"s": "bad"}, {}]


def test_the_tests_are_ordered_by_p_value_and_need_a_second_claim() -> None:
    """Smallest p-value first; a second claim with a p-value of 1 leaves nothing to report."""
    subgroups = [subgroup(i, 20 + 10 * i) for i in range(6)]
    tests = run_tests(subgroups)
    assert [test.subgroup.slice["s"] for test in tests] == [5, 4, 3, 2, 1, 0]
    assert all(test.p <= test.bh <= test.holm for test in tests)
    assert {test.outcome for test in run_tests(subgroups, np.ones(6))} == {Outcome.PASS}


def test_two_metrics_of_one_slice_are_one_finding() -> None:
    """The worst metric is reported in numbers, the other one by name."""
    findings = judge([subgroup(1, 120), subgroup(1, 120, 20, 1000, POSITIVE_RATE)]).findings
    assert [finding.slice for finding in findings] == [{"s": 1}, {}]
    assert all(title in findings[0].reason for title in ("accuracy", "positive rate"))


def test_null_is_a_slice_value_like_any_other() -> None:
    """A null stays null in the finding, different from the text "null"."""
    findings = judge([subgroup(None, 120), subgroup("null", 119)]).findings
    assert [finding.slice for finding in findings] == [{"s": None}, {"s": "null"}, {}]


def test_a_missing_window_fails_and_is_named() -> None:
    """The baseline's rows of the window are counted."""
    (finding,) = missing_subgroups([({}, "2025-03-04", 1234)], "window", "us")
    assert (finding.id, finding.outcome, finding.window) == ("window-missing", Outcome.FAIL, "2025-03-04")
    assert (finding.n, finding.candidate, finding.dataset) == (1234, 0.0, "us")
    assert all(text in finding.reason for text in ("data set us", "2025-03-04", "1,234"))


def test_many_missing_slices_are_bounded_and_counted() -> None:
    """The last finding states how many more there are."""
    findings = missing_subgroups([({"s": i}, None, 500) for i in range(120)], "slice")
    assert len(findings) == MAX_FINDINGS
    assert [" 70 more" in finding.reason for finding in findings] == [False] * (MAX_FINDINGS - 1) + [True]


def test_families_span_data_sets_and_name_them() -> None:
    """The same slice of two data sets is two subgroups; finding, table and key contain the data set."""
    family = judge([subgroup(i, 90 if (i, d) == (7, "eu") else 20, dataset=d) for i in range(20) for d in ("eu", "us")])
    broken, summary = family.findings
    assert (broken.dataset, broken.slice, summary.n) == ("eu", {"s": 7}, 40)
    assert broken.reason.startswith("data set eu, s = 7: ")
    assert (family.table[0].dataset, family.table[0].subgroup) == ("eu", "s = 7")
    assert family.flagged_keys == {("eu", ("s", 7), None)}


def test_no_flagged_window_has_no_onset() -> None:
    """An onset exists exactly if a window fails or warns, which is rare without a loss; slices have none."""
    rng = np.random.default_rng(4)
    families = [judge_family(daily_windows(rng, [0.0] * 30), "window", 200) for _ in range(20)]
    assert all((family.since is None) == (not family.flagged_keys) for family in families)
    assert sum(bool(family.flagged_keys) for family in families) <= 3
    assert judge([subgroup(1, 120)]).onset is None


def test_the_onset_is_that_of_the_worst_data_set() -> None:
    """Only `eu` got worse, on day 21; the summary has both."""
    rng = np.random.default_rng(5)
    windows: list[Any] = daily_windows(rng, [0.0] * 20 + [0.1] * 10, dataset="eu")
    windows += daily_windows(rng, [0.0] * 30, dataset="us")
    family = judge_family(windows, "window", 200)
    assert family.onset is not None
    assert (family.onset.dataset, family.since) == ("eu", "2025-01-21")
    assert family.onset.sentence in family.findings[-1].reason


@pytest.mark.parametrize(("kind", "outcome"), [("slice", "warn"), ("window", "warn"), ("class", "pass")])
def test_small_classes_are_no_warning_because_nobody_declared_them(kind: Kind, outcome: str) -> None:
    """A family without a subgroup of the minimum size warns if the policy names it, and passes if it is the classes."""
    (summary,) = judge_family([], kind, 200).findings
    assert (summary.outcome, summary.n) == (outcome, 0)
