"""Row weights, from the column of an artifact to the comparison of every metric, slice and window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.errors import DataError
from ghmlops.core.metrics import METRIC_IDS, UNWEIGHTED_METRICS
from ghmlops.core.model import Direction, Outcome
from ghmlops.core.policy.regression import CustomMetric, Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.sql import summing
from prediction_artifacts import BINARY, contract_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

REGRESSION = Regression(task="regression", key=("id",), label="y", prediction="p")
TASKS = {
    "binary": replace(BINARY, slices=(("device",),), time="t", window="1w", minimum_rows=50),
    "grouped": replace(BINARY, slices=(("device",),), group="user", minimum_rows=50),
    "multiclass": replace(artifacts.MULTICLASS, slices=(("site",),)),
    "regression": replace(REGRESSION, slices=(("half",),), minimum_rows=50),
    "ranking": replace(artifacts.RANKING, slices=(("site",),)),
}
TABLES = ("metrics", "slices", "windows", "cells", "searched", "classes", "rank", "timeline")


def sides_of(task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of both sides of a task."""
    if task == "multiclass":
        return artifacts.classified(1), artifacts.classified(2)
    if task == "regression":
        half = {"half": (np.arange(800) % 2).tolist()}
        return artifacts.values(800, 1) | half, artifacts.values(800, 2) | half
    if task == "ranking":
        return artifacts.ranked(1), artifacts.ranked(2)
    return artifacts.rows(800, 1), artifacts.rows(800, 2, noise=0.6)


def repeated(side: dict[str, Any], times: np.ndarray) -> dict[str, Any]:
    """Return a side in which each row occurs as often as its weight says, under keys (and queries) of its own."""
    index = np.repeat(np.arange(len(times)), times)
    result = {name: [list(column)[i] for i in index] for name, column in side.items()}
    copy = np.concatenate([np.arange(count) for count in times])
    result["id"] = list(range(len(index)))
    if "q" in result:
        result["q"] = [f"{query}-{number}" for query, number in zip(result["q"], copy, strict=True)]
    return result


def details_of(observation: Observation, policy: Regression) -> RegressionDetails:
    return judge_observations([observation], policy).details


def place_of(row: object) -> list[str]:
    """Return what the row of a table is about."""
    return [str(getattr(row, name, "")) for name in ("metric", "subgroup", "slice", "window")]


def is_same(value: object, expected: object) -> bool:
    """Return whether two values of a table agree to 1e-9, or are equal if they are no numbers."""
    if isinstance(value, float) and isinstance(expected, float):
        return abs(value - expected) <= 1e-9 * max(abs(expected), 1e-3)
    return value == expected


@pytest.mark.parametrize("task", list(TASKS))
def test_equal_weights_give_the_result_without_weights(task: str, read: Read) -> None:
    """Every row weighs 0.3: all tables have the same numbers and outcomes, except of metrics without weights."""
    policy, sides = TASKS[task], sides_of(task)
    weight = {"w": np.full(len(sides[0]["id"]), 0.3)}
    plain = details_of(read(*sides, policy), policy)
    policy = replace(policy, weight="w")
    weighted = details_of(read(sides[0] | weight, sides[1] | weight, policy), policy)
    for table in TABLES:
        rows = (
            [row for row in getattr(plain, table) if row.metric not in UNWEIGHTED_METRICS]
            if table != "rank"
            else plain.rank
        )
        others = getattr(weighted, table)
        assert len(rows) == len(others), table
        # Rows with equal losses have no order of their own.
        for row, other in zip(sorted(rows, key=place_of), sorted(others, key=place_of), strict=True):
            for name in row.__struct_fields__:
                if name not in ("method", "loss"):
                    assert is_same(getattr(other, name), getattr(row, name)), (table, name)
    (row,) = weighted.weights
    assert (row.column, row.effective) == ("w", row.rows)
    assert plain.weights == []


@pytest.mark.parametrize("task", list(TASKS))
def test_whole_weights_are_repeated_rows(task: str, read: Read) -> None:
    """Values of all metrics overall and by slice are those of an artifact with each row as often as its weight."""
    policy, sides = replace(TASKS[task], search=0, minimum_rows=2), sides_of(task)
    n = len(sides[0]["id"])
    times = np.random.default_rng(4).integers(1, 4, n)
    if task == "ranking":
        times = times[np.arange(n) // 12]
    copies = details_of(read(*(repeated(side, times) for side in sides), policy), policy)
    policy = replace(policy, weight="w")
    weighted = details_of(read(*(side | {"w": times} for side in sides), policy), policy)
    rows = [row for row in copies.metrics if row.metric not in UNWEIGHTED_METRICS]
    for row, other in zip(rows, weighted.metrics, strict=True):
        assert is_same(other.baseline, row.baseline), row.metric
        assert is_same(other.candidate, row.candidate), row.metric
        assert other.rows < row.rows

    def values_of(details: RegressionDetails) -> dict[tuple[str, str], tuple[float | None, float | None]]:
        return {
            (row.subgroup, row.metric): (row.baseline, row.candidate) for row in (*details.slices, *details.windows)
        }

    expected, values = values_of(copies), values_of(weighted)
    assert expected.keys() == values.keys()
    assert len(values) >= 2
    for key, pair in values.items():
        assert pair == pytest.approx(expected[key], rel=1e-9, abs=1e-12), key
    assert [row.spearman for row in weighted.rank] == pytest.approx([row.spearman for row in copies.rank], abs=1e-9)
    assert [row.shifted_class for row in weighted.churn] == [row.shifted_class for row in copies.churn]
    assert all(is_same(one.shift, other.shift) for one, other in zip(weighted.churn, copies.churn, strict=True))


def several_tasks(n: int = 400) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the policy and both sides of a multi-label task and of texts."""
    rng = np.random.default_rng(8)
    words = np.array(["the", "cat", "sat", "on", "a", "mat"])
    labels = {"a": rng.integers(0, 2, n), "b": rng.integers(0, 2, n)}
    texts = [" ".join(rng.choice(words, 4)) for _ in range(n)]
    scored, written = [], []
    for noise in (1.0, 1.5):
        scores = {f"p_{name}": 1 / (1 + np.exp(1 - 2 * y + noise * rng.normal(size=n))) for name, y in labels.items()}
        scored.append({"id": np.arange(n), **labels, **scores})
        other = [text if rng.random() < 0.8 / noise else " ".join(rng.choice(words, 4)) for text in texts]
        written.append({"id": np.arange(n), "y": texts, "answer": other})
    return {
        "multilabel": ({"label": ["a", "b"], "score": ["p_a", "p_b"]}, scored),
        "text": ({"label": "y", "prediction": "answer"}, written),
    }


@pytest.mark.parametrize("task", ["multilabel", "text"])
def test_whole_weights_are_repeated_rows_of_several_targets_and_texts(task: str) -> None:
    """Values of each target, of all labels of a row at once, of their means, and of texts."""
    import pyarrow as pa  # type: ignore[import-untyped]

    import ghmlops

    settings, sides = several_tasks()[task]
    times = np.random.default_rng(4).integers(1, 4, 400)
    tables = [pa.table(repeated(side, times)) for side in sides], [pa.table(side | {"w": times}) for side in sides]
    rows = []
    for pair, weight in zip(tables, ({}, {"weight": "w"}), strict=True):
        policy = {"task": task, "key": ["id"], **settings, **weight}
        whole = {"version": 1, "service": "s", "regression": policy}
        details = ghmlops.compare(pair[0], pair[1], policy=whole).details
        assert isinstance(details, RegressionDetails)
        rows.append({(row.dataset, row.metric): row for row in details.metrics})
    copies, weighted = rows
    assert copies.keys() == weighted.keys()
    assert len(copies) >= 6
    for key, row in weighted.items():
        assert is_same(row.candidate, copies[key].candidate), key
        assert is_same(row.change, copies[key].change), key
        assert row.rows < copies[key].rows


def test_the_margin_of_a_bias_is_a_share_of_the_weighted_spread(read: Read) -> None:
    """The standard deviation of the label, the unit of the margin, is weighted too."""
    first, second = sides_of("regression")
    weight = np.random.default_rng(1).lognormal(size=800)
    policy = replace(REGRESSION, weight="w")
    observation = read(first | {"w": weight}, second | {"w": weight}, policy)
    number = weight.sum() ** 2 / (weight**2).sum()
    variance = np.average((first["y"] - np.average(first["y"], weights=weight)) ** 2, weights=weight)
    assert observation.facts.pairs
    assert observation.facts.pairs.label_spread == pytest.approx(np.sqrt(variance * number / (number - 1)), rel=1e-9)
    assert observation.facts.pairs.effective == pytest.approx(number, rel=1e-9)
    not_measured = judge_observations([observation], policy).not_measured
    assert [item.what for item in not_measured if item.what in METRIC_IDS["regression"]] == ["error-quantile"]


def test_weights_of_the_file_of_labels(read: Read) -> None:
    """Weights in the file of labels give the results of weights on both sides; a row without one is left out."""
    first, second = artifacts.rows(800, 1), artifacts.rows(800, 2)
    weight = np.random.default_rng(1).lognormal(size=800)
    policy = replace(BINARY, weight="w")
    expected = compare_overall(read(first | {"w": weight}, second | {"w": weight}, policy), policy)
    labels = {"id": first["id"], "y": first.pop("y"), "w": weight}
    del second["y"]
    result = compare_overall(read(first, second, policy, labels), policy)
    for one, other in zip(expected, result, strict=True):
        assert (one.candidate, one.high, one.effective) == pytest.approx((other.candidate, other.high, other.effective))
    weight[:20] = np.nan
    observation = read(first, second, policy, labels | {"w": weight})
    assert observation.facts.pairs
    assert (observation.facts.pairs.usable, observation.facts.pairs.unweighted) == (780, 20)
    outcomes = contract_outcomes(observation, policy)
    assert outcomes["contract-weight-values"] is Outcome.WARN
    assert outcomes["contract-left-out"] is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0, None])
def test_rows_without_a_usable_weight_are_counted_and_left_out(value: float | None, read: Read) -> None:
    """Up to 1 % warns, more is inconclusive; if no weight can be used, the artifact is an error."""
    policy = replace(BINARY, weight="w")

    def weighted(count: int) -> Observation:
        weight = [value] * count + [1.0] * (400 - count)
        return read(*(artifacts.rows(400, seed) | {"w": weight} for seed in (1, 2)), policy)

    few, many = weighted(4), weighted(5)
    assert (few.facts.candidate.odd_weights, few.facts.pairs and few.facts.pairs.usable) == (4, 396)
    assert contract_outcomes(few, policy)["contract-weight-values"] is Outcome.WARN
    assert "contract-left-out" not in contract_outcomes(few, policy)
    assert contract_outcomes(many, policy)["contract-left-out"] is Outcome.INCONCLUSIVE
    if value is not None:
        with pytest.raises(DataError, match=r"baseline.parquet: .* \"w\""):
            weighted(400)


def test_few_rows_with_much_of_the_weight_cannot_be_left_out(read: Read) -> None:
    """Four of 800 rows with a tenth of the weight, without a counterpart, prediction, label or value: no pass."""
    heavy = np.arange(800) >= 796
    weight = {"w": np.where(heavy, 20.0, 1.0)}
    metric = CustomMetric(
        name="cost", sql="CASE WHEN id < 796 THEN abs(score - label) END", direction=Direction.LOWER, margin=1.0
    )
    policy = replace(BINARY, weight="w", metrics=(metric,))
    first = artifacts.rows(800, 1) | weight
    missing = {name: list(column)[:796] for name, column in first.items()}
    scores = first | {"s": np.where(heavy, np.nan, first["s"])}
    for candidate in (missing, scores):
        assert contract_outcomes(read(first, candidate, policy), policy)["contract-left-out"] is Outcome.INCONCLUSIVE
    labels = [None if is_heavy else int(y) for is_heavy, y in zip(heavy, first["y"], strict=True)]
    unlabelled = first | {"y": labels}
    judgement = judge_observations([read(unlabelled, unlabelled, policy)], policy)
    outcomes = {finding.id: finding.outcome for finding in judgement.findings}
    assert outcomes["contract-label-coverage"] is Outcome.INCONCLUSIVE
    assert outcomes["regression-log-loss"] is Outcome.INCONCLUSIVE
    whole = judge_observations([read(first, first, policy)], policy)
    outcomes = {finding.id: finding.outcome for finding in whole.findings}
    assert "contract-label-coverage" not in outcomes
    assert (outcomes["regression-cost"], outcomes["regression-log-loss"]) == (Outcome.INCONCLUSIVE, Outcome.PASS)


def test_weights_must_agree_between_the_sides(read: Read) -> None:
    """Different weights of a key warn, beyond 1 % fail; types of the same number do not matter."""
    policy, weight = replace(BINARY, weight="w"), np.tile([1.0, 2.5, 0.1], 134)[:400]

    def differing(count: int) -> Observation:
        other = weight + (np.arange(400) < count)
        sides = artifacts.rows(400, 1) | {"w": weight}, artifacts.rows(400, 2) | {"w": other.astype(np.float32)}
        return read(*sides, policy)

    assert "contract-weight-changed" not in contract_outcomes(differing(0), policy)
    assert contract_outcomes(differing(4), policy)["contract-weight-changed"] is Outcome.WARN
    few = differing(5)
    assert contract_outcomes(few, policy)["contract-weight-changed"] is Outcome.FAIL
    assert {change.column: change.rows - change.identical for change in few.changes}["w"] == 5


def test_columns_that_cannot_be_weights_are_errors(read: Read) -> None:
    """A column that is missing on one side, text, or different within a query: one line that names it."""
    policy, text = replace(BINARY, weight="w"), {"w": ["1"] * 400}
    first, second = artifacts.rows(400, 1), artifacts.rows(400, 2)
    with pytest.raises(DataError, match=r"candidate has no column"):
        read(first | {"w": np.ones(400)}, second, policy)
    with pytest.raises(DataError, match=r"VARCHAR cannot be a weight"):
        read(first | text, second | text, policy)
    documents = {"w": np.arange(480) + 1.0}
    with pytest.raises(DataError, match=r"queries have documents"):
        read(*(artifacts.ranked(seed) | documents for seed in (1, 2)), replace(artifacts.RANKING, weight="w"))


def test_few_heavy_rows_are_too_few(read: Read) -> None:
    """Twenty rows in all slices outweigh 780 others: nothing passes, and no slice is tested."""
    policy = replace(TASKS["binary"], weight="w", minimum_rows=50)
    weight = {"w": np.where(np.arange(800) % 40 == 0, 1.0, 1e-12)}
    first = artifacts.rows(800, 1) | weight
    judgement = judge_observations([read(first, first, policy)], policy)
    outcomes = {f.outcome for f in judgement.findings if f.id.startswith("regression-")}
    assert outcomes == {Outcome.INCONCLUSIVE}
    assert judgement.details.slices == []


def test_weighted_bins_agree_with_weighted_scores(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit of exact rows, weights are summed in bins: the values and limits differ by less than 2e-3."""
    weight = {"w": np.random.default_rng(1).lognormal(size=6000)}
    sides, policy = [artifacts.rows(6000, seed) | weight for seed in (1, 2)], replace(BINARY, weight="w")
    exact = read(*sides, policy)
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    binned = read(*sides, policy)
    assert binned.grid is not None
    assert binned.grid.weighted_rows == 6000
    binned_by_id = {c.metric.id: c for c in compare_overall(replace_columns(binned), policy)}
    for one in compare_overall(exact, policy):
        other = binned_by_id[one.metric.id]
        assert (other.candidate, other.low, other.high) == pytest.approx((one.candidate, one.low, one.high), abs=2e-3)
        assert other.effective == pytest.approx(one.effective, rel=1e-9)


def replace_columns(observation: Observation) -> Observation:
    """Return the observation without the rows themselves, so that bins are compared."""
    return replace(observation, columns=None)
