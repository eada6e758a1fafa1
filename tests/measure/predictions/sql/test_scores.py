"""Scores in bins, if there are too many rows to read them individually."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghmlops.core.predictions import judgement as regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.sql import summing
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]


@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_bins_give_the_outcomes_of_exact_scores(noise: float, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit of exact rows the outcomes are the same, and the values differ by less than 2e-3."""
    first, second = rows(6000, 1), rows(6000, 2, noise=noise)
    exact = judge_observations([read(first, second)], BINARY)
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: False)
    result = read(first, second)
    assert (result.columns, result.grid is None) == (None, False)
    binned = judge_observations([result], BINARY)
    outcomes = [{f.metric: f.outcome for f in j.findings} for j in (exact, binned)]
    assert outcomes[0] == outcomes[1]
    for exact_row, binned_row in zip(exact.details.metrics, binned.details.metrics, strict=True):
        assert exact_row.candidate == pytest.approx(binned_row.candidate, abs=2e-3), exact_row.metric


def test_rows_are_counted_here_as_in_the_engine(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bins of all rows, also without a label, without a usable score or on one side only, are the same either way."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    first, second = rows(3000, 1), rows(3000, 2, shift=7)
    for side, unusable in ((first, (3, 40)), (second, (40, 90))):
        scores, labels = list(side["s"]), list(side["y"])
        scores[0], scores[1] = 0.0, 1.0
        for index in unusable:
            scores[index] = None
        side |= {"s": scores, "y": [None if index % 11 == 0 else label for index, label in enumerate(labels)]}
    count, counted = summing._count_in_bins, list[Any]()

    def count_twice(*args: Any) -> Any:
        for limit in (0, summing.MAX_ROWS_READ):
            monkeypatch.setattr(summing, "MAX_ROWS_READ", limit)
            counted.append(count(*args))
        return counted[-1]

    monkeypatch.setattr(summing, "_count_in_bins", count_twice)
    read(first, second)
    in_engine, here = counted
    assert here.joint.n.sum() > 2900
    assert (here.baseline.paired.all(), here.joint.label.min()) == (False, -1)
    for part in ("baseline", "candidate", "joint", "grid"):
        for field in getattr(here, part).__struct_fields__:
            one, other = (getattr(getattr(side, part), field) for side in (in_engine, here))
            assert one is other is None or np.array_equal(one, other), (part, field)
