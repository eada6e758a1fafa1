"""Spread of the changes between subgroups."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.metrics.mae import MAE
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.family import judge_family, run_tests
from ghmlops.core.predictions.subgroups.heterogeneity import uneven_windows
from ghmlops.core.predictions.subgroups.spread import Spread, Spreads, estimate_spreads, widen
from ghmlops.core.stats import student

ERROR, MARGIN = 0.01, 0.005


def windows(z: np.ndarray, column: str = "") -> list[Subgroup]:
    """Windows, or slices of a column, whose changes of the MAE are `z` standard errors."""
    p = student.p_greater(z, np.ones_like(z), np.full_like(z, 1e9))
    return [
        Subgroup(
            slice={column: index} if column else {},
            window=None if column else f"{index:04d}",
            comparison=Comparison(
                metric=MAE,
                n=1000,
                baseline=1.0,
                candidate=1.0 + ERROR * value,
                low=ERROR * (value - 2),
                high=ERROR * (value + 2),
                loss=ERROR * value,
                loss_low=ERROR * (value - 2),
                loss_high=ERROR * (value + 2),
                p=float(p[index]),
                error=ERROR,
                margin=MARGIN,
                method="",
            ),
        )
        for index, value in enumerate(z)
    ]


def retrained(size: int, spread: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, spread, size)


def failures(subgroups: list[Subgroup], noise: list[Subgroup] | None = None) -> set[str | None]:
    tests = run_tests(subgroups, spreads=estimate_spreads(subgroups, noise or []))
    return {test.subgroup.window for test in tests if test.outcome is Outcome.FAIL}


def test_another_seed_is_no_regression() -> None:
    """365 windows that vary by 1.9 standard errors: some fail without the spread, and none with it."""
    subgroups = windows(retrained(365, 1.9, 3))
    assert [t for t in run_tests(subgroups) if t.outcome is Outcome.FAIL]
    ((family, spread),) = estimate_spreads(subgroups).items()
    assert family == ("", "mae", ("",))
    assert spread.scale == pytest.approx(1.9, rel=0.1)
    assert failures(subgroups) == set()
    summary = judge_family(subgroups, "window", 200, estimate_spreads(subgroups)).findings[-1]
    assert (summary.id, summary.outcome) == ("windows-summary", Outcome.PASS)
    assert f"{spread.scale:.1f} times" in summary.method


def test_independent_rows_have_no_spread() -> None:
    """Windows that vary by one standard error are tested as before."""
    assert estimate_spreads(windows(retrained(365, 1.0))) == {}


@pytest.mark.parametrize("share", [0.003, 0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("size", [52, 365])
def test_real_faults_do_not_hide_behind_their_own_spread(share: float, size: int) -> None:
    """Windows at 40 standard errors fail, up to half of all windows, on top of a spread of 1.9."""
    z = retrained(size, 1.9, 2)
    faulty = max(round(share * size), 1)
    z[:faulty] += 40.0
    assert failures(windows(z)) == {f"{index:04d}" for index in range(faulty)}


def test_an_improvement_elsewhere_does_not_hide_a_fault() -> None:
    """A third of the windows improve by 30 standard errors, one gets worse by 30."""
    z = retrained(365, 1.6, 3)
    z[:120] -= 30.0
    z[200] += 30.0
    assert failures(windows(z)) == {"0200"}


def test_a_small_family_has_the_typical_spread_of_the_others() -> None:
    """Three slices cannot show their spread; those of other columns can, for the same metric."""
    small, large = windows(np.array([0.0, 5.0, -4.0]), "region"), windows(retrained(60, 4.0), "store")
    assert estimate_spreads(small) == {}
    spreads = estimate_spreads([*small, *large])
    assert spreads["", "mae", ("region",)].scale == pytest.approx(4.0, rel=0.2)
    tests = run_tests(small, spreads=spreads)
    assert {test.outcome for test in tests} == {Outcome.PASS}


def test_the_noise_baseline_shows_the_spread_without_any_regression() -> None:
    """With a second baseline even faults in nine tenths of the windows are found: its spread is taken, not theirs."""
    z = retrained(100, 2.0, 4)
    z[:90] += np.linspace(30.0, 90.0, 90)
    noise = windows(retrained(100, 2.0, 5))
    assert len(failures(windows(z), noise)) == 90
    spread = estimate_spreads(windows(z), noise)["", "mae", ("",)]
    assert spread.scale == pytest.approx(2.0, rel=0.2)


def test_the_tail_is_that_of_students_t() -> None:
    """A deviate of 6 over a spread of 2 has the p-value of 3 under Student's t; other families keep theirs."""
    subgroups = windows(np.array([6.0, -6.0]))
    spread = Spread(2.0, 100)
    p = np.array([1e-9, 0.9])
    spreads: Spreads = {("", "mae", ("",)): spread}
    widened = widen(p, subgroups, spreads)
    deviate = 5.997807015  # of the normal p-value 1e-9
    expected = student.p_greater(np.array([deviate / 2]), np.ones(1), np.array([spread.df]))
    assert widened == pytest.approx([expected[0], 0.9], rel=1e-6)
    assert widen(p, subgroups, {}) is p


def test_a_vanishing_p_value_keeps_its_distance() -> None:
    """A loss of 100 standard errors, whose p-value is 0, is not cut to the 37 that a double can express."""
    (subgroup,) = windows(np.array([100.0]))
    spreads: Spreads = {("", "mae", ("",)): Spread(8.0, 365)}
    assert subgroup.comparison.p == 0
    assert float(widen(np.zeros(1), [subgroup], spreads)[0]) < 1e-6


def test_uneven_windows_vary_by_more_than_their_spread() -> None:
    """Cochran's Q is silent on another seed, and warns about a regression that comes and goes."""
    z = retrained(365, 1.9, 3)
    spreads = estimate_spreads(windows(z))
    assert uneven_windows(windows(z))
    assert uneven_windows(windows(z), spreads) == []
    z[::5] += 16.0
    assert uneven_windows(windows(z), estimate_spreads(windows(z)))


def test_windows_without_a_changed_row_say_nothing_about_the_spread() -> None:
    """Half of the windows have no changed row and no error; the spread is that of the others."""
    z = retrained(200, 2.0, 6)
    subgroups = windows(z)
    still = [replace(s, comparison=replace(s.comparison, candidate=1.0, error=0.0)) for s in windows(np.zeros(200))]
    assert estimate_spreads([*subgroups, *still]) == estimate_spreads(subgroups)
