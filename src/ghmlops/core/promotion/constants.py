"""Constants of a promotion's verdict: each with its unit, its reason, and the benchmark that shows it.

The benchmark is `scripts/bench/rollback`, described in `scripts/bench/README.md`.
"""

from __future__ import annotations

# Failed requests of the candidate against the objective.

ERROR_FAIL_E = 1_000.0
"""E-value at which the candidate's error rate is shown to be beyond the objective, counted from the first request. At
most 1 in 1,000 candidates that meet the objective reaches it (Ville); one half of the error budget of a promotion."""
DETECTOR_HORIZON = 20_000
"""Requests for which the false-alarm bound of the restarting detector holds."""
DETECTOR_FAIL = DETECTOR_HORIZON * 1_000.0
"""Value at which the restarting detector raises an alarm: its expectation after n requests is at most n, so that at
most 1 in 1,000 streams of 20,000 good requests reaches it (Doob); the other half of the error budget of .002."""
ALTERNATIVES = 12
"""Error rates of the mixture, equally weighted, on a geometric grid."""
MIN_ALTERNATIVE = 2.0
"""The smallest alternative as a multiple of the objective."""
MAX_ALTERNATIVE = 0.3
"""The largest alternative, as a rate; a candidate that fails every request is found by it in two requests."""

# Failed requests of the candidate against the other arms.

SHARED_CAUSE_E = 100.0
"""E-value at which the pool's errors cannot explain the candidate's. The pool receives most of the traffic, so that
two errors of the candidate and none of the pool reach it at a share of 1 %."""
TWIN_E = 5.0
"""The same for the twin: four errors of the candidate and none of the twin reach it. The twin has the candidate's age
and share; it protects against a fault of everything that was just started, which the pool does not have."""
ODDS_RATIOS = (1.5, 3.0, 10.0, 100.0, 10_000.0)
"""Odds ratios of the mixture: how many times more often a request of the candidate fails than one of another arm."""
MAX_UNEXPLAINED = 30
"""Errors of the candidate since the alarm began, from which on an undecided cause ends in `hold`."""

# Response times of the candidate against the twin.

SMALL_BLOCK = 25
"""Requests per arm and block for the median alone: doubled response times are found within hundreds of requests."""
LATENCY_FAIL_E = 600.0
"""E-value at which the median of small blocks fails: half the error probability of the latency verdict. Ten small
blocks reach it, because one pair at most doubles an e-process."""

SMALL_UNIT = 0.05
"""Log ratio of the medians of a pair of small blocks that counts as one unit."""
SMALL_STAKE_MIN, SMALL_STAKE_MAX, SMALL_STAKES = 0.02, 3.0, 14
"""Geometric grid of the stakes (per unit), weighted equally, so that both small and large changes are found."""

# Metrics of the service.

METRIC_CHANCES = (0.6, 0.75, 0.9, 0.99)
"""Chances of a value beyond the margin in the mixture, equally weighted: from a change near the margin, which half of
the values do not show, to one that every value shows."""
METRIC_FAIL_E = 500.0
"""E-value at which a metric fails, times the number of metrics that are judged: at most 1 in 500 promotions of a
candidate within all margins fails by any metric. One metric needs 11 values that are all beyond the margin."""
METRIC_PASS_E = 20.0
"""E-value at which a metric is shown to be within its margin at a rung: six values that are all within it. A
candidate beyond the margin reaches it with a probability of at most .05 per rung, and the next rung judges it again."""
