"""Constants of the plan of `scale`, each with its unit, its reason and the benchmark that shows it.

Benchmark: `scripts/bench/scale`.
"""

from __future__ import annotations

LEVEL_SECONDS = 3600.0
"""Seconds whose mean is the level of the demand: long enough to average bursts, short against a daily cycle."""
MIN_PERIODS = 3
"""Past periods without which the season is unknown, and the peak of the last hour is served instead."""
MAX_RISE = 3.0
"""Rise within the lead, relative to the level before it, beyond which the ratio says nothing, as for a service that
opens in the morning: the past rate itself, times the growth of the last period, is the forecast."""
MIN_COVERAGE = 0.5
"""Share of the intervals of a window that need a value, so that the window of a past period counts."""
MAX_HOLES = 0.1
"""Share of the last hour's intervals without a value beyond which the demand counts as missing."""
DOWN_MARGIN = 0.1
"""Extra demand that fewer replicas must carry before any is removed; the tolerance of the HorizontalPodAutoscaler."""
DROP = 0.1
"""Share of the second lowest level of the same phase in the past periods, below which a fall is an incident upstream
and not less demand."""
WEEK = 604_800.0
"""Seconds after which services that rest on some days rest again."""
MIN_GAIN = 0.01
"""Share of what one replica alone carries that a further one must add, beyond the numbers that were measured: the
capacity of its first is measured to 5 %, so that a smaller gain is an extrapolation below the noise."""
ALIGNED = 1e-9
"""Tolerance when a quotient is rounded up to replicas: 3.0000000001 replicas are 3."""
