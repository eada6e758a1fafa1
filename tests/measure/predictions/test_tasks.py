"""Classes, values, rankings and embeddings, from real Parquet files to what is judged."""

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
    """Rows of a classifier of three classes; the same truth for every seed."""
    world, own = np.random.default_rng(1), np.random.default_rng(seed)
    truth = world.integers(0, 3, n)
    raw = world.normal(size=(n, 3)) + 0.3 * own.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth]
    vectors = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    return {"id": np.arange(n), "y": [CLASSES[t] for t in truth], "v": list(vectors), "site": list(truth % 2)}


def ranked(seed: int, queries: int = 40, each: int = 12) -> dict[str, Any]:
    """Documents of queries with graded relevance and no ties."""
    world, own = np.random.default_rng(2), np.random.default_rng(seed)
    n = queries * each
    relevance = world.choice([0, 0, 1, 2, 3], n)
    query = np.arange(n) // each
    relevance[:each] = 0
    return {
        "id": np.arange(n),
        "q": [f"q{i}" for i in query],
        "y": relevance,
        "s": relevance + 1.5 * own.normal(size=n),
        "site": (query % 2).tolist(),
    }


def findings(seen: Observation) -> dict[str, Outcome]:
    return {f.id.removeprefix("contract-"): f.outcome for f in judge_contract(seen.facts)}


def by_id(seen: Observation, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(seen, policy)}


@pytest.mark.parametrize("kind", ["list", "fixed", "single", "large"])
def test_vectors_of_every_type_are_the_same(kind: str, read: Read) -> None:
    """Lists, fixed-size lists, single precision, 64-bit offsets."""
    types = {
        "list": pa.list_(pa.float64()),
        "fixed": pa.list_(pa.float64(), 3),
        "single": pa.list_(pa.float32()),
        "large": pa.large_list(pa.float64()),
    }
    first, second = classified(1), classified(2)
    plain = by_id(read(first, second, MANY), MANY)
    sides = [side | {"v": pa.array([list(v) for v in side["v"]], types[kind])} for side in (first, second)]
    seen = read(*sides, MANY)
    assert findings(seen) == {"rows": Outcome.PASS}
    found = by_id(seen, MANY)
    assert {k: c.candidate for k, c in plain.items()} == pytest.approx(
        {k: c.candidate for k, c in found.items()}, abs=1e-7
    )


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (lambda y: y, CLASSES),
        (lambda y: [CLASSES.index(c) for c in y], ("0", "1", "2")),
        (lambda y: [[10, 20, -30][CLASSES.index(c)] for c in y], ("10", "20", "-30")),
        (lambda y: [float(CLASSES.index(c)) for c in y], ("0", "1", "2")),
    ],
)
def test_classes_are_text_or_numbers(given: Callable[..., Any], classes: tuple[str, ...], read: Read) -> None:
    """In the order of the vector, by the policy."""
    first, second = classified(1), classified(2)
    plain = read(first, second, MANY).tables[()].counts
    policy = replace(MANY, classes=classes)
    seen = read(first | {"y": given(first["y"])}, second | {"y": given(second["y"])}, policy)
    assert plain
    assert seen.tables[()].counts
    assert np.array_equal(plain.label, seen.tables[()].counts.label)
    assert np.array_equal(plain.n, seen.tables[()].counts.n)


def test_two_classes_may_be_booleans(read: Read) -> None:
    """`classes: [true, false]` puts the vector's first place to True."""
    sides = []
    for seed in (1, 2):
        one = classified(seed)
        vectors = [[v[0] / (v[0] + v[1]), v[1] / (v[0] + v[1])] for v in one["v"]]
        sides.append({"id": one["id"], "y": [c == "ant" for c in one["y"]], "v": vectors})
    policy = replace(MANY, classes=("true", "false"))
    seen = read(*sides, policy)
    called = np.array([v[0] >= v[1] for v in sides[1]["v"]])
    assert np.mean(called == np.array(sides[1]["y"])) == pytest.approx(by_id(seen, policy)["accuracy"].candidate)
    with pytest.raises(DataError, match="contains booleans"):
        read(*sides, replace(MANY, classes=("yes", "maybe")))


def test_each_fault_of_a_vector_is_counted_once(read: Read) -> None:
    """Ragged, unnormalised, outside 0..1, NaN, null elements, null: left out and named."""
    second = classified(2)
    nan = float("nan")
    odd: list[Any] = [[0.5, 0.5], [0.2, 0.2, 0.2], [1.2, -0.2, 0.0], [nan, 0.5, 0.5], [None, 0.5, 0.5], None, []]
    second["v"] = [*odd, *[list(v) for v in second["v"][len(odd) :]]]
    seen = read(classified(1), second, MANY)
    side = seen.facts.candidate
    assert (
        side.ragged_vectors,
        side.unnormalised_vectors,
        side.outside_scores,
        side.broken_vectors,
        side.null_scores,
        side.null_predictions,
    ) == (2, 1, 1, 2, 1, 0)
    assert seen.facts.pairs
    assert seen.facts.pairs.usable == N - len(odd)
    assert findings(seen) == {
        "rows": Outcome.PASS,
        "unusable-prediction": Outcome.FAIL,
        "score-range": Outcome.FAIL,
        "ragged-vector": Outcome.FAIL,
        "unnormalised-vector": Outcome.FAIL,
    }
    assert all(np.isfinite(c.candidate) for c in by_id(seen, MANY).values())


def test_a_permuted_vector_is_told_by_the_decisions(read: Read) -> None:
    """The order of `classes` is not that of the vector: most decisions are not the largest element's class."""
    policy = replace(MANY, prediction="d")
    sides = [side | {"d": [CLASSES[int(np.argmax(v))] for v in side["v"]]} for side in (classified(1), classified(2))]
    assert findings(read(*sides, policy)) == {"rows": Outcome.PASS}
    sides[1]["v"] = [np.roll(v, 1) for v in sides[1]["v"]]
    seen = read(*sides, policy)
    (said,) = [f for f in judge_contract(seen.facts) if f.id == "contract-stale-prediction"]
    assert said.outcome is Outcome.WARN
    assert "300 of 300 (100 %)" in said.reason
    assert "the order of `classes` is probably not that of the vector" in said.reason


def test_a_class_that_nobody_named_is_a_fault(read: Read) -> None:
    """As label, with examples; as decision."""
    policy = replace(MANY, prediction="d")
    sides = [side | {"d": [CLASSES[int(np.argmax(v))] for v in side["v"]]} for side in (classified(1), classified(2))]
    sides[0]["y"] = ["dog", *sides[0]["y"][1:]]
    sides[1]["d"] = ["eel", *sides[1]["d"][1:]]
    seen = read(*sides, policy)
    assert (seen.facts.baseline.odd_label_examples, seen.facts.candidate.null_predictions) == (("dog",), 1)
    assert {"label-values", "unusable-prediction"} < set(findings(seen))


def test_slices_of_many_classes_agree_with_the_rows(read: Read) -> None:
    """Accuracy by slice, and how many unusable rows both sides share: the same null is no change."""
    policy = replace(MANY, slices=(("site",),), intent="unchanged")
    first, second = classified(1), classified(2)
    for side in (first, second):
        side["v"] = [None, *[list(v) for v in side["v"][1:]]]
    seen = read(first, second, policy)
    counts = seen.tables["site",].counts
    assert counts
    for place, key in enumerate(seen.tables["site",].keys):
        rows = [i for i in range(1, N) if second["site"][i] == key[0]]
        hits = sum(CLASSES[int(np.argmax(second["v"][i]))] == second["y"][i] for i in rows)
        chosen = (counts.cell == place) & (counts.label == counts.candidate)
        assert (hits, len(rows)) == (counts.n[chosen].sum(), counts.n[counts.cell == place].sum())
    same = read(first, first, policy)
    assert same.facts.pairs
    assert (same.facts.pairs.changed, [c.kind for c in same.changes]) == (0, ["bit-identical"] * 4)


def test_very_many_classes_are_told_apart_as_right_and_wrong(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracy in each cell, by groups too, is what it would be; the cells then know of no single class."""
    policy = replace(MANY, slices=(("site",),), group="team")
    first, second = (classified(seed) | {"team": np.arange(N) // 6} for seed in (1, 2))
    plain = read(first, second, policy)
    monkeypatch.setattr(summing, "MAX_ENTRIES", 1)
    few = read(first, second, policy)
    for one in (plain, few):
        assert one.tables[()].counts
        assert one.tables[()].counts.classes == 3
    cells = []
    for one, classes in ((plain, 3), (few, 2)):
        counts = one.tables["site",].counts
        assert counts
        assert counts.classes == classes
        cells.append(cells_from_decisions(counts, is_correct, labelled=True))
    for name in ("n", "a", "d", "dd"):
        assert np.array_equal(getattr(cells[0], name), getattr(cells[1], name))
        assert cells[0].groups
        assert cells[1].groups
        if name != "n":
            assert np.array_equal(getattr(cells[0].groups, name), getattr(cells[1].groups, name))


def test_ties_never_flatter_a_ranking(read: Read) -> None:
    """All scores equal: the less relevant documents come first."""
    first = ranked(1)
    seen = read(first, first | {"s": np.zeros(len(first["id"]))}, RANKED)
    found = by_id(seen, RANKED)
    worst = []
    for q in range(1, 40):
        own = sorted(first["y"][q * 12 : q * 12 + 12])
        place = next(i for i, v in enumerate(own) if v > 0)
        worst.append(1 / (place + 1))
    assert np.mean(worst) == pytest.approx(found["mrr"].candidate, abs=1e-12)


def test_queries_without_a_relevant_document_are_not_measured(read: Read) -> None:
    """One of forty; and rows without a query are unusable."""
    first, second = ranked(1), ranked(2)
    second["q"] = [*second["q"][:-1], None]
    seen = read(first, second, RANKED)
    assert seen.facts.pairs
    assert (seen.facts.pairs.queries, seen.facts.pairs.queries_without_relevant, seen.facts.candidate.null_queries) == (
        40,
        1,
        1,
    )
    assert any(
        "1 of 40" in n.why and "relevant" in n.what for n in not_measured(seen.facts, group=False, windows=False)
    )
    assert by_id(seen, RANKED)["ndcg"].n == 39
    assert findings(seen)["unusable-prediction"] is Outcome.FAIL


def test_documents_of_different_queries_are_a_conflict(read: Read) -> None:
    """Left out of the metrics, and said; a query of another type is no query."""
    first, second = ranked(1), ranked(2)
    second["q"] = ["q39", *second["q"][1:]]
    seen = read(first, second, RANKED)
    assert seen.facts.pairs
    assert seen.facts.pairs.query_conflicts == 1
    assert findings(seen)["query-changed"] is Outcome.WARN
    other = read(first, second | {"q": np.arange(len(second["id"]))}, RANKED)
    assert {f.id for f in judge_observations([other], RANKED).findings} == {"contract-key-type"}


def test_removed_queries_are_missing_from_their_slice_alone(read: Read) -> None:
    """All queries of one site are gone: that slice is missing, and no slice without a value is invented."""
    policy = replace(RANKED, slices=(("site",),))
    second = ranked(2)
    kept = np.flatnonzero(np.array(second["site"]) == 0)
    lost = {k: [list(v)[i] for i in kept] for k, v in second.items()}
    judged = judge_observations([read(ranked(1), lost, policy)], policy)
    missing = [f.slice for f in judged.findings if f.id == "slice-missing"]
    assert missing == [{"site": 1}]


def test_negative_relevance_is_no_relevance(read: Read) -> None:
    """It would turn gains around; it is counted as an odd label."""
    first = ranked(1)
    odd = first | {"y": [-1, *first["y"][1:]]}
    seen = read(odd, odd | {"s": ranked(2)["s"]}, RANKED)
    assert (seen.facts.baseline.odd_labels, findings(seen)["label-values"]) == (1, Outcome.FAIL)


def test_embeddings_are_compared_by_direction(read: Read) -> None:
    """Cosine distance to 1e-9; other lengths, empty, zero and NaN vectors are left out, each with its reason."""
    own = np.random.default_rng(4)
    first = own.normal(size=(N, 8))
    second = first + 0.1 * own.normal(size=(N, 8))
    vectors: list[Any] = [list(v) for v in second]
    vectors[:6] = [list(second[0][:7]), [], [0.0] * 8, [float("nan")] * 8, [None] * 8, None]
    seen = read({"id": np.arange(N), "v": list(first)}, {"id": np.arange(N), "v": vectors}, EMBEDDED)
    distance = 1 - (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    found = by_id(seen, EMBEDDED)["cosine-distance"]
    assert found.n == N - 6
    assert distance[6:].mean() == pytest.approx(found.candidate, abs=1e-9)
    side = seen.facts.candidate
    assert (side.zero_vectors, side.broken_vectors, side.null_scores) == (2, 2, 1)
    assert findings(seen) == {
        "rows": Outcome.PASS,
        "unusable-prediction": Outcome.FAIL,
        "zero-vector": Outcome.FAIL,
        "vector-length": Outcome.FAIL,
    }
    assert judge_observations([seen], EMBEDDED).measurements


def test_a_regression_says_which_rows_are_gone(read: Read) -> None:
    """The rows with large errors are missing: they are the hard ones."""
    from prediction_artifacts import values

    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first = values(2000, 1)
    error = np.abs(first["p"] - first["y"])
    kept = np.flatnonzero(error < np.quantile(error, 0.9))
    seen = read(first, {k: v[kept] for k, v in first.items()}, policy)
    (said,) = [f.reason for f in judge_contract(seen.facts) if f.id == "contract-removed-rows"]
    assert "and they are the hard ones: paired RMSE is unchanged, unpaired looks " in said
    assert said.endswith(" better.")
    easy = np.flatnonzero(error > np.quantile(error, 0.1))
    seen = read(first, {k: v[easy] for k, v in first.items()}, policy)
    (said,) = [f.reason for f in judge_contract(seen.facts) if f.id == "contract-removed-rows"]
    assert "the easy ones" in said
    assert said.endswith(" worse.")


def test_a_classifier_says_which_rows_are_gone(read: Read) -> None:
    """Accuracy, not RMSE; rows that are gone at random are called neither hard nor easy."""
    first = classified(1, 3000)
    wrong = np.array([CLASSES[int(np.argmax(v))] != y for v, y in zip(first["v"], first["y"], strict=True)])
    for kept, hard in ((np.flatnonzero(~wrong | (np.arange(3000) % 2 == 0)), True), (np.arange(2700), False)):
        seen = read(first, {k: [list(v)[i] for i in kept] for k, v in first.items()}, MANY)
        (said,) = [f.reason for f in judge_contract(seen.facts) if f.id == "contract-removed-rows"]
        assert ("they are the hard ones" in said, "ones" in said) == (hard, hard)
        assert "paired accuracy is unchanged" in said
