"""Grouping sets of the policy, and which scores are read."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions import judgement as regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.sql import scores, summing
from prediction_artifacts import BINARY, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def test_search_uses_all_columns_and_their_pairs(read: Read) -> None:
    """Each grouping set occurs once; declared columns are not binned; a feature of one side is reported."""
    policy = replace(BINARY, slices=(("device",), ("country", "device")), features=("user", "f", "g"), minimum_rows=5)
    more = {"f": np.arange(N) % 7, "g": np.arange(N) * 1.5}
    result = read(rows(N, 1) | more, rows(N, 2) | {"f": more["f"]}, policy)
    names = ("device", "country", "user", "f")
    grouping_sets = {frozenset(c) for c in result.tables if c}
    assert grouping_sets == {frozenset((n,)) for n in names} | {frozenset(p) for p in itertools.combinations(names, 2)}
    assert len(grouping_sets) == len([c for c in result.tables if c])
    assert '"g" (baseline)' in next(
        f.reason for f in judge_observations([result], policy).findings if f.id == "contract-rows"
    )
    plain = replace(policy, slices=(("f",),), features=("f",))
    result = read(rows(N, 1) | more, rows(N, 2) | more, plain)
    assert {key[0] for key in result.tables["f",].keys} == set(range(7))


def test_scores_are_read_if_bins_cannot_decide(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the verdict depends on the error of the bins, the scores are read too, without cells."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: True)
    calls = []

    def record(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs)
        return scores.read_columns(*args, **kwargs)

    monkeypatch.setattr(summing, "read_columns", record)
    result = read(rows(N, 1), rows(N, 2))
    assert result.columns
    assert result.grid
    assert [k["codes"] for k in calls] == [{}]
    assert len(result.columns.label) == N


def test_regression_with_too_many_rows_lists_what_is_not_measured(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantile, which needs the rows, is listed as not measured; other metrics are measured."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS_REGRESSION", 10)
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    judged = judge_observations([read(values(N, 1), values(N, 2), policy)], policy)
    assert {"rmse", "mae"} < {row.metric for row in judged.details.metrics}
    assert any("too many rows" in n.why for n in judged.not_measured)
