"""Layout of the columns: names by role, and checks that validated artifacts skip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.policy.regression import Regression
from ghmlops.measure.predictions import reading
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.sql.counting import count_side
from prediction_artifacts import BINARY, rows, values, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.measure.predictions.sql.counting import ArtifactCounts
    from ghmlops.measure.predictions.sql.staging import StagedViews

    Read = Callable[..., Observation]

N = 600


SLICES: dict[str, Any] = {"slices": (("device",),), "minimum_rows": 5}


def _sides(**columns: Callable[[np.ndarray], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two sides of a scorer with one row removed and one added; `columns` are computed from the scores."""
    sides = rows(N, 1), rows(N, 2, shift=1)
    return (
        sides[0] | {name: make(sides[0]["s"]) for name, make in columns.items()},
        sides[1] | {name: make(sides[1]["s"]) for name, make in columns.items()},
    )


def _decisions(score: np.ndarray) -> np.ndarray:
    return np.asarray(score >= 0.5)


CASES: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], Regression]] = {
    "binary": (_sides(), replace(BINARY, **SLICES)),
    "integers": (_sides(d=lambda s: _decisions(s).astype(np.int32)), replace(BINARY, prediction="d", **SLICES)),
    "other numbers": (
        _sides(d=lambda s: np.where(_decisions(s), 7, -1), y=lambda s: np.where(_decisions(s**2), 7.0, -1.0)),
        replace(BINARY, prediction="d", classes=("-1", "7"), **SLICES),
    ),
    "booleans": (_sides(d=_decisions, y=_decisions), replace(BINARY, prediction="d", classes=("yes", "no"), **SLICES)),
    "text": (
        _sides(
            d=lambda s: np.where(_decisions(s), "a'b", "c").tolist(), y=lambda s: np.where(s > 0.3, "a'b", "c").tolist()
        ),
        replace(BINARY, prediction="d", classes=("c", "a'b"), **SLICES),
    ),
    "multiclass": (
        _sides(v=lambda s: [[1 - x, x / 2, x / 2] for x in s]),
        Regression(task="multiclass", key=("id",), label="y", score="v", classes=("0", "1", "2"), **SLICES),
    ),
    "embedding": (
        _sides(v=lambda s: [[x, 1.0, -x] for x in s]),
        Regression(task="embedding", key=("id",), score="v", **SLICES),
    ),
    "ranking": (
        _sides(q=lambda s: np.arange(len(s)) // 12),
        Regression(task="ranking", key=("id",), label="y", score="s", query="q", **SLICES),
    ),
    "regression": (
        (values(N, 1), values(N, 2)),
        Regression(task="regression", key=("id",), label="y", prediction="p"),
    ),
}


def _plain(observation: Observation) -> Any:
    """Return everything that is judged as plain values, with arrays as their bytes."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if isinstance(value, msgspec.Struct):
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        if isinstance(value, dict):
            return [(plain(key), plain(item)) for key, item in value.items()]
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return plain(observation)


@pytest.mark.parametrize("case", CASES)
def test_skipped_checks_do_not_change_the_result(case: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is bit-identical with and without the checks, for each task and type of label and decision."""
    sides, policy = CASES[case]
    valid = list[bool]()

    def count_as_invalid(views: StagedViews, role: str) -> ArtifactCounts:
        counts = count_side(views, role)
        valid.append(counts.valid)
        return msgspec.structs.replace(counts, valid=False)

    unchecked = read(*sides, policy)
    monkeypatch.setattr(reading, "count_side", count_as_invalid)
    checked = read(*sides, policy)
    assert valid == [True, True]
    assert unchecked.facts.pairs
    assert unchecked.facts.pairs.usable > N / 2
    assert _plain(unchecked) == _plain(checked)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, None])
def test_one_unusable_score_keeps_the_checks(score: float | None, read: Read) -> None:
    """An unusable score is excluded and all other rows count: the layout is not validated."""
    first, second = rows(N, 1), rows(N, 2)
    second["s"] = [score, *second["s"][1:]]
    result = read(first, second, replace(BINARY, **SLICES))
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.usable) == (N, N - 1)


def test_infinite_score_is_not_within_the_tolerance(read: Read) -> None:
    """A relative tolerance of infinity would accept every change; the change is counted."""
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first, second = values(N, 1), values(N, 1)
    second["p"] = np.where(np.arange(N) == 3, np.inf, second["p"])
    result = read(first, second, policy)
    assert [(c.identical, c.within) for c in result.changes if c.column == "p"] == [(N - 1, 0)]
    assert result.facts.pairs
    assert result.facts.pairs.changed == 1


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


@pytest.mark.parametrize("by", ["role", "name"])
def test_columns_may_have_other_names_on_one_side(by: str, read: Read) -> None:
    """`renamed` maps keys and slices by name, and score, label and time by role or by name."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=1)
    names = {"id": "key", "s": "p", "y": "clicked", "device": "gadget", "t": "when"}
    first = {names.get(k, k): v for k, v in rows(N, 1).items()}
    roles = {"s": "score", "y": "label", "t": "time"} if by == "role" else {}
    renamed = replace(policy, renamed={"baseline": {roles.get(k, k): v for k, v in names.items()}})
    result, plain = read(first, rows(N, 2), renamed), read(rows(N, 1), rows(N, 2), policy)
    assert result.facts.pairs == plain.facts.pairs
    assert result.tables["device",].keys == plain.tables["device",].keys
    assert result.tables[WINDOW,].keys == plain.tables[WINDOW,].keys
    assert result.facts.schema.unused == ()
