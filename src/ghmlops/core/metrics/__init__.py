"""The metrics of a prediction diff, one file each. Adding one is a file and its id in `TABLE`.

The metric `log-loss` is the constant `LOG_LOSS` of `log_loss.py`, or what the function `bind` there makes of the policy
where a metric has parameters. The table holds names only, so that the policy can be read where numpy is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.regression import Regression

TABLE: dict[str, tuple[str, ...]] = {
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


def metrics_of(policy: Regression) -> tuple[Metric, ...]:
    """Return the metrics of a policy's task in the order of `TABLE`, then the user's own."""
    own: tuple[Metric, ...] = ()
    if policy.metrics:
        from ghmlops.core.paired.custom_metric import custom

        own = tuple(custom(metric) for metric in policy.metrics)
    return (*(_load(name.replace("-", "_"), policy) for name in TABLE[policy.task]), *own)


def _load(name: str, policy: Regression) -> Metric:
    module = importlib.import_module(f"{__name__}.{name}")
    found: Metric = module.bind(policy) if hasattr(module, "bind") else getattr(module, name.upper())
    return found
