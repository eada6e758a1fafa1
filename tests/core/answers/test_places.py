"""The verdict on each place."""

from __future__ import annotations

import numpy as np

from core.answers.test_tally import add
from ghmlops.core.answers.constants import TEST_ALPHA
from ghmlops.core.answers.places import judge_places
from ghmlops.core.answers.tally import Tally


def tally_of(rows: int, noise: float, change: float, seed: int) -> Tally:
    """Return the counts of answers with a place of noise that may change, and a quiet one."""
    rng, tally = np.random.default_rng(seed), Tally()
    for row in range(rows):
        answers = [{"label": "a" if rng.random() >= noise else "b", "ok": True} for _ in range(3)]
        if rng.random() < change:
            answers[2] = {"label": "c", "ok": True}
        add(tally, row, *answers)
    return tally


def test_a_change_in_noise_is_proven_and_noise_alone_is_not() -> None:
    """At 5 % noise, a change of 5 % of 3,000 rows is proven; the same noise without a change is not."""
    (changed,) = judge_places({"e": tally_of(3000, 0.05, 0.05, 3)}, TEST_ALPHA)
    (unchanged,) = judge_places({"e": tally_of(3000, 0.05, 0.0, 3)}, TEST_ALPHA)
    assert changed.proven
    assert not changed.quiet
    assert 0.03 < changed.excess < 0.07
    assert not unchanged.proven


def test_few_rows_of_a_quiet_place_are_proven() -> None:
    """Without any noise, six rows that differ are enough; three are not."""
    for rows, proven in ((6, True), (3, False)):
        tally = Tally()
        for row in range(rows):
            add(tally, row, "a", "a", "b")
        tally.add_equal(1000)
        (verdict,) = judge_places({"e": tally}, TEST_ALPHA)
        assert (verdict.proven, verdict.quiet, verdict.odd_candidate) == (proven, True, rows)


def test_a_change_beyond_jitter_is_proven() -> None:
    """Where every answer differs a little, the test beyond the learned tolerance proves ten larger changes."""
    rng, tally = np.random.default_rng(5), Tally()
    for row in range(1000):
        baseline, twin, candidate = rng.normal(0, 1e-7, 3).tolist()
        add(tally, row, baseline, twin, candidate + (row % 100 == 0) * 0.1)
    (verdict,) = judge_places({"e": tally}, TEST_ALPHA)
    assert verdict.proven
    assert (verdict.odd_candidate, verdict.odd_others) == (10, 0)


def test_no_difference_is_no_verdict() -> None:
    """Without a place that differs there is nothing to judge."""
    tally = Tally()
    tally.add_equal(10)
    assert judge_places({"e": tally}, TEST_ALPHA) == []


def test_the_correction_covers_all_endpoints() -> None:
    """The same place at two endpoints is two tests."""
    tally = Tally()
    for row in range(6):
        add(tally, row, "a", "a", "b")
    alone = judge_places({"e": tally}, TEST_ALPHA)
    both = judge_places({"e": tally, "f": tally}, TEST_ALPHA)
    assert both[0].adjusted == 2 * alone[0].adjusted
