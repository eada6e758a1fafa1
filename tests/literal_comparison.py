"""A comparison of one metric with literal numbers, for the tests of rulings and of the sentences about them."""

from __future__ import annotations

from typing import Any

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.ruling import Comparison


def comparison(low: float, loss: float, high: float, *, metric: Metric = ACCURACY, **fields: Any) -> Comparison:
    """Return a comparison whose loss has these confidence limits."""
    defaults: dict[str, Any] = {
        "metric": metric,
        "n": 10_000,
        "baseline": 0.8,
        "candidate": 0.8 - loss,
        "low": -high,
        "high": -low,
        "loss": loss,
        "loss_low": low,
        "loss_high": high,
        "p": 0.001 if low > 0 else 0.5,
        "error": 0.001,
        "margin": 0.005,
        "method": "test",
    }
    return Comparison(**(defaults | fields))
