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
    "label-sets": ("subset-accuracy", "hamming-loss", "label-set-churn"),
    "regression": ("rmse", "mae", "bias", "r2", "pinball", "error-quantile", "spread-ratio", "mean-prediction"),
    "ranking": ("ndcg", "mrr", "map", "recall-at-k"),
    "embedding": ("cosine-distance",),
    "text": (
        "exact-match",
        "normalised-match",
        "edit-distance",
        "judge-score",
        "answer-churn",
        "normalised-churn",
        "answer-distance",
    ),
}
"""Task to the ids of its metrics, in the order in which they are reported."""

LABELLED_TEXT_IDS = ("exact-match", "normalised-match", "edit-distance")
"""Metrics of texts that need a label."""
AVERAGES = {
    "multilabel": ("precision", "recall", "f1", "auc", "average-precision", "log-loss"),
    "regression": ("rmse", "mae", "r2"),
}
"""By task with several targets: the metrics whose mean over the targets is reported, too."""

TARGETS = {"bias": 0.0, "calibration-slope": 1.0}
"""Metric id to its ideal value, for metrics whose loss is the growth of the distance from it."""

UNWEIGHTED_METRICS = {"error-quantile": "quantiles of weighted rows have several definitions, and none is accepted"}
"""Metric id to the reason why it is not computed if rows are weighted."""

MEDIAN = 0.5
"""Level of the quantile that the other metrics of a regression judge."""
SCORE_METRIC_IDS = frozenset(
    {"auc", "average-precision", "log-loss", "brier", "ece", "calibration-slope", "top-k-accuracy"}
)
"""Metrics of classes that need scores and not only decisions."""


def metric_ids(policy: Regression) -> tuple[str, ...]:
    """Return the ids of the metrics that the columns of the policy allow, without its custom metrics."""
    if policy.targets and policy.task != "label-sets":
        averages = (average_id(name, policy.task) for name in _averaged_ids(policy))
        together = METRIC_IDS["label-sets"] if policy.task == "multilabel" else ()
        return (*_ids_of_target(policy), *together, *averages)
    ids = tuple(name for name in METRIC_IDS[policy.task] if not policy.weight or name not in UNWEIGHTED_METRICS)
    if policy.task == "text":
        absent = (() if policy.label else LABELLED_TEXT_IDS) + (() if policy.score else ("judge-score",))
        return tuple(name for name in ids if name not in absent)
    if policy.predictions and policy.quantile != MEDIAN:
        return ("pinball",)
    if policy.task not in ("binary", "multiclass") or policy.has_scores or not policy.prediction:
        return ids
    return tuple(name for name in ids if name not in SCORE_METRIC_IDS)


def average_id(name: str, task: str) -> str:
    """Return the id of the mean of a metric over the targets: `macro-f1`, or `mean-rmse` of a regression."""
    return f"{'macro' if task == 'multilabel' else 'mean'}-{name}"


def _ids_of_target(policy: Regression) -> tuple[str, ...]:
    from ghmlops.core.policy.targets import target_policy

    return metric_ids(target_policy(policy, policy.targets[0]))


def _averaged_ids(policy: Regression) -> tuple[str, ...]:
    of_target = _ids_of_target(policy)
    return tuple(name for name in AVERAGES[policy.task] if name in of_target)


def average_metrics(policy: Regression) -> dict[str, Metric]:
    """Return the means over the targets, by the id of the metric that each is the mean of; empty for one target."""
    if not policy.targets or policy.task == "label-sets":
        return {}
    from ghmlops.core.paired.target_average import average_of

    return {
        name: average_of(_load(name.replace("-", "_"), policy), average_id(name, policy.task))
        for name in _averaged_ids(policy)
    }


def metrics_of(policy: Regression) -> tuple[Metric, ...]:
    """Return the metrics of the policy's task in the order of `METRIC_IDS`, then its custom metrics."""
    custom_metrics: tuple[Metric, ...] = ()
    if policy.metrics:
        from ghmlops.core.paired.custom_metric import bind_custom_metric

        custom_metrics = tuple(bind_custom_metric(definition) for definition in policy.metrics)
    averages = {metric.id: metric for metric in average_metrics(policy).values()}
    metrics = (averages.get(name) or _load(name.replace("-", "_"), policy) for name in metric_ids(policy))
    return (*metrics, *custom_metrics)


def overall_metrics(policy: Regression) -> tuple[Metric, ...]:
    """Return the metrics of the policy's task that are computed over all rows."""
    return tuple(metric for metric in metrics_of(policy) if metric.overall)


def _load(name: str, policy: Regression) -> Metric:
    module = importlib.import_module(f"{__name__}.{name}")
    metric: Metric = module.bind(policy) if hasattr(module, "bind") else getattr(module, name.upper())
    return metric
