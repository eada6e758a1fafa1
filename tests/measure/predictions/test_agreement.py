"""Metrics read from Parquet files through DuckDB equal those of scikit-learn and scipy, on real data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats
from scipy.spatial import distance
from sklearn import metrics  # type: ignore[import-untyped]
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]
from sklearn.model_selection import cross_val_predict  # type: ignore[import-untyped]
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]
from sklearn.preprocessing import scale  # type: ignore[import-untyped]

from ghmlops.core.metrics import metrics_of
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.behaviour import drift
from ghmlops.core.predictions.comparison import compare_cells, compare_classes, compare_overall
from prediction_artifacts import BINARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

REGRESSION = Regression(task="regression", key=("id",), label="y", prediction="p")
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def tumours() -> dict[str, np.ndarray]:
    """Held-out probabilities of two models on scikit-learn's breast cancer data; naive Bayes gives hard 0 and 1."""
    features, label = load_breast_cancer(return_X_y=True)
    features = scale(features)
    models = LogisticRegression(max_iter=500), GaussianNB()
    first, second = (cross_val_predict(m, features, label, cv=5, method="predict_proba")[:, 1] for m in models)
    return {"label": label, "baseline": first, "candidate": second}


@pytest.fixture(scope="module")
def diabetes() -> dict[str, np.ndarray]:
    """Held-out predictions of two models on scikit-learn's diabetes data."""
    features, label = load_diabetes(return_X_y=True)
    first, second = (cross_val_predict(Ridge(alpha=a), features, label, cv=5) for a in (0.1, 1.0))
    return {"label": label, "baseline": first, "candidate": second}


def shuffled(label: np.ndarray, column: str, values: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the rows of one side in a random order."""
    order = np.random.default_rng(seed).permutation(len(label))
    return {"id": np.arange(len(label))[order], "y": label[order], column: values[order]}


def by_id(observation: Observation, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(observation, policy)}


def ece(label: np.ndarray, score: np.ndarray) -> float:
    """Return the expected calibration error with 15 bins of equal width, from its definition."""
    index = np.minimum((score * 15).astype(int), 14)
    gaps = [abs(score[index == k].mean() - label[index == k].mean()) * np.mean(index == k) for k in np.unique(index)]
    return float(np.sum(gaps))


def test_binary_values_agree_with_scikit_learn(
    tumours: dict[str, np.ndarray], read: Callable[..., Observation]
) -> None:
    """Accuracy, AUC, log loss with the same clipping, ECE, positive rate, churn and flips agree to 1e-9."""
    label = tumours["label"]
    result = read(shuffled(label, "s", tumours["baseline"], 1), shuffled(label, "s", tumours["candidate"], 2))
    comparisons = by_id(result, BINARY)
    decisions = {side: tumours[side] >= 0.5 for side in ("baseline", "candidate")}
    for side in ("baseline", "candidate"):
        score = tumours[side]
        expected = {
            "accuracy": metrics.accuracy_score(label, decisions[side]),
            "auc": metrics.roc_auc_score(label, score),
            "log-loss": metrics.log_loss(label, score),
            "ece": ece(label, score),
            "positive-rate": decisions[side].mean(),
        }
        assert expected == pytest.approx({name: getattr(comparisons[name], side) for name in expected}, abs=TOLERANCE)
    assert np.mean(decisions["baseline"] != decisions["candidate"]) == pytest.approx(
        comparisons["churn"].candidate, abs=TOLERANCE
    )
    negative_flips = (decisions["baseline"] == label) & (decisions["candidate"] != label)
    assert negative_flips.mean() == pytest.approx(comparisons["negative-flips"].candidate, abs=TOLERANCE)


def test_paired_mean_agrees_with_ttest_rel(tumours: dict[str, np.ndarray], read: Callable[..., Observation]) -> None:
    """The p-value and limits of log loss are those of `scipy.stats.ttest_rel` on the losses of the rows."""
    label = tumours["label"]
    result = read(shuffled(label, "s", tumours["baseline"], 1), shuffled(label, "s", tumours["candidate"], 2))
    comparison = by_id(result, BINARY)["log-loss"]
    clip = 2.0**-52
    loss = {
        side: -np.log(np.where(label == 1, s := np.clip(tumours[side], clip, 1 - clip), 1 - s))
        for side in ("baseline", "candidate")
    }
    expected = stats.ttest_rel(loss["candidate"], loss["baseline"], alternative="greater")
    interval = stats.ttest_rel(loss["candidate"], loss["baseline"]).confidence_interval(0.98)
    assert (expected.pvalue, interval.low, interval.high) == pytest.approx(
        (comparison.p, comparison.low, comparison.high), rel=1e-7, abs=TOLERANCE
    )


def test_regression_values_agree_with_scikit_learn(
    diabetes: dict[str, np.ndarray], read: Callable[..., Observation]
) -> None:
    """RMSE, MAE and bias agree to 1e-9, and the margin of the bias is 5 % of the standard deviation of the label."""
    label = diabetes["label"]
    result = read(
        shuffled(label, "p", diabetes["baseline"], 1), shuffled(label, "p", diabetes["candidate"], 2), REGRESSION
    )
    comparisons = by_id(result, REGRESSION)
    for side in ("baseline", "candidate"):
        expected = {
            "rmse": metrics.root_mean_squared_error(label, diabetes[side]),
            "mae": metrics.mean_absolute_error(label, diabetes[side]),
            "bias": float(np.mean(diabetes[side] - label)),
        }
        assert expected == pytest.approx({name: getattr(comparisons[name], side) for name in expected}, abs=TOLERANCE)
    assert label.std(ddof=1) * 0.05 == pytest.approx(comparisons["bias"].margin, rel=1e-9)


def test_sums_by_slice_window_and_group_equal_sums_over_rows(read: Callable[..., Observation]) -> None:
    """Count and accuracy of every cell, and the cluster-robust standard error over all rows, are those of the rows."""
    from prediction_artifacts import rows

    policy = replace(
        BINARY, slices=(("device",), ("device", "country")), time="t", window="1d", group="user", minimum_rows=1
    )
    first, second = rows(3000, 1), rows(3000, 2)
    result = read(first, second, policy)
    right = (second["s"] >= 0.5) == (first["y"] == 1)
    device, country = np.array(first["device"]), np.array(first["country"])
    columns = ("device", "country")
    table = result.tables[columns]
    for index, (d, c) in enumerate(table.keys):
        inside = (device == d) & (country == c)
        assert table.counts
        cell = table.counts.cell == index
        correct = cell & (table.counts.candidate == table.counts.label)
        assert (inside.sum(), right[inside].sum()) == (table.counts.n[cell].sum(), table.counts.n[correct].sum())
    assert table.counts
    assert sum(table.counts.n) == 3000
    assert [f"2025-03-{day:02}" for day in range(1, 15)] == [key[0] for key in result.tables[WINDOW,].keys]
    before = ((first["s"] >= 0.5) == (first["y"] == 1)).astype(float)
    change = right - before
    totals = np.array([(change - change.mean())[first["user"] == u].sum() for u in range(150)])
    expected = np.sqrt((totals**2).sum() * 150 / 149) / 3000
    assert expected == pytest.approx(by_id(result, policy)["accuracy"].error, rel=1e-9)


def test_every_binary_metric_agrees(tumours: dict[str, np.ndarray], read: Callable[..., Observation]) -> None:
    """Balanced accuracy, precision, recall, F1, MCC, average precision and Brier score agree with scikit-learn."""
    label = tumours["label"]
    result = read(shuffled(label, "s", tumours["baseline"], 1), shuffled(label, "s", tumours["candidate"], 2))
    comparisons = by_id(result, BINARY)
    for side in ("baseline", "candidate"):
        score = tumours[side]
        decisions = score >= 0.5
        expected = {
            "balanced-accuracy": metrics.balanced_accuracy_score(label, decisions),
            "precision": metrics.precision_score(label, decisions),
            "recall": metrics.recall_score(label, decisions),
            "f1": metrics.f1_score(label, decisions),
            "mcc": metrics.matthews_corrcoef(label, decisions),
            "average-precision": metrics.average_precision_score(label, score),
            "brier": metrics.brier_score_loss(label, score),
        }
        assert expected == pytest.approx({name: getattr(comparisons[name], side) for name in expected}, abs=TOLERANCE)


def test_every_regression_metric_agrees(diabetes: dict[str, np.ndarray], read: Callable[..., Observation]) -> None:
    """R2, pinball loss, quantile of the absolute error and spread ratio agree, at the quantiles of the policy."""
    label = diabetes["label"]
    policy = replace(REGRESSION, quantile=0.3, error_quantile=0.8)
    result = read(shuffled(label, "p", diabetes["baseline"], 1), shuffled(label, "p", diabetes["candidate"], 2), policy)
    comparisons = by_id(result, policy)
    for side in ("baseline", "candidate"):
        value = diabetes[side]
        expected = {
            "r2": metrics.r2_score(label, value),
            "pinball": metrics.mean_pinball_loss(label, value, alpha=0.3),
        }
        assert expected == pytest.approx({name: getattr(comparisons[name], side) for name in expected}, abs=TOLERANCE)
        errors = np.sort(np.abs(value - label))
        quantile = getattr(comparisons["error-quantile"], side)
        assert (
            np.quantile(errors, 0.8, method="lower") - TOLERANCE
            <= quantile
            <= np.quantile(errors, 0.8, method="higher") + TOLERANCE
        )
    (spread,) = (m for m in metrics_of(policy) if m.id == "spread-ratio")  # compared only within cells
    ((_, ratio),) = compare_cells(spread, result, (), policy)
    assert diabetes["candidate"].std() / diabetes["baseline"].std() - 1 == pytest.approx(ratio.change, abs=TOLERANCE)
    r2_change = metrics.r2_score(label, diabetes["candidate"]) - metrics.r2_score(label, diabetes["baseline"])
    assert r2_change == pytest.approx(comparisons["r2"].change, abs=TOLERANCE)


@pytest.fixture(scope="module")
def wines() -> dict[str, np.ndarray]:
    """Held-out probabilities of two models on scikit-learn's wine data."""
    features, label = load_wine(return_X_y=True)
    features = scale(features)[:, :3]
    models = LogisticRegression(max_iter=500), GaussianNB()
    first, second = (cross_val_predict(m, features, label, cv=5, method="predict_proba") for m in models)
    return {"label": label, "baseline": first, "candidate": second}


def test_multiclass_values_agree_with_scikit_learn(
    wines: dict[str, np.ndarray], read: Callable[..., Observation]
) -> None:
    """Accuracy, macro recall and F1, top-k accuracy, log loss and churn agree; so do recall and F1 of each class."""
    label, names = wines["label"], ("a", "b", "c")
    policy = Regression(
        task="multiclass", key=("id",), label="y", score="v", classes=names, top=2, minimum_rows=5, prediction=""
    )
    sides = [
        {"id": np.arange(len(label))[o], "y": [names[i] for i in label[o]], "v": list(wines[side][o])}
        for side, o in (
            (side, np.random.default_rng(seed).permutation(len(label)))
            for seed, side in enumerate(("baseline", "candidate"))
        )
    ]
    result = read(*sides, policy)
    comparisons = by_id(result, policy)
    decisions = {side: wines[side].argmax(axis=1) for side in ("baseline", "candidate")}
    for side in ("baseline", "candidate"):
        expected = {
            "accuracy": metrics.accuracy_score(label, decisions[side]),
            "macro-recall": metrics.recall_score(label, decisions[side], average="macro"),
            "macro-f1": metrics.f1_score(label, decisions[side], average="macro"),
            "top-k-accuracy": metrics.top_k_accuracy_score(label, wines[side], k=2),
            "log-loss": metrics.log_loss(label, wines[side]),
        }
        assert expected == pytest.approx({name: getattr(comparisons[name], side) for name in expected}, abs=TOLERANCE)
    assert np.mean(decisions["baseline"] != decisions["candidate"]) == pytest.approx(
        comparisons["churn"].candidate, abs=TOLERANCE
    )
    places = compare_classes(result, policy)
    for metric, function in (("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        for side in ("baseline", "candidate"):
            expected_each = function(label, decisions[side], average=None)
            values = [getattr(p.comparison, side) for p in places if p.comparison.metric.id == metric]
            assert list(expected_each) == pytest.approx(values, abs=TOLERANCE)


def test_ranking_values_agree_with_scikit_learn(
    diabetes: dict[str, np.ndarray], read: Callable[..., Observation]
) -> None:
    """NDCG@k, mean reciprocal rank, MAP and recall@k agree with scikit-learn.

    The diabetes data form 34 queries of 13 documents each; the documents with the largest labels have graded relevance.
    """
    each, k = 13, 4
    count = len(diabetes["label"]) // each
    n = count * each
    grade = np.floor(stats.rankdata(diabetes["label"][:n].reshape(count, each), axis=1, method="ordinal") / 4).ravel()
    policy = Regression(task="ranking", key=("id",), label="y", score="s", query="q", at=k, minimum_rows=1)
    sides, expected = [], {}
    for side in ("baseline", "candidate"):
        order = np.random.default_rng(len(side)).permutation(n)
        score = diabetes[side][:n]
        sides.append({"id": order, "y": grade[order], "s": score[order], "q": (np.arange(n) // each)[order]})
        graded, scored = grade.reshape(count, each), score.reshape(count, each)
        assert all(len(np.unique(row)) == each for row in scored)
        ranks = stats.rankdata(-scored, axis=1)
        relevant = graded > 0
        expected[side] = {
            "ndcg": metrics.ndcg_score(graded, scored, k=k),
            "mrr": np.mean(1 / np.where(relevant, ranks, np.inf).min(axis=1)),
            "map": np.mean([metrics.average_precision_score(r, s) for r, s in zip(relevant, scored, strict=True)]),
            "recall-at-k": np.mean((relevant & (ranks <= k)).sum(axis=1) / relevant.sum(axis=1)),
        }
    comparisons = by_id(read(*sides, policy), policy)
    for side, values in expected.items():
        assert values == pytest.approx({name: getattr(comparisons[name], side) for name in values}, abs=TOLERANCE)
    changes = [
        metrics.ndcg_score(g[None], c[None], k=k) - metrics.ndcg_score(g[None], b[None], k=k)
        for g, b, c in zip(
            grade.reshape(count, each),
            diabetes["baseline"][:n].reshape(count, each),
            diabetes["candidate"][:n].reshape(count, each),
            strict=True,
        )
    ]
    interval = stats.ttest_1samp(changes, 0.0).confidence_interval(0.98)
    assert (interval.low, interval.high) == pytest.approx((comparisons["ndcg"].low, comparisons["ndcg"].high), abs=1e-9)


def test_embeddings_agree_with_scipy(read: Callable[..., Observation]) -> None:
    """The cosine distance of scaled tumour measurements to noisy single-precision ones, and its error, agree."""
    features = scale(load_breast_cancer(return_X_y=True)[0])
    noisy = (features + 0.5 * np.random.default_rng(0).normal(size=features.shape)).astype(np.float32)
    policy = Regression(task="embedding", key=("id",), score="v")
    ids = {"id": np.arange(len(features))}
    result = read(ids | {"v": list(features)}, ids | {"v": list(noisy)}, policy)
    expected = [distance.cosine(a, b.astype(np.float64)) for a, b in zip(features, noisy, strict=True)]
    comparison = by_id(result, policy)["cosine-distance"]
    assert np.mean(expected) == pytest.approx(comparison.candidate, abs=TOLERANCE)
    assert np.std(expected, ddof=1) / np.sqrt(len(expected)) == pytest.approx(comparison.error, rel=1e-7)


def test_drift_of_real_columns_agrees_with_scipy(read: Callable[..., Observation]) -> None:
    """Kolmogorov-Smirnov and Wasserstein distances of two halves of the diabetes data agree within the bin width."""
    features, label = load_diabetes(return_X_y=True)
    half = len(label) // 2
    policy = replace(REGRESSION, features=("bmi", "bp"), search=0)
    sides = [
        {"id": np.arange(half), "y": label[:half], "p": label[:half], "bmi": part[:, 2], "bp": part[:, 3]}
        for part in (features[:half], features[half : 2 * half])
    ]
    result = read(*sides, policy)
    for column, index in (("bmi", 2), ("bp", 3)):
        first, second = features[:half, index], features[half : 2 * half, index]
        distances = drift.distances(next(d for d in result.features if d.column == column))
        assert stats.ks_2samp(first, second).statistic == pytest.approx(distances.ks, abs=2 / half)
        spread = first.std(ddof=1)
        assert stats.wasserstein_distance(first, second) / spread == pytest.approx(distances.wasserstein, abs=5e-3)
