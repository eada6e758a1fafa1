"""Service times of both arms on the same requests: measured, not judged; `latency` judges response times under load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Measurement, finite

if TYPE_CHECKING:
    from ghmlops.core.shadow.comparison import Comparison

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def measured_times(comparison: Comparison) -> list[Measurement]:
    """Return the service times of baseline and candidate in milliseconds, and their ratio per request.

    Only requests count that all arms answered with a 2xx status. The arms of a request are asked one after another in
    random order, so that a slow moment of the machine falls on both alike; `ratio` is the median of their ratios.
    """
    baseline, candidate = (np.frombuffer(comparison.seconds[arm]) for arm in (0, 2))
    timed = (baseline > 0) & (candidate > 0)
    if not timed.any():
        return []
    result = []
    for arm, seconds in (("baseline", baseline[timed]), ("candidate", candidate[timed])):
        values = {name: finite(1e3 * float(np.quantile(seconds, q))) for name, q in QUANTILES.items()}
        if arm == "candidate":
            values["ratio"] = finite(float(np.median(candidate[timed] / baseline[timed])))
        result.append(Measurement(id="service-time", arm=arm, unit="ms", n=int(timed.sum()), values=values))
    return result
