"""Scores and features are counted in the same bins on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.predictions.contract.checks import not_measured
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def test_features_are_counted_in_the_same_bins_on_both_sides(read: Read) -> None:
    """Every row is in a bin or missing: heavy tails, constants, NaN, infinities, integers, booleans, many texts."""
    rng = np.random.default_rng(9)
    tail = rng.standard_cauchy(N) * 1e6
    odd = rng.normal(size=N)
    odd[:3] = np.nan, np.inf, -np.inf
    more = {
        "tail": tail,
        "constant": np.full(N, 7.5),
        "odd": odd,
        "null": pa.array([None] * N, pa.float64()),
        "integer": rng.integers(-5, 5, N),
        "flag": rng.random(N) < 0.2,
        "words": [f"w{i}" for i in range(N)],
        "big": np.full(N, 1e300),
    }
    policy = replace(BINARY, features=tuple(more), search=3, minimum_rows=20)
    other = more | {"tail": tail * 2, "words": [f"w{i % 1100}" for i in range(N)]}
    result = read(rows(N, 1) | more, rows(N, 2) | other, policy)
    features = {d.column: d for d in result.features}
    assert set(features) == set(more)
    for d in features.values():
        assert (d.baseline.sum() + d.missing[0], d.candidate.sum() + d.missing[1]) == (N, N)
    assert (features["odd"].missing, features["null"].missing) == ((3, 3), (N, N))
    assert features["words"].values is not None
    assert "(others)" in features["words"].values
    for name in ("tail", "odd", "integer"):
        edges = features[name].edges
        assert edges is not None
        assert np.all(np.diff(edges) > 0)
        finite = np.asarray(more[name], dtype=float)
        finite = np.sort(finite[np.isfinite(finite)])
        below = np.searchsorted(finite, edges[1:-1], side="left")
        assert below == pytest.approx(np.cumsum(features[name].baseline)[:-1], abs=2)
    searched = {columns for columns in result.tables if len(columns) == 1}
    assert {(name,) for name in more if name != "words"} == searched
    assert any("words" in n.why for n in not_measured(result.facts, group=False, windows=False))
    assert len(result.tables["tail",].keys) == 4
    judged = judge_observations([result], policy)
    assert judged.details.drift
