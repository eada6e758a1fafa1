"""Constants of the capacity search: each with its unit, its reason, and the benchmark that shows it.

The benchmark is `scripts/bench/capacity`, described in `scripts/bench/README.md`. It searches queues whose capacity is
known by theory (M/M/c). With the values below, the intervals of all 500 simulated searches and of all six searches of
real services contain the true capacity. Limits on lateness and on the achieved rate are those of the latency verdict
(`ghmlops.core.latency.constants`).
"""

from __future__ import annotations

# The search.

RAMP_FACTOR = 2.0
"""Factor between two rates of the ramp: few probes far from the capacity, and a bracket that bisection halves
quickly."""
LONGER_FACTOR = 4.0
"""Length of a repeated probe, as a multiple of the first one, if the votes differ or the first one could not decide."""
LONGEST_FACTOR = 16.0
"""Length of a refined probe, as a multiple of a first one, for undecided rates inside an interval that is too wide."""
EDGE_GAP_SHARE = 0.25
"""Share of the interval (in logarithms) to which the gap at an edge is bisected; beyond it longer probes show more than
new rates."""
MAX_VOTES = 3
"""Votes per rate, after which the majority decides; probes that the generator limited are not votes."""
MAX_RAMP_DOWN = 64.0
"""The ramp downwards ends at the first rate divided by this factor."""
MAX_PROBES = 300
"""Probes per search, so that a service whose votes keep contradicting each other does not use the total budget."""
BROKEN_ERRORS = 0.5
"""Share of failed requests at the lowest rate beyond which load is not the cause, so that no lower rate is tried."""
SAMPLE_RESERVE = 1.05
"""Length of a probe as a multiple of what its sample floor requires, because the number of arrivals is random."""
MAX_PROBE_REQUESTS = 1_000_000
"""Requests per probe, which bounds the memory of the generator."""
MAX_SEARCH_REQUESTS = 20_000_000
"""Requests per search."""
MAX_PROBE_SECONDS = 7200.0
"""Seconds per probe, including warm-up."""

RECOVERY_SECONDS = 30.0
"""Seconds for the service to recover from a probe that did not pass; one that answers nothing afterwards has died."""
RECOVERED_FACTOR, RECOVERED_MARGIN = 2.0, 0.010
"""The service has recovered if its median response time is at most this factor times its best median, plus a margin in
seconds."""

# The vote of a probe.

BLOCKS_PER_PROBE, MIN_PROBE_BLOCK = 16, 32
"""Blocks per probe, and minimum number of requests per block; a probe may be stopped after each block."""

STOP_LEVEL = 0.9999
"""Confidence at which a probe is stopped early because it has failed; it is inspected after many blocks."""
DRIFT_SLICES = 12
"""Equal slices of a probe whose mean requests in flight are tested for a trend."""
DRIFT_Z = 3.09
"""Standard score of the Mann-Kendall test beyond which requests in flight grow: one-sided p = 0.001."""
MIN_DRIFT = 0.01
"""Share of the offered requests that must accumulate for a trend to count: as many as may be missing from the achieved
rate. Without it the fluctuations of a busy but stable queue would count as a trend."""
SLOW_QUANTILE = 0.8
"""Quantile of a probe's own response times beyond which a request is slow, for the autocorrelation time."""
LAG_NOISE = 2.5
"""Multiple of 1 / sqrt(n) that the sum of two neighbouring autocorrelations must exceed; independent values stay below
it in 96 % of the probes."""
MIN_EFFECTIVE = 10.0
"""Effective samples that every probe is worth at least: longer autocorrelation times than n / 10 cannot be
estimated."""

# The scaling law.

MIN_LEVELS = 6
"""Distinct levels of load for a fit of three parameters."""
LAW_SHARES = (0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1, 0.07)
"""Shares of the highest passing rate at which short probes are added until the law has enough levels."""
MIN_LEVEL_DISTANCE = 0.05
"""Relative difference below which two rates are one level."""
MAX_LAW_ERRORS = 0.01
"""Share of failed requests beyond which a level does not inform the law; refused requests cost the service little."""
RESAMPLES = 300
"""Bootstrap resamples of the residuals."""
COVERAGE = 0.95
"""Coverage of the bootstrap intervals."""
MAX_SIGMA, MAX_KAPPA = 0.999, 1.0
"""Upper bounds of contention and coherency in the fit."""
EXTRAPOLATION_TOLERANCE = 0.01
"""Relative distance from the measured throughputs up to which a prediction lies within the data."""
