"""Statistics in the footer of a Parquet file are claims of its writer: no result depends on them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.model import Direction, Outcome
from ghmlops.core.policy.regression import CustomMetric
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.artifacts.source import Source
from parquet_footer import constant_values, forge_statistics, no_nulls, one_distinct, only_nulls, state_range

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.regression import Regression

FORGERIES = {
    "constant": constant_values,
    "no-nulls": no_nulls,
    "one-distinct": one_distinct,
    "probability": state_range(struct.pack("<d", 0.1), struct.pack("<d", 0.9)),
    "zero": state_range(bytes(8), bytes(8)),
    "far-away": state_range(struct.pack("<q", 1 << 40), struct.pack("<q", 1 << 41)),
}
BINARY = artifacts.BINARY
METRICS = tuple(
    CustomMetric(name=name, sql=sql, direction=Direction.LOWER, margin=0.1)
    for name, sql in {
        "in-list": "CASE WHEN amount IN (1, 2, 3) AND country IN ('FR', 'ES') THEN abs(score - label) ELSE 0.0 END",
        "range": "CASE WHEN amount BETWEEN 2 AND 4 AND NOT (score > 0.9) THEN 1.0 ELSE 0.0 END",
        "null": "CASE WHEN amount IS NULL OR device IS NULL THEN 1.0 ELSE coalesce(amount * 1.0, 5.0) END",
        "extreme": "greatest(amount, least(score, 0.5)) + CASE WHEN label = 1 THEN length(device) ELSE 0 END",
    }.items()
)
"""Expressions that an engine could answer from minima, maxima, null counts or a filter of values."""
DETAILED = type(BINARY)(
    task="binary",
    key=("id",),
    label="y",
    score="s",
    slices=(("device",), ("country",)),
    features=("country", "amount"),
    time="t",
    window="1w",
    group="user",
    metrics=METRICS,
)


def _faulty() -> dict[str, Any]:
    content = artifacts.rows(300, 2)
    scores = list(content["s"])
    scores[3], scores[4], scores[5], scores[6] = None, float("nan"), float("inf"), -0.5
    labels = [int(y) for y in content["y"]]
    labels[7], labels[8] = 3, None  # type: ignore[call-overload]
    ids = [int(i) for i in content["id"]]
    ids[9], ids[10] = None, 11  # type: ignore[call-overload]
    return content | {"s": scores, "y": labels, "id": ids, "amount": np.arange(300) % 7}


def _sides(task: str) -> tuple[Regression, dict[str, Any], dict[str, Any]]:
    amount = {"amount": np.arange(300) % 7}
    match task:
        case "binary":
            return DETAILED, artifacts.rows(300, 1) | amount, artifacts.rows(300, 2, shift=5) | amount
        case "faulty":
            return DETAILED, artifacts.rows(300, 1) | amount, _faulty()
        case "regression":
            policy = type(BINARY)(task="regression", key=("id",), label="y", prediction="p")
            return policy, artifacts.values(300, 1), artifacts.values(300, 2)
        case "multiclass":
            return artifacts.MULTICLASS, artifacts.classified(1), artifacts.classified(2)
        case "ranking":
            return artifacts.RANKING, artifacts.ranked(1), artifacts.ranked(2)
        case _:
            one, two = artifacts.classified(1), artifacts.classified(2)
            return artifacts.EMBEDDING, {k: one[k] for k in ("id", "v")}, {k: two[k] for k in ("id", "v")}


def _findings(folder: Path, policy: Regression) -> list[Finding]:
    sources = {role: Source.of(folder / f"{role}.parquet", role) for role in ("baseline", "candidate")}
    return judge_observations([artifacts.observe(sources, policy)], policy).findings


@pytest.mark.parametrize("task", ["binary", "faulty", "regression", "multiclass", "ranking", "embedding"])
def test_forged_statistics_change_no_finding(task: str, tmp_path: Path) -> None:
    """Ranges, null counts and distinct counts that lie: every finding equals that of the honest file."""
    policy, *sides = _sides(task)

    def write() -> None:
        for role, content in zip(("baseline", "candidate"), sides, strict=True):
            artifacts.write(tmp_path / f"{role}.parquet", content, row_group_size=100)

    write()
    honest = _findings(tmp_path, policy)
    differing = []
    for name, forgery in FORGERIES.items():
        write()
        assert sum(forge_statistics(tmp_path / f"{role}.parquet", forgery) for role in ("baseline", "candidate")) > 3
        if _findings(tmp_path, policy) != honest:
            differing.append(name)
    assert differing == []


@pytest.mark.parametrize("role", ["baseline", "candidate"])
@pytest.mark.parametrize("faulty_rows", [1, 300])
def test_scores_outside_zero_and_one_are_found_whatever_the_footer_states(
    role: str, faulty_rows: int, tmp_path: Path
) -> None:
    """One or 300 scores of 5.5 under a footer that states 0.1 to 0.9: judged as without statistics."""
    contents = {"baseline": artifacts.rows(300, 1), "candidate": artifacts.rows(300, 2)}
    contents[role]["s"] = np.where(np.arange(300) < faulty_rows, 5.5, contents[role]["s"])
    for side, content in contents.items():
        artifacts.write(tmp_path / f"{side}.parquet", content, write_statistics=False)
    honest = _findings(tmp_path, artifacts.BINARY)
    for side, content in contents.items():
        artifacts.write(tmp_path / f"{side}.parquet", content)
    assert forge_statistics(tmp_path / f"{role}.parquet", FORGERIES["probability"]) > 3
    forged = _findings(tmp_path, artifacts.BINARY)
    assert forged == honest
    assert {f.id: f.outcome for f in forged}["contract-score-range"] is not Outcome.PASS


@pytest.mark.parametrize("column", ["id", "s", "y"])
def test_a_footer_that_states_only_nulls_never_passes(column: str, tmp_path: Path) -> None:
    """DuckDB's reader skips such a chunk and returns nulls; every check then judges a column of nulls."""
    for side, seed in (("baseline", 1), ("candidate", 2)):
        artifacts.write(tmp_path / f"{side}.parquet", artifacts.rows(300, seed))
    assert forge_statistics(tmp_path / "candidate.parquet", only_nulls, column) == 1
    forged = _findings(tmp_path, artifacts.BINARY)
    content = artifacts.rows(300, 2)
    nulls = pa.nulls(300, pa.float64() if column == "s" else pa.int64())
    artifacts.write(tmp_path / "candidate.parquet", content | {column: nulls})
    assert forged == _findings(tmp_path, artifacts.BINARY)
    assert {f.outcome for f in forged} & {Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.WARN}
