"""From real Parquet files through DuckDB to the numbers of scikit-learn and scipy, on real data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats
from sklearn import metrics  # type: ignore[import-untyped]
from sklearn.datasets import load_breast_cancer, load_diabetes  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]
from sklearn.model_selection import cross_val_predict  # type: ignore[import-untyped]
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]
from sklearn.preprocessing import scale  # type: ignore[import-untyped]

from ghmlops.core.policy import Regression
from ghmlops.core.regression import compare_overall
from prediction_artifacts import BINARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.judge import Comparison
    from ghmlops.core.regression import Observed

REGRESSION = Regression(task="regression", key=("id",), label="y", prediction="p")
TO = 1e-9


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
    """One side's rows, in an order of its own."""
    order = np.random.default_rng(seed).permutation(len(label))
    return {"id": np.arange(len(label))[order], "y": label[order], column: values[order]}


def by_id(found: Observed, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(found, policy)}


def ece(label: np.ndarray, score: np.ndarray) -> float:
    """Fifteen equal-width bins, straight from the definition."""
    place = np.minimum((score * 15).astype(int), 14)
    gaps = [abs(score[place == k].mean() - label[place == k].mean()) * np.mean(place == k) for k in np.unique(place)]
    return float(np.sum(gaps))


def test_binary_values_agree_with_scikit_learn(tumours: dict[str, np.ndarray], read: Callable[..., Observed]) -> None:
    """Accuracy, AUC, log loss (clipped alike), calibration error, positive rate, churn and flips, to 1e-9."""
    label = tumours["label"]
    seen = read(shuffled(label, "s", tumours["baseline"], 1), shuffled(label, "s", tumours["candidate"], 2))
    found = by_id(seen, BINARY)
    calls = {side: tumours[side] >= 0.5 for side in ("baseline", "candidate")}
    for side in ("baseline", "candidate"):
        score = tumours[side]
        expected = {
            "accuracy": metrics.accuracy_score(label, calls[side]),
            "auc": metrics.roc_auc_score(label, score),
            "log-loss": metrics.log_loss(label, score),
            "ece": ece(label, score),
            "positive-rate": calls[side].mean(),
        }
        assert expected == pytest.approx({name: getattr(found[name], side) for name in expected}, abs=TO)
    assert np.mean(calls["baseline"] != calls["candidate"]) == pytest.approx(found["churn"].candidate, abs=TO)
    lost = (calls["baseline"] == label) & (calls["candidate"] != label)
    assert lost.mean() == pytest.approx(found["negative-flips"].candidate, abs=TO)


def test_a_paired_mean_agrees_with_scipys_paired_test(
    tumours: dict[str, np.ndarray], read: Callable[..., Observed]
) -> None:
    """The p-value and limits of log loss are those of ttest_rel on the rows' losses."""
    label = tumours["label"]
    seen = read(shuffled(label, "s", tumours["baseline"], 1), shuffled(label, "s", tumours["candidate"], 2))
    found = by_id(seen, BINARY)["log-loss"]
    clip = 2.0**-52
    loss = {
        side: -np.log(np.where(label == 1, s := np.clip(tumours[side], clip, 1 - clip), 1 - s))
        for side in ("baseline", "candidate")
    }
    expected = stats.ttest_rel(loss["candidate"], loss["baseline"], alternative="greater")
    both = stats.ttest_rel(loss["candidate"], loss["baseline"]).confidence_interval(0.98)
    assert (expected.pvalue, both.low, both.high) == pytest.approx((found.p, found.low, found.high), rel=1e-7, abs=TO)


def test_regression_values_agree_with_scikit_learn(
    diabetes: dict[str, np.ndarray], read: Callable[..., Observed]
) -> None:
    """RMSE, MAE and bias to 1e-9."""
    label = diabetes["label"]
    seen = read(
        shuffled(label, "p", diabetes["baseline"], 1), shuffled(label, "p", diabetes["candidate"], 2), REGRESSION
    )
    found = by_id(seen, REGRESSION)
    for side in ("baseline", "candidate"):
        expected = {
            "rmse": metrics.root_mean_squared_error(label, diabetes[side]),
            "mae": metrics.mean_absolute_error(label, diabetes[side]),
            "bias": float(np.mean(diabetes[side] - label)),
        }
        assert expected == pytest.approx({name: getattr(found[name], side) for name in expected}, abs=TO)
    assert label.std(ddof=1) * 0.05 == pytest.approx(found["bias"].margin, rel=1e-9)


def test_sums_by_slice_window_and_group_are_those_of_the_rows(read: Callable[..., Observed]) -> None:
    """Every cell's count and accuracy, and the cluster-robust error of the whole, recomputed from the rows."""
    from prediction_artifacts import rows

    policy = replace(
        BINARY, slices=(("device",), ("device", "country")), time="t", window="1d", group="user", minimum_rows=1
    )
    first, second = rows(3000, 1), rows(3000, 2)
    seen = read(first, second, policy)
    right = (second["s"] >= 0.5) == (first["y"] == 1)
    device, country = np.array(first["device"]), np.array(first["country"])
    row = next(key for key in seen.slices[1][1].sums if "CASE WHEN {p} = {y}" in key[0])
    columns, table = seen.slices[1]
    assert columns == ("device", "country")
    for place, (d, c) in enumerate(table.keys):
        inside = (device == d) & (country == c)
        cell = table.sums[row]
        assert (inside.sum(), right[inside].sum()) == (cell.n[place], cell.a[place] + cell.d[place])
    assert sum(table.sums[row].n) == 3000
    assert seen.windows
    assert [f"2025-03-{day:02}" for day in range(1, 15)] == [key[0] for key in seen.windows.keys]
    before = ((first["s"] >= 0.5) == (first["y"] == 1)).astype(float)
    change = right - before
    totals = np.array([(change - change.mean())[first["user"] == u].sum() for u in range(150)])
    expected = np.sqrt((totals**2).sum() * 150 / 149) / 3000
    assert expected == pytest.approx(by_id(seen, policy)["accuracy"].error, rel=1e-9)
