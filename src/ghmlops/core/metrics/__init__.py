"""The metrics of a prediction diff, one file each. Adding one is a new file and its id in `METRIC_IDS`.

The metric `log-loss` is the constant `LOG_LOSS` of `log_loss.py`. A metric with parameters has a function `bind`
instead, which returns the metric for a policy. The table holds ids only, so that a policy can be read without NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.regression import Regression

METRIC_IDS: dict[str, tuple[str, ...]] = {
    "binary": (
        "accuracy",
        "balanced-accuracy",
        "precision",
        "recall",
        "f1",
        "mcc",
        "auc",
        "average-precision",
        "log-loss",
        "brier",
        "ece",
        "calibration-slope",
        "positive-rate",
        "negative-flips",
        "positive-flips",
        "churn",
    ),
    "multiclass": (
        "accuracy",
        "macro-recall",
        "macro-f1",
        "top-k-accuracy",
        "log-loss",
        "negative-flips",
        "positive-flips",
        "churn",
    ),
    "regression": ("rmse", "mae", "bias", "r2", "pinball", "error-quantile", "spread-ratio", "mean-prediction"),
    "ranking": ("ndcg", "mrr", "map", "recall-at-k"),
    "embedding": ("cosine-distance",),
}
"""Task to the ids of its metrics, in the order in which they are reported."""

TARGETS = {"bias": 0.0, "calibration-slope": 1.0}
"""Metric id to its ideal value, for metrics whose loss is the growth of the distance from it."""

MEDIAN = 0.5
"""Level of the quantile that the other metrics of a regression judge."""
SCORE_METRIC_IDS = frozenset(
    {"auc", "average-precision", "log-loss", "brier", "ece", "calibration-slope", "top-k-accuracy"}
)
"""Metrics of classes that need scores and not only decisions."""


def metric_ids(policy: Regression) -> tuple[str, ...]:
    """Return the ids of the metrics that the columns of the policy allow, without its custom metrics."""
    ids = METRIC_IDS[policy.task]
    if policy.predictions and policy.quantile != MEDIAN:
        return ("pinball",)
    if policy.task not in ("binary", "multiclass") or policy.has_scores or not policy.prediction:
        return ids
    return tuple(name for name in ids if name not in SCORE_METRIC_IDS)


def metrics_of(policy: Regression) -> tuple[Metric, ...]:
    """Return the metrics of the policy's task in the order of `METRIC_IDS`, then its custom metrics."""
    custom_metrics: tuple[Metric, ...] = ()
    if policy.metrics:
        from ghmlops.core.paired.custom_metric import bind_custom_metric

        custom_metrics = tuple(bind_custom_metric(definition) for definition in policy.metrics)
    return (*(_load(name.replace("-", "_"), policy) for name in metric_ids(policy)), *custom_metrics)


def _load(name: str, policy: Regression) -> Metric:
    module = importlib.import_module(f"{__name__}.{name}")
    metric: Metric = module.bind(policy) if hasattr(module, "bind") else getattr(module, name.upper())
    return metric
