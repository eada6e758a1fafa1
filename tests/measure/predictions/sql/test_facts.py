"""Facts of the pairing: conflicts, changes, and the quality of removed rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, contract_outcomes, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 400


def test_removed_and_added_rows_are_counted_with_their_difficulty(read: Read) -> None:
    """Without its hardest rows the candidate has a better unpaired and the same paired accuracy; the reason says so."""
    first = rows(4000, 1)
    wrong = (np.array(first["s"]) >= 0.5) != (first["y"] == 1)
    indices = np.flatnonzero(~wrong | (np.arange(4000) % 2 == 0))
    second = {name: np.array(first[name])[indices] for name in ("id", "y", "s")}
    result = read(first, second)
    removed = next(f for f in judge_observations([result], BINARY).findings if f.id == "contract-removed-rows")
    assert (Outcome.FAIL, 4000 - len(indices)) == (removed.outcome, removed.n)
    assert result.facts.pairs
    paired_before, paired_after, all_before, all_after = result.facts.pairs.quality
    assert paired_before == paired_after
    assert all_before is not None
    assert all_after is not None
    assert all_after > all_before
    assert "harder" in removed.reason
    assert f"{100 * (all_after - all_before):.2f} points" in removed.reason
    added = read(rows(N, 1), rows(N, 2, shift=3))
    assert added.facts.pairs
    assert (added.facts.pairs.removed, added.facts.pairs.added) == (3, 3)


def test_intent_unchanged_fails_for_one_changed_prediction(read: Read) -> None:
    """One score that changes by 1e-6 fails; changes of 1e-13, within the tolerance, pass."""
    first, policy = rows(N, 1), replace(BINARY, intent="unchanged")
    changed = first["s"].copy()
    changed[9] += 1e-6
    for scores, outcome in ((changed, Outcome.FAIL), (first["s"] + 1e-13, Outcome.PASS)):
        judged = judge_observations([read(first, first | {"s": scores}, policy)], policy)
        assert outcome is next(f.outcome for f in judged.findings if f.id == "predictions-changed")


def test_conflicting_labels_are_counted_and_excluded(read: Read) -> None:
    """Five conflicting labels of 400 are more than 1 %, fail, and leave 395 labelled rows."""
    first = rows(N, 1)
    label = first["y"].copy()
    label[:5] = 1 - label[:5]
    result = read(first, rows(N, 2) | {"y": label})
    assert result.facts.pairs
    assert (result.facts.pairs.label_conflicts, result.facts.pairs.labelled) == (5, N - 5)
    assert Outcome.FAIL is contract_outcomes(result)["contract-label-changed"]


def test_missing_labels_are_listed_and_never_a_pass(read: Read) -> None:
    """Quality is measured on the labelled rows; without any label it is inconclusive; one side may have all labels."""
    second = rows(N, 2)
    partial = [None if i < 100 else int(y) for i, y in enumerate(second["y"])]
    result = read(rows(N, 1) | {"y": partial}, second | {"y": partial})
    judged = judge_observations([result], BINARY)
    assert any("100 of 400" in n.why for n in judged.not_measured)
    assert {N - 100, N} == {m.n for m in judged.measurements}
    nulls = pa.array([None] * N, pa.int64())
    assert (
        Outcome.INCONCLUSIVE
        is contract_outcomes(read(rows(N, 1) | {"y": nulls}, second | {"y": nulls}))["contract-labels-missing"]
    )
    one_sided = read(rows(N, 1), {name: second[name] for name in ("id", "s")})
    assert one_sided.facts.pairs
    assert one_sided.facts.pairs.labelled == N


def removed_rows(observation: Observation) -> tuple[str, tuple[float, float, float, float]]:
    """Return the reason of the finding about removed rows, and the quality on paired rows and on all rows."""
    (reason,) = [f.reason for f in judge_contract(observation.facts) if f.id == "contract-removed-rows"]
    assert observation.facts.pairs
    first, second, third, fourth = observation.facts.pairs.quality
    assert first is not None
    assert second is not None
    assert third is not None
    assert fourth is not None
    return reason, (first, second, third, fourth)


def test_removed_rows_of_a_regression_are_reported_with_their_difficulty(read: Read) -> None:
    """Rows removed by large errors are reported as harder, those removed by small errors as easier."""

    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first = values(2000, 1)
    error = np.abs(first["p"] - first["y"])
    easy, hard = np.flatnonzero(error < np.quantile(error, 0.9)), np.flatnonzero(error > np.quantile(error, 0.1))
    for indices, difficulty in ((easy, "harder"), (hard, "easier")):
        reason, quality = removed_rows(read(first, {k: v[indices] for k, v in first.items()}, policy))
        assert quality[0] == quality[1] == pytest.approx(np.sqrt(np.mean(error[indices] ** 2)))
        assert quality[2:] == pytest.approx((np.sqrt(np.mean(error**2)), quality[0]))
        assert difficulty in reason
        assert "RMSE" in reason


def test_removed_rows_of_a_classifier_are_reported_with_their_difficulty(read: Read) -> None:
    """Difficulty is measured by accuracy; rows removed at random are neither harder nor easier."""
    first = artifacts.classified(1, 3000)
    wrong = np.array([artifacts.CLASSES[int(np.argmax(v))] != y for v, y in zip(first["v"], first["y"], strict=True)])
    for indices, hard in ((np.flatnonzero(~wrong | (np.arange(3000) % 2 == 0)), True), (np.arange(2700), False)):
        reason, quality = removed_rows(
            read(first, {k: [list(v)[i] for i in indices] for k, v in first.items()}, artifacts.MULTICLASS)
        )
        accuracy = 1 - wrong[indices].mean()
        assert quality == pytest.approx((accuracy, accuracy, 1 - wrong.mean(), accuracy))
        assert ("harder" in reason, "easier" in reason) == (hard, False)
        assert "accuracy" in reason


def test_conflicting_times_are_counted_without_slice_conflicts(read: Read) -> None:
    """A time that differs within the same day, and a time that one side lacks, are conflicts of the time only."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    second = rows(N, 2)
    times = second["t"].to_pylist()
    times[4], times[5] = times[4] + timedelta(seconds=1), None
    result = read(rows(N, 1), second | {"t": pa.array(times, second["t"].type)}, policy)
    assert result.facts.pairs
    assert (result.facts.pairs.time_conflicts, result.facts.pairs.slice_conflicts) == (2, {"device": 0})
