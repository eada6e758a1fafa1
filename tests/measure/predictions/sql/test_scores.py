"""Scores in bins, if there are too many rows to read them individually."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
