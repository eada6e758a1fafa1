"""Labels, scores and decisions of every type as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, outcomes_of_facts, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

    Read = Callable[..., Observation]

N = 400


@pytest.mark.parametrize(
    ("convert", "classes"),
    [
        (lambda y: ["yes" if v else "no" for v in y], ("no", "yes")),
        (lambda y: [bool(v) for v in y], ()),
        (lambda y: [bool(v) for v in y], ("No", "YES")),
        (lambda y: [bool(v) for v in y], ("0", "1")),
        (lambda y: [not v for v in y], ("true", "False")),
        (lambda y: [not v for v in y], ("yes", "no")),
        (lambda y: [float(v) for v in y], ()),
        (lambda y: [1 if v else -1 for v in y], ("-1", "1")),
        (lambda y: ["a'b" if v else 'c"d' for v in y], ('c"d', "a'b")),
    ],
)
def test_labels_of_any_type_give_the_same_result(
    convert: Callable[..., Any], classes: tuple[str, ...], read: Read
) -> None:
    """Text with quotes, booleans, floats and other numbers are mapped by `classes`."""
    first, second = rows(N, 1), rows(N, 2)
    expected = judge_observations([read(first, second)], BINARY).measurements
    policy = replace(BINARY, classes=classes)
    result = read(first | {"y": convert(first["y"])}, second | {"y": convert(second["y"])}, policy)
    assert expected == judge_observations([result], policy).measurements


def test_labels_must_match_the_type_of_the_classes(read: Read) -> None:
    """Text labels without classes, and numeric labels with text classes, are errors with a hint for the policy."""
    text = {"y": ["yes"] * N}
    with pytest.raises(DataError, match="is text") as excinfo:
        read(rows(N, 1) | text, rows(N, 2) | text)
    assert "classes: [no, yes]" in excinfo.value.hint
    with pytest.raises(DataError, match="contains numbers"):
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=("no", "yes")))


@pytest.mark.parametrize("classes", [("ham", "spam"), ("no", "true"), ("yes", "true"), ("0.0", "1.0")])
def test_ambiguous_class_names_for_booleans_are_rejected(classes: tuple[str, ...], read: Read) -> None:
    """Class names that do not stand for true and false are an error, because a guess could invert the labels."""
    first, second = rows(N, 1), rows(N, 2)
    booleans = {"y": first["y"] == 1}
    with pytest.raises(DataError, match='"y" contains booleans') as excinfo:
        read(first | booleans, second | booleans, replace(BINARY, classes=classes))
    assert "[false, true]" in excinfo.value.hint


@pytest.mark.parametrize("classes", [("nan", "inf"), ("0", "nan"), ("0", "1e999")])
def test_numeric_classes_must_be_finite(classes: tuple[str, ...], read: Read) -> None:
    """Infinite and NaN class names, which Python parses as numbers, are an error."""
    with pytest.raises(DataError, match="contains numbers") as excinfo:
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=classes))
    assert "finite" in excinfo.value.hint


def by_id(result: Observation, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(result, policy)}


@pytest.mark.parametrize("kind", ["list", "fixed", "single", "large"])
def test_vectors_of_every_list_type_give_the_same_metrics(kind: str, read: Read) -> None:
    """Lists, fixed-size lists, single precision and 64-bit offsets give the same metrics to 1e-7."""
    types = {
        "list": pa.list_(pa.float64()),
        "fixed": pa.list_(pa.float64(), 3),
        "single": pa.list_(pa.float32()),
        "large": pa.large_list(pa.float64()),
    }
    first, second = artifacts.classified(1), artifacts.classified(2)
    plain = by_id(read(first, second, artifacts.MULTICLASS), artifacts.MULTICLASS)
    sides = [side | {"v": pa.array([list(v) for v in side["v"]], types[kind])} for side in (first, second)]
    result = read(*sides, artifacts.MULTICLASS)
    assert outcomes_of_facts(result) == {"contract-rows": Outcome.PASS}
    comparisons = by_id(result, artifacts.MULTICLASS)
    assert {k: c.candidate for k, c in plain.items()} == pytest.approx(
        {k: c.candidate for k, c in comparisons.items()}, abs=1e-7
    )


@pytest.mark.parametrize(
    ("convert", "classes"),
    [
        (lambda y: y, artifacts.CLASSES),
        (lambda y: [artifacts.CLASSES.index(c) for c in y], ("0", "1", "2")),
        (lambda y: [[10, 20, -30][artifacts.CLASSES.index(c)] for c in y], ("10", "20", "-30")),
        (lambda y: [float(artifacts.CLASSES.index(c)) for c in y], ("0", "1", "2")),
    ],
)
def test_classes_may_be_text_or_numbers(convert: Callable[..., Any], classes: tuple[str, ...], read: Read) -> None:
    """`classes` lists them in the order of the vector; labels of every type give the same counts."""
    first, second = artifacts.classified(1), artifacts.classified(2)
    plain = read(first, second, artifacts.MULTICLASS).tables[()].counts
    policy = replace(artifacts.MULTICLASS, classes=classes)
    result = read(first | {"y": convert(first["y"])}, second | {"y": convert(second["y"])}, policy)
    assert plain
    assert result.tables[()].counts
    assert np.array_equal(plain.label, result.tables[()].counts.label)
    assert np.array_equal(plain.n, result.tables[()].counts.n)


def test_two_classes_may_be_booleans(read: Read) -> None:
    """With `classes: [true, false]` the first element of the vector is the probability of True."""
    sides = []
    for seed in (1, 2):
        content = artifacts.classified(seed)
        vectors = [[v[0] / (v[0] + v[1]), v[1] / (v[0] + v[1])] for v in content["v"]]
        sides.append({"id": content["id"], "y": [c == "ant" for c in content["y"]], "v": vectors})
    policy = replace(artifacts.MULTICLASS, classes=("true", "false"))
    result = read(*sides, policy)
    decisions = np.array([v[0] >= v[1] for v in sides[1]["v"]])
    assert np.mean(decisions == np.array(sides[1]["y"])) == pytest.approx(by_id(result, policy)["accuracy"].candidate)
    with pytest.raises(DataError, match="contains booleans"):
        read(*sides, replace(artifacts.MULTICLASS, classes=("yes", "maybe")))


def test_permuted_vector_is_detected_by_the_decisions(read: Read) -> None:
    """If no decision is the class of the largest element, the warning names the order of `classes`."""
    policy = replace(artifacts.MULTICLASS, prediction="d")
    sides = [
        side | {"d": [artifacts.CLASSES[int(np.argmax(v))] for v in side["v"]]}
        for side in (artifacts.classified(1), artifacts.classified(2))
    ]
    assert outcomes_of_facts(read(*sides, policy)) == {"contract-rows": Outcome.PASS}
    sides[1]["v"] = [np.roll(v, 1) for v in sides[1]["v"]]
    result = read(*sides, policy)
    (finding,) = [f for f in judge_contract(result.facts) if f.id == "contract-stale-prediction"]
    assert finding.outcome is Outcome.WARN
    assert "300 of 300 (100 %)" in finding.reason
    assert "the order of `classes`" in finding.reason


def test_embeddings_are_compared_by_direction(read: Read) -> None:
    """Cosine distance is exact to 1e-9; vectors of other lengths, zero, NaN and null ones are counted and excluded."""
    rng = np.random.default_rng(4)
    first = rng.normal(size=(N, 8))
    second = first + 0.1 * rng.normal(size=(N, 8))
    vectors: list[Any] = [list(v) for v in second]
    vectors[:6] = [list(second[0][:7]), [], [0.0] * 8, [float("nan")] * 8, [None] * 8, None]
    result = read({"id": np.arange(N), "v": list(first)}, {"id": np.arange(N), "v": vectors}, artifacts.EMBEDDING)
    distance = 1 - (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    comparison = by_id(result, artifacts.EMBEDDING)["cosine-distance"]
    assert comparison.n == N - 6
    assert distance[6:].mean() == pytest.approx(comparison.candidate, abs=1e-9)
    side = result.facts.candidate
    assert (side.zero_vectors, side.broken_vectors, side.null_scores) == (2, 2, 1)
    assert outcomes_of_facts(result) == {
        "contract-rows": Outcome.PASS,
        "contract-left-out": Outcome.INCONCLUSIVE,
        "contract-unusable-prediction": Outcome.FAIL,
        "contract-zero-vector": Outcome.FAIL,
        "contract-vector-length": Outcome.FAIL,
    }
    assert judge_observations([result], artifacts.EMBEDDING).measurements


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_nan_label_is_not_there_yet(read: Read, task: str) -> None:
    """NaN labels count as missing, like null, and neither as odd labels nor as a class."""
    make: Any = {
        "binary": rows,
        "multiclass": lambda n, seed: artifacts.classified(seed, n),
        "regression": artifacts.values,
    }
    first, second = (make[task](N, seed) for seed in (1, 2))
    labels = np.array([artifacts.CLASSES.index(y) if task == "multiclass" else y for y in first["y"]], dtype=float)
    labels[:50] = np.nan
    policy = {
        "binary": BINARY,
        "multiclass": replace(artifacts.MULTICLASS, classes=("0", "1", "2")),
        "regression": Regression(task="regression", key=("id",), label="y", prediction="p"),
    }[task]
    result = read(first | {"y": labels}, second | {"y": labels}, policy)
    assert (result.facts.baseline.null_labels, result.facts.baseline.odd_labels) == (50, 0)
    assert result.facts.pairs
    assert (result.facts.pairs.labelled, result.facts.pairs.label_conflicts) == (N - 50, 0)


def test_integer_and_boolean_labels_with_equal_values_are_a_note(read: Read) -> None:
    """The difference of the types is in the note of the rows and no warning; different values are still found."""
    first, second = rows(N, 1), rows(N, 2)
    integers, booleans = np.asarray(first["y"]).astype(np.int8), np.asarray(first["y"]).astype(bool)
    result = read(first | {"y": integers}, second | {"y": booleans})
    outcomes = outcomes_of_facts(result)
    assert "contract-column-type" not in outcomes
    assert "contract-label-changed" not in outcomes
    assert any("TINYINT" in width and "BOOLEAN" in width for width in result.facts.schema.widths)
    changed = outcomes_of_facts(read(first | {"y": integers}, second | {"y": ~booleans}))
    assert changed["contract-label-changed"] is Outcome.FAIL
