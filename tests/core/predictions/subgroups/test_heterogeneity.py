"""Changes that differ between windows or data sets."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.heterogeneity import uneven_datasets, uneven_windows
from subgroup_data import accuracy_cells, compare_cells


def subgroup(
    lost: float, gained: float = 20, n: float = 1000, window: str | None = None, dataset: str = ""
) -> Subgroup:
    (comparison,) = compare_cells(accuracy_cells(np.array([n]), np.array([lost]), np.array([gained])))
    return Subgroup(slice={}, window=window, comparison=comparison, dataset=dataset)


def window(day: int, lost: float, dataset: str = "", gained: float = 20) -> Subgroup:
    return subgroup(lost, gained, window=f"2025-03-{day:02}", dataset=dataset)


@pytest.mark.parametrize(("losses", "expected"), [([20] * 10, 0), ([60, 62, 2, 1, 3, 60, 2, 60, 1, 61], 1)])
def test_a_change_that_differs_by_window_warns_if_one_exceeds_the_margin(losses: list[int], expected: int) -> None:
    """Cochran's Q detects a regression that comes and goes."""
    findings = uneven_windows([window(i + 1, float(lost)) for i, lost in enumerate(losses)])
    assert len(findings) == expected
    assert all((f.id, f.outcome, f.n) == ("windows-uneven", Outcome.WARN, 10_000) for f in findings)


def test_a_change_that_differs_without_a_regression_is_no_finding() -> None:
    """The candidate is better in half of the windows and equal in the others."""
    assert uneven_windows([window(i + 1, 2.0, gained=60 if i % 2 else 2) for i in range(10)]) == []


def test_windows_without_any_change_are_even() -> None:
    """No discordant pair at all: no division by zero, no finding."""
    assert uneven_windows([window(i + 1, 0.0, gained=0) for i in range(5)]) == []


def test_the_windows_of_each_data_set_are_tested_separately() -> None:
    """One data set lost 5 points in every window, the other nothing: the windows of both are even, the sets are not."""
    windows = [window(i + 1, lost, name) for i in range(8) for name, lost in (("eu", 70), ("us", 20))]
    assert uneven_windows(windows) == []
    (finding,) = uneven_datasets([subgroup(lost, 160, 8000, dataset=d) for d, lost in (("eu", 560), ("us", 160))])
    assert (finding.id, finding.outcome, finding.dataset) == ("datasets-uneven", Outcome.WARN, "")
    assert finding.n == 16_000
    assert all(text in finding.reason for text in ("2 data sets", "data set eu", "-5.0 points"))


def test_one_data_set_or_equal_ones_are_even() -> None:
    """Nothing to compare, or nothing that differs."""
    eu, us = subgroup(70, dataset="eu"), subgroup(70, dataset="us")
    assert uneven_datasets([eu]) == uneven_datasets([eu, us]) == uneven_datasets([]) == []
