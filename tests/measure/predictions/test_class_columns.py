"""Classes without probabilities, one column of probabilities per class, and decimal keys."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace
from sklearn import metrics as reference  # type: ignore[import-untyped]

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.metrics import SCORE_METRIC_IDS, metric_ids
from ghmlops.core.model import Direction, Outcome
from ghmlops.core.policy.regression import CustomMetric, Regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.column_types import common_key_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 900
BINARY = Regression(task="binary", key=("id",), label="y", prediction="f")
MULTICLASS = replace(artifacts.MULTICLASS, score="", prediction="f", search=0)
REFERENCES = {
    "accuracy": reference.accuracy_score,
    "balanced-accuracy": reference.balanced_accuracy_score,
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "f1": reference.f1_score,
    "mcc": reference.matthews_corrcoef,
    "macro-recall": lambda y, f: reference.recall_score(y, f, average="macro"),
    "macro-f1": lambda y, f: reference.f1_score(y, f, average="macro"),
}


def values(observation: Observation, policy: Regression) -> dict[str, tuple[float | None, float | None]]:
    findings = judge_observations([observation], policy).details.metrics
    return {row.metric: (row.baseline, row.candidate) for row in findings}


def decisions(classes: Any, seed: int) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(seed)
    y = draw.choice(classes, N)
    return y, np.where(draw.random(N) < 0.8, y, draw.choice(classes, N)), np.where(draw.random(N) < 0.6, y, classes[0])


@pytest.mark.parametrize(
    ("policy", "classes"),
    [
        (BINARY, np.array([0, 1])),
        (BINARY, np.array([False, True])),
        (MULTICLASS, np.array(["ant", "bee", "cat"])),
    ],
)
def test_decisions_alone_have_the_metrics_of_scikit_learn(policy: Regression, classes: Any, read: Read) -> None:
    """All metrics of decisions, and none that needs a score."""
    y, first, second = decisions(classes, 3)
    ids = np.arange(N)
    observation = read({"id": ids, "y": y, "f": first}, {"id": ids, "y": y, "f": second}, policy)
    measured = values(observation, policy)
    assert set(measured) == set(metric_ids(policy))
    assert not set(measured) & SCORE_METRIC_IDS
    for name in set(REFERENCES) & set(measured):
        expected = [REFERENCES[name](y, side) for side in (first, second)]
        assert measured[name] == pytest.approx(expected), name
    judged = judge_observations([observation], policy)
    assert {f.id: f.outcome for f in judged.findings}["regression-accuracy"] is Outcome.FAIL
    assert [row.column for row in judged.details.columns].count("f") == 1


def test_a_decision_that_is_no_class_is_counted(read: Read) -> None:
    """Null and another text are unusable, with the reason "no class"."""
    y, first, second = decisions(np.array(["ant", "bee", "cat"]), 4)
    second = second.astype(object)
    second[:3], second[3:5] = None, "dog"
    ids = np.arange(N)
    observation = read({"id": ids, "y": y, "f": first}, {"id": ids, "y": y, "f": pa.array(second)}, MULTICLASS)
    counts = observation.facts.candidate
    assert (counts.null_predictions, counts.null_scores, counts.broken_vectors) == (5, 0, 0)
    assert observation.facts.pairs
    assert observation.facts.pairs.usable == N - 5


def test_a_custom_metric_cannot_read_a_score_that_does_not_exist(read: Read) -> None:
    """The decision would take its place silently."""
    y, first, second = decisions(np.array([0, 1]), 5)
    cost = CustomMetric(name="cost", sql="abs(score - label)", direction=Direction.LOWER)
    ids = np.arange(N)
    with pytest.raises(PolicyError, match="cost"):
        read({"id": ids, "y": y, "f": first}, {"id": ids, "y": y, "f": second}, replace(BINARY, metrics=(cost,)))


def spread(content: dict[str, Any]) -> dict[str, Any]:
    """Return the vectors of a multiclass artifact as one column per class."""
    vectors = np.array([list(v) for v in content["v"]])
    columns = {f"p_{name}": vectors[:, k] for k, name in enumerate(artifacts.CLASSES)}
    return {name: values for name, values in content.items() if name != "v"} | columns


def test_one_column_per_class_is_the_same_as_a_vector(read: Read) -> None:
    """Every metric, flip and drift distance equals that of the list column."""
    first, second = artifacts.classified(1), artifacts.classified(2)
    columns = replace(artifacts.MULTICLASS, score="", scores=tuple(f"p_{name}" for name in artifacts.CLASSES))
    vector = values(read(first, second, artifacts.MULTICLASS), artifacts.MULTICLASS)
    assert values(read(spread(first), spread(second), columns), columns) == vector
    probabilities = np.array([list(v) for v in first["v"]])
    expected = reference.log_loss(first["y"], probabilities, labels=list(artifacts.CLASSES))
    assert vector["log-loss"][0] == pytest.approx(expected)


def test_faults_of_one_class_column_are_counted(read: Read) -> None:
    """A null, NaN, a probability above 1 and a sum of 1.5, each in one row."""
    first, second = spread(artifacts.classified(1)), spread(artifacts.classified(2))
    first_class = list(second["p_ant"])
    first_class[0], first_class[1], first_class[2] = None, float("nan"), 1.5
    first_class[3] = second["p_ant"][3] + 0.5 if second["p_ant"][3] < 0.5 else second["p_ant"][3] - 0.5
    columns = replace(artifacts.MULTICLASS, score="", scores=tuple(f"p_{name}" for name in artifacts.CLASSES))
    counts = read(first, second | {"p_ant": pa.array(first_class, from_pandas=False)}, columns).facts.candidate
    assert (counts.broken_vectors, counts.outside_scores, counts.unnormalised_vectors) == (2, 1, 1)


def test_the_second_of_two_columns_is_the_score_of_the_positive_class(read: Read) -> None:
    """`score: [p_no, p_yes]` of a binary task gives the AUC of `p_yes`; a missing column is named."""
    first, second = artifacts.rows(N, 1), artifacts.rows(N, 2)
    policy = replace(artifacts.BINARY, score="", scores=("n", "s"))
    both = [side | {"n": 1 - side["s"]} for side in (first, second)]
    single = values(read(first, second, artifacts.BINARY), artifacts.BINARY)
    assert values(read(*both, policy), policy) == single
    with pytest.raises(DataError, match='has no column "n"'):
        read(first, both[1], policy)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.int64(), pa.decimal128(38, 0)),
        (pa.decimal128(38, 9), pa.int32()),
        (pa.decimal128(20, 0), pa.decimal128(30, 4)),
        (pa.uint64(), pa.decimal128(38, 0)),
    ],
)
def test_whole_numbers_pair_with_decimals(first: Any, second: Any, read: Read) -> None:
    """Snowflake, Oracle and BigQuery write whole numbers as decimals: 7 and 7.000 are the same key."""
    one, two = artifacts.rows(N, 1), artifacts.rows(N, 2, shift=5)
    sides = [c | {"id": pa.array(c["id"]).cast(t)} for c, t in ((one, first), (two, second))]
    pairs = read(*sides, artifacts.BINARY).facts.pairs
    assert pairs
    assert (pairs.paired, pairs.removed, pairs.added) == (N - 5, 5, 5)


def test_a_fraction_pairs_with_no_integer(read: Read) -> None:
    """7.5 is not rounded to 7 or 8."""
    one, two = artifacts.rows(10, 1), artifacts.rows(10, 2)
    keys = pa.array([Decimal(2 * i + 1) / 2 for i in range(10)], pa.decimal128(20, 1))
    pairs = read(one, two | {"id": keys}, artifacts.BINARY).facts.pairs
    assert pairs
    assert (pairs.paired, pairs.removed, pairs.added) == (0, 10, 10)


@pytest.mark.parametrize(
    ("types", "common"),
    [
        (["BIGINT", "BIGINT"], ""),
        (["BIGINT", "INTEGER"], ""),
        (["BIGINT", "DECIMAL(38,0)"], "DECIMAL(38, 0)"),
        (["BIGINT", "DECIMAL(30,12)"], "DECIMAL(38, 12)"),
        (["BIGINT", "DECIMAL(38,30)"], ""),
        (["DECIMAL(4,2)", "DECIMAL(6,1)"], "DECIMAL(38, 2)"),
        (["BIGINT", "VARCHAR"], ""),
        (["DOUBLE", "DECIMAL(4,2)"], ""),
    ],
)
def test_a_common_type_represents_every_value(types: list[str], common: str) -> None:
    """No digit is lost; where none is wide enough, the keys are of different types."""
    assert common_key_type(types) == common
