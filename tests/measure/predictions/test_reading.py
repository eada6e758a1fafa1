"""Reading of two artifacts: faults are counted and never lead to a pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.policy.regression import Changed, Regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions import reading
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, contract_outcomes, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def test_order_of_rows_does_not_matter(read: Read) -> None:
    """Artifacts without faults pass the contract, and all rows are paired in any order."""
    second = rows(N, 2)
    order = np.random.default_rng(0).permutation(N)
    result = read(rows(N, 1), {name: np.array(second[name])[order] for name in ("id", "y", "s")})
    assert contract_outcomes(result) == {"contract-rows": Outcome.PASS}
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.usable) == (N, N)


def test_without_usable_rows_the_outcome_is_error(read: Read) -> None:
    """If all scores are outside 0 to 1, nothing is compared and the outcome is error."""
    result = read(rows(N, 1), rows(N, 2) | {"s": np.linspace(2, 9, N)})
    assert Outcome.ERROR is contract_outcomes(result)["contract-rows"]
    assert judge_observations([result], BINARY).measurements == []


@pytest.mark.parametrize("side", [0, 1])
def test_artifact_without_rows_is_an_error(side: int, read: Read) -> None:
    """A file with a schema and no rows is an error on either side."""
    empty = pa.table(rows(N, 1)).slice(0, 0)
    sides: list[Any] = [rows(N, 1), rows(N, 2)]
    sides[side] = {name: empty[name] for name in empty.column_names}
    assert contract_outcomes(read(*sides)) == {"contract-empty": Outcome.ERROR}


def test_auc_of_one_class_is_inconclusive(read: Read) -> None:
    """An undefined metric is a finding without a value, and not a pass."""
    ones = {"y": np.ones(N, dtype=np.int64)}
    judged = judge_observations([read(rows(N, 1) | ones, rows(N, 2) | ones)], BINARY)
    auc = next(f for f in judged.findings if f.metric == "auc")
    assert (auc.outcome, auc.baseline) == (Outcome.INCONCLUSIVE, None)
    assert "undefined" in auc.reason


def test_slice_or_window_missing_from_the_candidate_is_reported(read: Read) -> None:
    """If the candidate has no row of a slice or of a day, each one has a finding."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=50)
    first, second = rows(4000, 1), rows(4000, 2)
    days = np.array([t.as_py().day for t in first["t"]])
    indices = np.flatnonzero((np.array(first["device"]) != "tablet") & (days != 4))
    incomplete = {name: np.array(second[name])[indices] for name in ("id", "y", "s")}
    judged = judge_observations([read(first, incomplete, policy)], policy)
    missing = {f.id: (f.slice, f.window) for f in judged.findings if f.id.endswith("-missing")}
    assert missing == {"slice-missing": ({"device": "tablet"}, None), "window-missing": ({}, "2025-03-04")}


def test_artifacts_of_one_row_are_compared(tmp_path: Path) -> None:
    """One row on each side is paired and usable."""
    row = {"id": np.array([1]), "y": np.array([1]), "s": np.array([0.5])}
    files = {
        role: Source.of(artifacts.write(tmp_path / f"{role}.parquet", row), role) for role in ("baseline", "candidate")
    }
    result = artifacts.observe(files, artifacts.BINARY)
    assert result.facts.pairs
    assert result.facts.pairs.usable == 1


@pytest.mark.parametrize("task", ["regression", "ranking", "embedding", "multiclass"])
def test_every_task_supports_slices_groups_and_changed_rows(task: str, read: Read) -> None:
    """Every task can be judged with slices, windows, groups, features and changed rows together."""
    base = rows(N, 1)
    attributes = {"device": base["device"], "t": base["t"], "user": base["user"], "f": np.arange(N) % 50}
    sides = []
    for seed in (1, 2):
        score = rows(N, seed)["s"]
        vector = [[1 - x, x] for x in score]
        content = {"s": score, "p": score, "v": vector, "y": base["y"], "q": np.arange(N) // 12, "id": np.arange(N)}
        sides.append(content | attributes)
    policy = Regression(
        task=task,  # type: ignore[arg-type]
        key=("id",),
        label="" if task == "embedding" else "y",
        score="v" if task in ("embedding", "multiclass") else "s",
        prediction="p" if task == "regression" else "",
        query="q" if task == "ranking" else "",
        classes=("0", "1") if task == "multiclass" else (),
        slices=(("device",), ("device", "f"), ("f", "device")),
        features=("f",),
        time="t",
        window="1w",
        group="user",
        minimum_rows=5,
        changed=Changed(rows=4, show=("device",)),
    )
    result = read(*sides, policy)
    judged = judge_observations([result], policy)
    assert result.facts.pairs
    assert result.facts.pairs.usable == N
    assert {(), (WINDOW,), ("device",), ("f",), ("device", "f"), ("f", "device")} == set(result.tables)
    distances = [abs(float(row["change"])) for row in result.changed_rows]
    assert len(distances) == 4
    if task != "multiclass":  # its flipped decisions come first
        assert distances == sorted(distances, reverse=True)
    assert judged.details.metrics
    read(sides[0], sides[0], policy)


def test_a_half_imported_module_is_the_missing_package(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that imports while the engine reads loses the package; the other thread's error names it, too."""

    def half_imported(*_: object) -> None:
        raise ImportError("cannot import name 'sum_up'")

    monkeypatch.setattr(reading, "read_layout", half_imported)
    with pytest.raises(ImportError, match="sum_up"):
        read(rows(N, 1), rows(N, 2))
    monkeypatch.setattr(reading, "DEFERRED_MODULES", ("absent_package.part",))
    with pytest.raises(ModuleNotFoundError) as missing:
        read(rows(N, 1), rows(N, 2))
    assert missing.value.name == "absent_package"
