"""Where every prediction was found usable and every label a class, less is tested: the results are the same."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.policy.regression import Regression
from ghmlops.measure.predictions import reading
from ghmlops.measure.predictions.sql.counting import count_side
from prediction_artifacts import BINARY, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.measure.predictions.sql.counting import ArtifactCounts
    from ghmlops.measure.predictions.sql.staging import StagedViews

    Read = Callable[..., Observation]

N = 600
CUT: dict[str, Any] = {"slices": (("device",),), "minimum_rows": 5}


def _sides(**columns: Callable[[np.ndarray], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two sides of a scorer, of which the second lacks a row and has one more; `columns` are made from the scores."""
    sides = rows(N, 1), rows(N, 2, shift=1)
    return (
        sides[0] | {name: make(sides[0]["s"]) for name, make in columns.items()},
        sides[1] | {name: make(sides[1]["s"]) for name, make in columns.items()},
    )


def _decided(score: np.ndarray) -> np.ndarray:
    return np.asarray(score >= 0.5)


CASES: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], Regression]] = {
    "binary": (_sides(), replace(BINARY, **CUT)),
    "whole numbers": (_sides(d=lambda s: _decided(s).astype(np.int32)), replace(BINARY, prediction="d", **CUT)),
    "other numbers": (
        _sides(d=lambda s: np.where(_decided(s), 7, -1), y=lambda s: np.where(_decided(s**2), 7.0, -1.0)),
        replace(BINARY, prediction="d", classes=("-1", "7"), **CUT),
    ),
    "booleans": (_sides(d=_decided, y=_decided), replace(BINARY, prediction="d", classes=("yes", "no"), **CUT)),
    "text": (
        _sides(
            d=lambda s: np.where(_decided(s), "a'b", "c").tolist(), y=lambda s: np.where(s > 0.3, "a'b", "c").tolist()
        ),
        replace(BINARY, prediction="d", classes=("c", "a'b"), **CUT),
    ),
    "multiclass": (
        _sides(v=lambda s: [[1 - x, x / 2, x / 2] for x in s]),
        Regression(task="multiclass", key=("id",), label="y", score="v", classes=("0", "1", "2"), **CUT),
    ),
    "embedding": (
        _sides(v=lambda s: [[x, 1.0, -x] for x in s]),
        Regression(task="embedding", key=("id",), score="v", **CUT),
    ),
    "ranking": (
        _sides(q=lambda s: np.arange(len(s)) // 12),
        Regression(task="ranking", key=("id",), label="y", score="s", query="q", **CUT),
    ),
    "regression": (
        (values(N, 1), values(N, 2)),
        Regression(task="regression", key=("id",), label="y", prediction="p"),
    ),
}


def _told(seen: Observation) -> Any:
    """Everything that is judged, as plain values: arrays as their bytes."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, dict):
            return [(plain(key), plain(one)) for key, one in value.items()]
        return [plain(one) for one in value] if isinstance(value, list | tuple) else value

    return plain(seen)


@pytest.mark.parametrize("case", CASES)
def test_the_same_as_where_everything_is_tested(case: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task and each type of label and decision, to the bit."""
    sides, policy = CASES[case]
    found = list[bool]()

    def doubted(at: StagedViews, role: str) -> ArtifactCounts:
        one = count_side(at, role)
        found.append(one.valid)
        return dataclasses.replace(one, valid=False)

    quick = read(*sides, policy)
    monkeypatch.setattr(reading, "count_side", doubted)
    thorough = read(*sides, policy)
    assert found == [True, True]
    assert quick.facts.pairs
    assert quick.facts.pairs.usable > N / 2
    assert _told(quick) == _told(thorough)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -0.1, None])
def test_one_score_that_cannot_be_used(odd: float | None, read: Read) -> None:
    """It is left out, and the rest counts: nothing is taken for sound."""
    first, second = rows(N, 1), rows(N, 2)
    second["s"] = [odd, *second["s"][1:]]
    seen = read(first, second, replace(BINARY, **CUT))
    assert seen.facts.pairs
    assert (seen.facts.pairs.paired, seen.facts.pairs.usable) == (N, N - 1)


def test_an_infinite_score_is_not_within_the_tolerance_of_a_finite_one(read: Read) -> None:
    """Relative to infinity everything would be near."""
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first, second = values(N, 1), values(N, 1)
    second["p"] = np.where(np.arange(N) == 3, np.inf, second["p"])
    seen = read(first, second, policy)
    assert [(c.identical, c.within) for c in seen.changes if c.column == "p"] == [(N - 1, 0)]
    assert seen.facts.pairs
    assert seen.facts.pairs.changed == 1
