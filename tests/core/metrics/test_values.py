"""Values and standard errors of the metrics against scikit-learn, numpy, scipy and statsmodels, on real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]
from scipy import stats
from sklearn import metrics as oracle  # type: ignore[import-untyped]
from statsmodels.regression.linear_model import OLS  # type: ignore[import-untyped]

from ghmlops.core.metrics import metrics_of
from ghmlops.core.metrics.calibration_slope import log_odds
from ghmlops.core.paired.aggregates import Floats, MetricComparison
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import Regression, Task
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.stats import logistic
from paired_rows import Rows, binary, cells, compare, multiclass, valued, values
from trained_models import breast_cancer, diabetes, digit_probabilities, digits

TOLERANCE = 1e-9


def metric_of(task: Task, name: str) -> Metric:
    policy = Regression(task=task, key=("id",), top=3, quantile=0.7, error_quantile=0.9)
    return next(m for m in metrics_of(policy) if m.id == name)


def slope(y: Floats, s: Floats) -> float:
    return float(sm.Logit(y, sm.add_constant(log_odds(s))).fit(disp=0, tol=1e-14, method="newton").params[1])


def calibration_error(y: Floats, s: Floats) -> float:
    bins = np.minimum(np.floor(s * 15).astype(int), 14)
    parts = [abs(s[bins == k].mean() - y[bins == k].mean()) * np.mean(bins == k) for k in np.unique(bins)]
    return float(sum(parts))


BY_DECISION: dict[str, Callable[[Floats, Floats], float]] = {
    "accuracy": oracle.accuracy_score,
    "balanced-accuracy": oracle.balanced_accuracy_score,
    "precision": oracle.precision_score,
    "recall": oracle.recall_score,
    "f1": oracle.f1_score,
    "mcc": oracle.matthews_corrcoef,
    "positive-rate": lambda _, p: float(np.mean(p)),
}
BY_SCORE: dict[str, Callable[[Floats, Floats], float]] = {
    "auc": oracle.roc_auc_score,
    "average-precision": oracle.average_precision_score,
    "log-loss": oracle.log_loss,
    "brier": oracle.brier_score_loss,
    "ece": calibration_error,
    "calibration-slope": slope,
}
REGRESSION: dict[str, Callable[[Floats, Floats], float]] = {
    "rmse": oracle.root_mean_squared_error,
    "mae": oracle.mean_absolute_error,
    "bias": lambda y, p: float(np.mean(p - y)),
    "r2": oracle.r2_score,
    "pinball": lambda y, p: float(oracle.mean_pinball_loss(y, p, alpha=0.7)),
    "error-quantile": lambda y, p: float(np.quantile(np.abs(p - y), 0.9)),
    "mean-prediction": lambda _, p: float(np.mean(p)),
}


def both_values(comparison: MetricComparison) -> list[float]:
    return [comparison.baseline[0], comparison.candidate[0]]


@pytest.mark.parametrize("name", [*BY_DECISION, *BY_SCORE])
def test_binary_values_agree(name: str) -> None:
    """The values of both sides are those of scikit-learn to 1e-9, with ties among the scores."""
    rows = breast_cancer()
    expected = [
        BY_DECISION[name](rows.label, side.p) if name in BY_DECISION else BY_SCORE[name](rows.label, side.s)
        for side in (rows.baseline, rows.candidate)
    ]
    assert both_values(compare(metric_of("binary", name), rows)) == pytest.approx(expected, abs=TOLERANCE)
    assert expected[0] != expected[1]


def test_multiclass_values_agree() -> None:
    """Both sides to 1e-9: scikit-learn's values, and churn and flips by their definition."""
    rows = digits()
    y = rows.label
    vectors = digit_probabilities()
    sides = (rows.baseline, rows.candidate)
    correct = [y == side.p for side in sides]
    expected = {
        "accuracy": [oracle.accuracy_score(y, side.p) for side in sides],
        "macro-recall": [oracle.recall_score(y, side.p, average="macro") for side in sides],
        "macro-f1": [oracle.f1_score(y, side.p, average="macro") for side in sides],
        "top-k-accuracy": [oracle.top_k_accuracy_score(y, v, k=3) for v in vectors],
        "log-loss": [oracle.log_loss(y, v) for v in vectors],
        "negative-flips": [0.0, np.mean(correct[0] & ~correct[1])],
        "positive-flips": [0.0, np.mean(~correct[0] & correct[1])],
        "churn": [0.0, np.mean(sides[0].p != sides[1].p)],
    }
    for name, pair in expected.items():
        assert both_values(compare(metric_of("multiclass", name), rows)) == pytest.approx(pair, abs=TOLERANCE), name


def test_macro_metrics_average_over_the_classes_among_the_labels() -> None:
    """A class that is only predicted has no term of its own: scikit-learn with `labels=` the classes of the labels."""
    rng = np.random.default_rng(4)
    label = rng.integers(0, 3, 900)
    sides = [rng.dirichlet(np.ones(4), 900) for _ in range(2)]
    rows = multiclass(label, sides[0], sides[1])
    decisions = [np.argmax(side, axis=1) for side in sides]
    assert set(np.unique(decisions)) == {0, 1, 2, 3}
    for name, score in (("macro-f1", oracle.f1_score), ("macro-recall", oracle.recall_score)):
        expected = [score(label, p, average="macro", labels=np.unique(label)) for p in decisions]
        assert both_values(compare(metric_of("multiclass", name), rows)) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", list(REGRESSION))
def test_regression_values_agree(name: str) -> None:
    """The values of both sides are those of scikit-learn and NumPy to 1e-9."""
    rows = diabetes()
    expected = [REGRESSION[name](rows.label, side.p) for side in (rows.baseline, rows.candidate)]
    assert both_values(compare(metric_of("regression", name), rows)) == pytest.approx(
        expected, rel=TOLERANCE, abs=TOLERANCE
    )


def test_the_spread_ratio_is_that_of_the_deviations() -> None:
    """The value is the candidate's standard deviation divided by the baseline's."""
    rows = diabetes()
    comparison = compare(metric_of("regression", "spread-ratio"), rows)
    assert both_values(comparison) == pytest.approx(
        [1.0, np.std(rows.candidate.p) / np.std(rows.baseline.p)], rel=TOLERANCE
    )


def jackknife_error(metric: Metric, rows: Rows, parts: int) -> float:
    """Return the standard error of the change by a delete-a-group jackknife with so many groups."""
    n = len(rows.label)
    part = np.random.default_rng(8).permutation(n) % parts
    kinds = [[values(sql, metric, rows, s) for s in (rows.baseline, rows.candidate)] for sql in sql_of(metric)]
    changes = []
    for k in range(parts):
        rest = np.flatnonzero(part != k)
        weight = None if rows.weight is None else rows.weight[rest]
        sums = tuple(cells(first[rest], second[rest], weight=weight) for first, second in kinds)
        if metric.compare_rows is not None:
            comparison = metric.compare_rows(sums, ALPHA)
        else:
            comparison = (
                metric.compare(sums[0], ALPHA) if metric.compare and sums else compare(metric, rows.select(rest))
            )
        changes.append(comparison.candidate[0] - comparison.baseline[0])
    return float(np.sqrt((parts - 1) * np.var(changes)))


def sql_of(metric: Metric) -> tuple[str, ...]:
    return metric.rows or ((metric.row,) if metric.row else ())


@lru_cache
def smooth_rows(n: int = 4000) -> dict[Task, Rows]:
    """Return rows of each task from smooth distributions, for which the delta method is accurate."""
    rng = np.random.default_rng(17)
    signal = rng.normal(-0.7, 1.5, n)
    first, second = (1 / (1 + np.exp(-1.3 * (signal + 0.5 * rng.normal(size=n)))) for _ in range(2))
    label = rng.random(n) < 1 / (1 + np.exp(-signal))
    logits = rng.normal(size=(n, 3)) * 2
    true = np.argmax(logits + rng.gumbel(size=(n, 3)), axis=1)
    vectors = [np.exp(logits + rng.normal(size=(n, 3))) for _ in range(2)]
    vectors = [v / v.sum(axis=1, keepdims=True) for v in vectors]
    y = rng.normal(20, 3, n)
    values = [y + rng.standard_t(8, n) + 0.3 * k for k in range(2)]
    return {
        "binary": binary(label, first, second),
        "multiclass": multiclass(true, vectors[0], vectors[1]),
        "regression": valued(y, values[0], 1.1 * values[1]),
    }


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *(("binary", n) for n in ("balanced-accuracy", "precision", "recall", "f1", "mcc", "auc", "average-precision")),
        ("binary", "calibration-slope"),
        *(("multiclass", n) for n in ("macro-recall", "macro-f1")),
        *(("regression", n) for n in ("rmse", "r2", "spread-ratio")),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_standard_errors_agree_with_a_jackknife(task: Task, name: str, weighted: bool) -> None:
    """The analytic standard error is that of the jackknife, within the jackknife's own noise of 20 %."""
    rows, metric = smooth_rows()[task], metric_of(task, name)
    if weighted:
        rows = replace(rows, weight=np.random.default_rng(9).lognormal(0.0, 0.6, len(rows.label)))
    assert jackknife_error(metric, rows, 100) == pytest.approx(compare(metric, rows).error[0], rel=0.2)


@pytest.mark.parametrize("name", ["log-loss", "brier"])
def test_clusters_agree_with_statsmodels(name: str) -> None:
    """The cluster-robust standard error of a mean is that of OLS on a constant with clustered covariance."""
    rows = replace(breast_cancer(), group=np.random.default_rng(3).integers(0, 60, len(breast_cancer().label)))
    sides = [
        -np.log(np.clip(side.t, 2.0**-52, 1)) if name == "log-loss" else (side.s - rows.label) ** 2
        for side in (rows.baseline, rows.candidate)
    ]
    fitted = OLS(sides[1] - sides[0], np.ones(len(sides[0]))).fit(cov_type="cluster", cov_kwds={"groups": rows.group})
    assert float(fitted.bse[0]) == pytest.approx(compare(metric_of("binary", name), rows).error[0], rel=TOLERANCE)


def test_the_slope_of_one_side_has_the_sandwich_error_of_statsmodels() -> None:
    """The squared influences of the rows on a slope sum to the HC0 variance."""
    rows = breast_cancer()
    x = log_odds(rows.candidate.s)
    fitted = sm.Logit(rows.label, sm.add_constant(x)).fit(disp=0, tol=1e-14, cov_type="HC0")
    line = logistic.fit(x, rows.label, 1.0 - rows.label)
    error = np.sqrt(np.sum(logistic.slope_influence(line, x, rows.label) ** 2))
    assert float(fitted.bse[1]) == pytest.approx(error, rel=1e-7)


def weighted_slope(y: Floats, s: Floats, w: Floats) -> float:
    """Return the slope of a logistic regression, of rows with weights."""
    model = sm.GLM(y, sm.add_constant(log_odds(s)), family=sm.families.Binomial(), freq_weights=w)
    return float(model.fit(tol=1e-14).params[1])


def weighted_calibration_error(y: Floats, s: Floats, w: Floats) -> float:
    bins = np.minimum(np.floor(s * 15).astype(int), 14)
    gaps = [abs(float(w[bins == k] @ (s - y)[bins == k])) for k in np.unique(bins)]
    return sum(gaps) / float(w.sum())


def test_weighted_binary_values_agree() -> None:
    """Both sides to 1e-9: scikit-learn with `sample_weight`, a weighted logistic regression, ECE by its definition."""
    rows = breast_cancer()
    w = np.random.default_rng(5).lognormal(0.0, 1.0, len(rows.label))
    rows, y = replace(rows, weight=w), rows.label
    for name in (*BY_DECISION, *BY_SCORE):
        expected = []
        for side in (rows.baseline, rows.candidate):
            if name == "positive-rate":
                expected.append(float(np.average(side.p, weights=w)))
            elif name in BY_DECISION:
                expected.append(BY_DECISION[name](y, side.p, sample_weight=w))  # type: ignore[call-arg]
            elif name == "calibration-slope":
                expected.append(weighted_slope(y, side.s, w))
            elif name == "ece":
                expected.append(weighted_calibration_error(y, side.s, w))
            else:
                expected.append(BY_SCORE[name](y, side.s, sample_weight=w))  # type: ignore[call-arg]
        tolerance = 1e-6 if name == "calibration-slope" else TOLERANCE
        assert both_values(compare(metric_of("binary", name), rows)) == pytest.approx(expected, abs=tolerance), name
        assert expected[0] != expected[1]


def test_weighted_multiclass_values_agree() -> None:
    """Both sides to 1e-9: scikit-learn with `sample_weight`, and churn and flips by their definition."""
    rows = digits()
    w = np.random.default_rng(6).lognormal(0.0, 1.0, len(rows.label))
    rows, y, vectors = replace(rows, weight=w), rows.label, digit_probabilities()
    sides = (rows.baseline, rows.candidate)
    correct = [y == side.p for side in sides]
    expected = {
        "accuracy": [oracle.accuracy_score(y, side.p, sample_weight=w) for side in sides],
        "macro-recall": [oracle.recall_score(y, side.p, average="macro", sample_weight=w) for side in sides],
        "macro-f1": [oracle.f1_score(y, side.p, average="macro", sample_weight=w) for side in sides],
        "top-k-accuracy": [oracle.top_k_accuracy_score(y, v, k=3, sample_weight=w) for v in vectors],
        "log-loss": [oracle.log_loss(y, v, sample_weight=w) for v in vectors],
        "negative-flips": [0.0, np.average(correct[0] & ~correct[1], weights=w)],
        "positive-flips": [0.0, np.average(~correct[0] & correct[1], weights=w)],
        "churn": [0.0, np.average(sides[0].p != sides[1].p, weights=w)],
    }
    for name, pair in expected.items():
        assert both_values(compare(metric_of("multiclass", name), rows)) == pytest.approx(pair, abs=TOLERANCE), name


def test_weighted_regression_values_agree() -> None:
    """Both sides to 1e-9: scikit-learn with `sample_weight`; bias, mean and spread of the predictions by definition."""
    rows = diabetes()
    w = np.random.default_rng(7).lognormal(0.0, 1.0, len(rows.label))
    rows, y, sides = replace(rows, weight=w), rows.label, (rows.baseline.p, rows.candidate.p)
    deviations = [np.sqrt(np.average((p - np.average(p, weights=w)) ** 2, weights=w)) for p in sides]
    expected = {
        "rmse": [oracle.root_mean_squared_error(y, p, sample_weight=w) for p in sides],
        "mae": [oracle.mean_absolute_error(y, p, sample_weight=w) for p in sides],
        "r2": [oracle.r2_score(y, p, sample_weight=w) for p in sides],
        "pinball": [oracle.mean_pinball_loss(y, p, alpha=0.7, sample_weight=w) for p in sides],
        "bias": [float(np.average(p - y, weights=w)) for p in sides],
        "mean-prediction": [float(np.average(p, weights=w)) for p in sides],
        "spread-ratio": [1.0, deviations[1] / deviations[0]],
    }
    for name, pair in expected.items():
        values_of_name = both_values(compare(metric_of("regression", name), rows))
        assert values_of_name == pytest.approx(pair, rel=TOLERANCE, abs=TOLERANCE), name


def test_the_weighted_t_interval_is_that_of_statsmodels() -> None:
    """The error of a weighted mean change is the HC0 error of a weighted regression on a constant, times n/(n-1)."""
    rows = diabetes()
    w = np.random.default_rng(7).lognormal(0.0, 1.0, len(rows.label))
    change = np.abs(rows.candidate.p - rows.label) - np.abs(rows.baseline.p - rows.label)
    fit = sm.WLS(change, np.ones(len(change)), weights=w).fit(cov_type="HC0")
    number = w.sum() ** 2 / (w @ w)
    comparison = compare(metric_of("regression", "mae"), replace(rows, weight=w))
    assert comparison.error[0] == pytest.approx(fit.bse[0] * np.sqrt(number / (number - 1)), rel=1e-9)
    half_width = stats.t.ppf(1 - ALPHA, number - 1) * comparison.error[0]
    assert comparison.high[0] - comparison.low[0] == pytest.approx(2 * half_width, rel=1e-9)
