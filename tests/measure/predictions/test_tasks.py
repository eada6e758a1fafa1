"""Multiclass, ranking and embedding tasks, from Parquet files to judged facts and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError
from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import cells_from_decisions
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.contract.checks import judge_contract, not_measured
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.sql import summing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

    Read = Callable[..., Observation]

N = 300
CLASSES = ("ant", "bee", "cat")
MANY = Regression(task="multiclass", key=("id",), label="y", score="v", classes=CLASSES, minimum_rows=5)
RANKED = Regression(task="ranking", key=("id",), label="y", score="s", query="q", at=5, minimum_rows=5)
EMBEDDED = Regression(task="embedding", key=("id",), score="v")


def classified(seed: int, n: int = N) -> dict[str, Any]:
    """Return rows of a classifier with three classes; every seed gives the same labels."""
    shared_rng, own_rng = np.random.default_rng(1), np.random.default_rng(seed)
    truth = shared_rng.integers(0, 3, n)
    raw = shared_rng.normal(size=(n, 3)) + 0.3 * own_rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth]
    vectors = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    return {"id": np.arange(n), "y": [CLASSES[t] for t in truth], "v": list(vectors), "site": list(truth % 2)}


def ranked(seed: int, queries: int = 40, each: int = 12) -> dict[str, Any]:
    """Return documents of queries with graded relevance and without ties; the first query has no relevant document."""
    shared_rng, own_rng = np.random.default_rng(2), np.random.default_rng(seed)
    n = queries * each
    relevance = shared_rng.choice([0, 0, 1, 2, 3], n)
    query = np.arange(n) // each
    relevance[:each] = 0
    return {
        "id": np.arange(n),
        "q": [f"q{i}" for i in query],
        "y": relevance,
        "s": relevance + 1.5 * own_rng.normal(size=n),
        "site": (query % 2).tolist(),
    }


def findings(result: Observation) -> dict[str, Outcome]:
    return {f.id.removeprefix("contract-"): f.outcome for f in judge_contract(result.facts)}


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
    first, second = classified(1), classified(2)
    plain = by_id(read(first, second, MANY), MANY)
    sides = [side | {"v": pa.array([list(v) for v in side["v"]], types[kind])} for side in (first, second)]
    result = read(*sides, MANY)
    assert findings(result) == {"rows": Outcome.PASS}
    comparisons = by_id(result, MANY)
    assert {k: c.candidate for k, c in plain.items()} == pytest.approx(
        {k: c.candidate for k, c in comparisons.items()}, abs=1e-7
    )


@pytest.mark.parametrize(
    ("convert", "classes"),
    [
        (lambda y: y, CLASSES),
        (lambda y: [CLASSES.index(c) for c in y], ("0", "1", "2")),
        (lambda y: [[10, 20, -30][CLASSES.index(c)] for c in y], ("10", "20", "-30")),
        (lambda y: [float(CLASSES.index(c)) for c in y], ("0", "1", "2")),
    ],
)
def test_classes_may_be_text_or_numbers(convert: Callable[..., Any], classes: tuple[str, ...], read: Read) -> None:
    """`classes` lists them in the order of the vector; labels of every type give the same counts."""
    first, second = classified(1), classified(2)
    plain = read(first, second, MANY).tables[()].counts
    policy = replace(MANY, classes=classes)
    result = read(first | {"y": convert(first["y"])}, second | {"y": convert(second["y"])}, policy)
    assert plain
    assert result.tables[()].counts
    assert np.array_equal(plain.label, result.tables[()].counts.label)
    assert np.array_equal(plain.n, result.tables[()].counts.n)


def test_two_classes_may_be_booleans(read: Read) -> None:
    """With `classes: [true, false]` the first element of the vector is the probability of True."""
    sides = []
    for seed in (1, 2):
        content = classified(seed)
        vectors = [[v[0] / (v[0] + v[1]), v[1] / (v[0] + v[1])] for v in content["v"]]
        sides.append({"id": content["id"], "y": [c == "ant" for c in content["y"]], "v": vectors})
    policy = replace(MANY, classes=("true", "false"))
    result = read(*sides, policy)
    decisions = np.array([v[0] >= v[1] for v in sides[1]["v"]])
    assert np.mean(decisions == np.array(sides[1]["y"])) == pytest.approx(by_id(result, policy)["accuracy"].candidate)
    with pytest.raises(DataError, match="contains booleans"):
        read(*sides, replace(MANY, classes=("yes", "maybe")))


def test_each_fault_of_a_vector_is_counted_and_reported(read: Read) -> None:
    """Ragged, unnormalised, out-of-range and null vectors, and NaN or null elements, are counted once and excluded."""
    second = classified(2)
    nan = float("nan")
    odd: list[Any] = [[0.5, 0.5], [0.2, 0.2, 0.2], [1.2, -0.2, 0.0], [nan, 0.5, 0.5], [None, 0.5, 0.5], None, []]
    second["v"] = [*odd, *[list(v) for v in second["v"][len(odd) :]]]
    result = read(classified(1), second, MANY)
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
    assert result.facts.pairs.usable == N - len(odd)
    assert findings(result) == {
        "rows": Outcome.PASS,
        "unusable-prediction": Outcome.FAIL,
        "score-range": Outcome.FAIL,
        "ragged-vector": Outcome.FAIL,
        "unnormalised-vector": Outcome.FAIL,
    }
    assert all(np.isfinite(c.candidate) for c in by_id(result, MANY).values())


def test_permuted_vector_is_detected_by_the_decisions(read: Read) -> None:
    """If no decision is the class of the largest element, the warning names the order of `classes`."""
    policy = replace(MANY, prediction="d")
    sides = [side | {"d": [CLASSES[int(np.argmax(v))] for v in side["v"]]} for side in (classified(1), classified(2))]
    assert findings(read(*sides, policy)) == {"rows": Outcome.PASS}
    sides[1]["v"] = [np.roll(v, 1) for v in sides[1]["v"]]
    result = read(*sides, policy)
    (finding,) = [f for f in judge_contract(result.facts) if f.id == "contract-stale-prediction"]
    assert finding.outcome is Outcome.WARN
    assert "300 of 300 (100 %)" in finding.reason
    assert "the order of `classes` is probably not that of the vector" in finding.reason


def test_values_outside_the_classes_are_a_fault(read: Read) -> None:
    """An unknown class is counted as an odd label, with an example, or as an unusable decision."""
    policy = replace(MANY, prediction="d")
    sides = [side | {"d": [CLASSES[int(np.argmax(v))] for v in side["v"]]} for side in (classified(1), classified(2))]
    sides[0]["y"] = ["dog", *sides[0]["y"][1:]]
    sides[1]["d"] = ["eel", *sides[1]["d"][1:]]
    result = read(*sides, policy)
    assert (result.facts.baseline.odd_label_examples, result.facts.candidate.null_predictions) == (("dog",), 1)
    assert {"label-values", "unusable-prediction"} < set(findings(result))


def test_multiclass_slices_agree_with_the_rows(read: Read) -> None:
    """Accuracy by slice is that of the rows; a vector that is null on both sides is not a change."""
    policy = replace(MANY, slices=(("site",),), intent="unchanged")
    first, second = classified(1), classified(2)
    for side in (first, second):
        side["v"] = [None, *[list(v) for v in side["v"][1:]]]
    result = read(first, second, policy)
    counts = result.tables["site",].counts
    assert counts
    for index, key in enumerate(result.tables["site",].keys):
        rows = [i for i in range(1, N) if second["site"][i] == key[0]]
        hits = sum(CLASSES[int(np.argmax(second["v"][i]))] == second["y"][i] for i in rows)
        correct = (counts.cell == index) & (counts.label == counts.candidate)
        assert (hits, len(rows)) == (counts.n[correct].sum(), counts.n[counts.cell == index].sum())
    same = read(first, first, policy)
    assert same.facts.pairs
    assert (same.facts.pairs.changed, [c.kind for c in same.changes]) == (0, ["bit-identical"] * 4)


def test_many_classes_are_collapsed_to_right_and_wrong(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collapsed cells give the same accuracy, by group too; the cells then have two classes."""
    policy = replace(MANY, slices=(("site",),), group="team")
    first, second = (classified(seed) | {"team": np.arange(N) // 6} for seed in (1, 2))
    plain = read(first, second, policy)
    monkeypatch.setattr(summing, "MAX_ENTRIES", 1)
    collapsed = read(first, second, policy)
    for observation in (plain, collapsed):
        assert observation.tables[()].counts
        assert observation.tables[()].counts.classes == 3
    cells = []
    for observation, classes in ((plain, 3), (collapsed, 2)):
        counts = observation.tables["site",].counts
        assert counts
        assert counts.classes == classes
        cells.append(cells_from_decisions(counts, is_correct, labelled=True))
    for name in ("n", "a", "d", "dd"):
        assert np.array_equal(getattr(cells[0], name), getattr(cells[1], name))
        assert cells[0].groups
        assert cells[1].groups
        if name != "n":
            assert np.array_equal(getattr(cells[0].groups, name), getattr(cells[1].groups, name))


def test_ties_are_ranked_by_ascending_relevance(read: Read) -> None:
    """If all scores are equal, the less relevant documents come first, which gives the lowest reciprocal rank."""
    first = ranked(1)
    result = read(first, first | {"s": np.zeros(len(first["id"]))}, RANKED)
    comparisons = by_id(result, RANKED)
    worst = []
    for q in range(1, 40):
        relevance = sorted(first["y"][q * 12 : q * 12 + 12])
        rank = next(i for i, v in enumerate(relevance) if v > 0)
        worst.append(1 / (rank + 1))
    assert np.mean(worst) == pytest.approx(comparisons["mrr"].candidate, abs=1e-12)


def test_queries_without_a_relevant_document_are_not_measured(read: Read) -> None:
    """One query of 40 is listed as not measured and left out of NDCG; a row without a query is unusable."""
    first, second = ranked(1), ranked(2)
    second["q"] = [*second["q"][:-1], None]
    result = read(first, second, RANKED)
    assert result.facts.pairs
    assert (
        result.facts.pairs.queries,
        result.facts.pairs.queries_without_relevant,
        result.facts.candidate.null_queries,
    ) == (
        40,
        1,
        1,
    )
    assert any(
        "1 of 40" in n.why and "relevant" in n.what for n in not_measured(result.facts, group=False, windows=False)
    )
    assert by_id(result, RANKED)["ndcg"].n == 39
    assert findings(result)["unusable-prediction"] is Outcome.FAIL


def test_documents_of_different_queries_are_a_conflict(read: Read) -> None:
    """Documents whose query differs between the sides are counted; a query of another type is an error."""
    first, second = ranked(1), ranked(2)
    second["q"] = ["q39", *second["q"][1:]]
    result = read(first, second, RANKED)
    assert result.facts.pairs
    assert result.facts.pairs.query_conflicts == 1
    assert findings(result)["query-changed"] is Outcome.WARN
    other = read(first, second | {"q": np.arange(len(second["id"]))}, RANKED)
    assert {f.id for f in judge_observations([other], RANKED).findings} == {"contract-key-type"}


def test_removed_queries_are_missing_from_their_slice_only(read: Read) -> None:
    """If all queries of a site are removed, only that slice is reported, and no slice with a null value."""
    policy = replace(RANKED, slices=(("site",),))
    second = ranked(2)
    indices = np.flatnonzero(np.array(second["site"]) == 0)
    incomplete = {k: [list(v)[i] for i in indices] for k, v in second.items()}
    judged = judge_observations([read(ranked(1), incomplete, policy)], policy)
    missing = [f.slice for f in judged.findings if f.id == "slice-missing"]
    assert missing == [{"site": 1}]


def test_negative_relevance_is_an_odd_label(read: Read) -> None:
    """A negative relevance, which would give a negative gain, is counted as an odd label and fails."""
    first = ranked(1)
    odd = first | {"y": [-1, *first["y"][1:]]}
    result = read(odd, odd | {"s": ranked(2)["s"]}, RANKED)
    assert (result.facts.baseline.odd_labels, findings(result)["label-values"]) == (1, Outcome.FAIL)


def test_embeddings_are_compared_by_direction(read: Read) -> None:
    """Cosine distance is exact to 1e-9; vectors of other lengths, zero, NaN and null ones are counted and excluded."""
    rng = np.random.default_rng(4)
    first = rng.normal(size=(N, 8))
    second = first + 0.1 * rng.normal(size=(N, 8))
    vectors: list[Any] = [list(v) for v in second]
    vectors[:6] = [list(second[0][:7]), [], [0.0] * 8, [float("nan")] * 8, [None] * 8, None]
    result = read({"id": np.arange(N), "v": list(first)}, {"id": np.arange(N), "v": vectors}, EMBEDDED)
    distance = 1 - (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    comparison = by_id(result, EMBEDDED)["cosine-distance"]
    assert comparison.n == N - 6
    assert distance[6:].mean() == pytest.approx(comparison.candidate, abs=1e-9)
    side = result.facts.candidate
    assert (side.zero_vectors, side.broken_vectors, side.null_scores) == (2, 2, 1)
    assert findings(result) == {
        "rows": Outcome.PASS,
        "unusable-prediction": Outcome.FAIL,
        "zero-vector": Outcome.FAIL,
        "vector-length": Outcome.FAIL,
    }
    assert judge_observations([result], EMBEDDED).measurements


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
    from prediction_artifacts import values

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
    first = classified(1, 3000)
    wrong = np.array([CLASSES[int(np.argmax(v))] != y for v, y in zip(first["v"], first["y"], strict=True)])
    for indices, hard in ((np.flatnonzero(~wrong | (np.arange(3000) % 2 == 0)), True), (np.arange(2700), False)):
        reason, quality = removed_rows(read(first, {k: [list(v)[i] for i in indices] for k, v in first.items()}, MANY))
        accuracy = 1 - wrong[indices].mean()
        assert quality == pytest.approx((accuracy, accuracy, 1 - wrong.mean(), accuracy))
        assert ("harder" in reason, "easier" in reason) == (hard, False)
        assert "accuracy" in reason
