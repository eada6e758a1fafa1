"""Onset of a regression in a series of windows."""

from __future__ import annotations

import numpy as np

from ghmlops.core.predictions.subgroups.family import judge_family
from ghmlops.core.predictions.subgroups.onset import Onset, smoothed_error
from subgroup_data import POSITIVE_RATE, accuracy_cells, compare_cells, daily_windows


def onset(rng: np.random.Generator, losses: list[float]) -> Onset | None:
    return judge_family(daily_windows(rng, losses), "window", 200).onset


def test_the_first_window_of_the_regression_is_found_in_noise() -> None:
    """5 points lost from day 40 of 60, 2,000 rows per day: found to within two days in 38 of 40 runs, as ongoing."""
    rng = np.random.default_rng(1)
    days = [str(day) for day in np.datetime64("2025-01-01") + np.arange(60)]
    close = 0
    for _ in range(40):
        result = onset(rng, [0.0] * 40 + [0.05] * 20)
        close += result is not None and result.since in days[38:43] and result.until is None
    assert close >= 38


def test_a_regression_that_ended_has_an_end() -> None:
    """Four bad days in the middle of a month."""
    result = onset(np.random.default_rng(2), [0.0] * 10 + [0.12] * 4 + [0.0] * 16)
    assert result is not None
    assert (result.since, result.until, result.when) == (
        "2025-01-11",
        "2025-01-14",
        "from 2025-01-11 to 2025-01-14",
    )


def test_a_single_window_and_all_windows_are_worded_separately() -> None:
    """One bad day of 21, and a loss from the first window to the last."""
    rng = np.random.default_rng(3)
    single = onset(rng, [0.0] * 10 + [0.15] + [0.0] * 10)
    every = onset(rng, [0.08] * 20)
    assert (single and single.when, every and every.when) == ("in 2025-01-11", "in every window")


def test_a_moved_rate_has_an_onset_in_either_direction() -> None:
    """The positive rate rose from day 15 on."""
    windows = daily_windows(np.random.default_rng(6), [0.0] * 14 + [-0.08] * 10, metric=POSITIVE_RATE)
    assert judge_family(windows, "window", 200).since == "2025-01-15"


def test_a_subgroup_without_discordant_pairs_has_an_error() -> None:
    """At least that of one discordant pair, so that it does not outweigh all others."""
    (still,) = compare_cells(accuracy_cells(np.array([500.0]), np.zeros(1), np.zeros(1)))
    assert (still.error, smoothed_error(still)) == (0.0, 1 / 500)
