"""The metrics of a prediction diff, one file each. Adding one is a file and its id in `TABLE`.

The metric `log-loss` is the constant `LOG_LOSS` of `log_loss.py`. The table holds names only, so that the policy can be
read where numpy is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.core.metric import Metric

TABLE: dict[str, tuple[str, ...]] = {
    "binary": ("accuracy", "auc", "log-loss", "ece", "positive-rate", "negative-flips", "churn"),
    "regression": ("rmse", "mae", "bias", "mean-prediction"),
}
"""Task to the ids of its metrics, in the order in which they are reported."""


def metrics_of(task: str) -> tuple[Metric, ...]:
    """Return the metrics of a task, in the order of `TABLE`.

    Raises:
        KeyError: there is no such task.
    """
    return tuple(_load(name.replace("-", "_")) for name in TABLE[task])


def _load(name: str) -> Metric:
    found: Metric = getattr(importlib.import_module(f"{__name__}.{name}"), name.upper())
    return found
