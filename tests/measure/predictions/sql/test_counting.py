"""Counts and fingerprint of one artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, contract_outcomes, outcomes_of_facts, rows, values, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

    Read = Callable[..., Observation]

N = 600


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), None, -0.1, 1.1])
def test_unusable_score_fails_and_is_excluded_from_sums(score: float | None, read: Read) -> None:
    """NaN, infinity, null and scores outside 0 to 1 are counted and excluded, and every number stays finite."""
    result = read(rows(N, 1), artifacts.with_values("s", {5: score}, n=N))
    judged = judge_observations([result], BINARY)
    assert Outcome.FAIL in {f.outcome for f in judged.findings if f.id.startswith("contract-")}
    assert result.facts.pairs
    assert result.facts.pairs.usable == N - 1
    assert all(m.values["value"] is not None and 0 <= m.values["value"] < 10 for m in judged.measurements)
    assert Outcome.WARN in set(
        contract_outcomes(read(artifacts.with_values("s", {5: score}, 1, n=N), rows(N, 2))).values()
    )


def test_labels_outside_the_classes_fail_with_examples(read: Read) -> None:
    """Labels of a third class are counted and excluded; the reason lists them."""
    result = read(artifacts.with_values("y", {0: 2, 1: 7}, 1, n=N), rows(N, 2))
    finding = next(f for f in judge_observations([result], BINARY).findings if f.id == "contract-label-values")
    assert (finding.outcome, finding.n) == (Outcome.FAIL, 2)
    assert '"2", "7"' in finding.reason


def test_decisions_that_contradict_their_scores_are_a_warning(read: Read) -> None:
    """Contradictions are counted as stale predictions; the decisions are used as they are."""
    first, second = rows(N, 1), rows(N, 2)
    policy = replace(BINARY, prediction="d")
    sides = [side | {"d": (side["s"] >= 0.5).astype(np.int64)} for side in (first, second)]
    assert contract_outcomes(read(*sides, policy), policy) == {"contract-rows": Outcome.PASS}
    sides[1]["d"] = 1 - sides[1]["d"]
    result = read(*sides, policy)
    assert result.facts.candidate.stale_predictions == N
    assert Outcome.WARN is contract_outcomes(result, policy)["contract-stale-prediction"]


def test_unusable_values_of_a_regression_are_excluded(read: Read) -> None:
    """Infinite labels and predictions are counted and excluded, and every number stays finite."""
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first, second = values(N, 1), values(N, 2)
    second["p"][3] = np.inf
    first["y"] = first["y"].copy()
    first["y"][4] = np.inf
    second["y"] = first["y"]
    result = read(first, second, policy)
    judged = judge_observations([result], policy)
    assert {"contract-unusable-prediction", "contract-label-values", "contract-rows"} == set(
        contract_outcomes(result, policy)
    )
    assert all(m.values["value"] is not None for m in judged.measurements)


def by_id(result: Observation, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(result, policy)}


def test_each_fault_of_a_vector_is_counted_and_reported(read: Read) -> None:
    """Ragged, unnormalised, out-of-range and null vectors, and NaN or null elements, are counted once and excluded."""
    second = artifacts.classified(2)
    nan = float("nan")
    odd: list[Any] = [[0.5, 0.5], [0.2, 0.2, 0.2], [1.2, -0.2, 0.0], [nan, 0.5, 0.5], [None, 0.5, 0.5], None, []]
    second["v"] = [*odd, *[list(v) for v in second["v"][len(odd) :]]]
    result = read(artifacts.classified(1), second, artifacts.MULTICLASS)
    side = result.facts.candidate
    assert (
        side.ragged_vectors,
        side.unnormalised_vectors,
        side.outside_scores,
        side.broken_vectors,
        side.null_scores,
        side.null_predictions,
    ) == (2, 1, 1, 2, 1, 0)
    assert result.facts.pairs
    assert result.facts.pairs.usable == len(second["y"]) - len(odd)
    assert outcomes_of_facts(result) == {
        "contract-rows": Outcome.PASS,
        "contract-left-out": Outcome.INCONCLUSIVE,
        "contract-unusable-prediction": Outcome.FAIL,
        "contract-score-range": Outcome.FAIL,
        "contract-ragged-vector": Outcome.FAIL,
        "contract-unnormalised-vector": Outcome.FAIL,
    }
    assert all(np.isfinite(c.candidate) for c in by_id(result, artifacts.MULTICLASS).values())


def test_values_outside_the_classes_are_a_fault(read: Read) -> None:
    """An unknown class is counted as an odd label, with an example, or as an unusable decision."""
    policy = replace(artifacts.MULTICLASS, prediction="d")
    sides = [
        side | {"d": [artifacts.CLASSES[int(np.argmax(v))] for v in side["v"]]}
        for side in (artifacts.classified(1), artifacts.classified(2))
    ]
    sides[0]["y"] = ["dog", *sides[0]["y"][1:]]
    sides[1]["d"] = ["eel", *sides[1]["d"][1:]]
    result = read(*sides, policy)
    assert (result.facts.baseline.odd_label_examples, result.facts.candidate.null_predictions) == (("dog",), 1)
    assert {"contract-label-values", "contract-unusable-prediction"} < set(outcomes_of_facts(result))


def take(content: dict[str, Any], indices: Any) -> dict[str, Any]:
    return {name: pa.array(values).take(pa.array(indices)) for name, values in content.items()}


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


def fingerprints(baseline: Source, candidate: Source) -> tuple[str, str]:
    result = artifacts.observe({"baseline": baseline, "candidate": candidate}, BINARY)
    return result.fingerprints["baseline"], result.fingerprints["candidate"]


def test_fingerprint_depends_only_on_the_content(tmp_path: Path) -> None:
    """Order of rows and columns, files, row groups, codec, dictionaries and page versions do not change it."""
    content = rows(N, 1)
    order = np.random.default_rng(3).permutation(N)
    parts = [take(content, order[:100]), take(content, order[100:450]), take(content, order[450:])]
    parts = [dict(reversed(part.items())) for part in parts]
    options = {"row_group_size": 37, "compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    first, second = fingerprints(source(tmp_path / "a", [content]), source(tmp_path / "b", parts, **options))
    assert first == second
    assert first.startswith(f"content:duckdb-2.0:{N}:")


def test_fingerprints_of_different_contents_differ(tmp_path: Path) -> None:
    """A changed value, a duplicate row, swapped values, null instead of 0, another type, another column name."""
    content = rows(N, 1)
    label, device = content["y"].copy(), list(content["device"])
    label[5] = 1 - label[5]
    i = next(i for i in range(1, N) if device[i] != device[0])
    device[0], device[i] = device[i], device[0]
    null = [None if i == int(np.flatnonzero(content["y"] == 0)[0]) else int(y) for i, y in enumerate(content["y"])]
    changes = {
        "value": content | {"y": label},
        "twice": take(content, [*range(N), 0]),
        "swapped": content | {"device": device},
        "null": content | {"y": null},
        "type": content | {"y": content["y"].astype(np.int32)},
        "name": {("gadget" if k == "device" else k): v for k, v in content.items()},
    }
    plain = source(tmp_path / "a", [content])
    pairs = {name: fingerprints(plain, source(tmp_path / name, [changed])) for name, changed in changes.items()}
    assert len({fingerprint for pair in pairs.values() for fingerprint in pair}) == 1 + len(changes)
