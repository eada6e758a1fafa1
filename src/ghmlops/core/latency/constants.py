"""Constants of the latency verdict: each with its unit, its reason, and the benchmark that shows it.

The benchmarks are described in `scripts/bench/README.md`. "verdict_latency" is the simulation of false alarms and power
(`scripts/bench/verdict_latency`), "verdict_real" the same on real services, and "load" the benchmark of the generator.
"""

from __future__ import annotations

import math

from ghmlops.core.policy.objectives import OBJECTIVES

# The paired verdict (duet).

BLOCK_SIZE = 250
"""Requests per arm and block. In verdict_latency, blocks of 500 and 1,000 find +10 % at the p99 in 63 % and 48 % of the
runs instead of 84 %, because more of them contain a pause of the machine."""
MAX_PAIRS = 72
"""Pairs of blocks per plan; an undecided plan is extended once by as many. 18,000 requests per arm find +10 % at the
p99 alone in 88 % of the runs of verdict_latency (goal: 80 %)."""
FAIL_E = 300.0
"""E-value at which a regression is shown. By Ville's inequality at most 1 in 300 runs fails at the margin;
verdict_latency measures 0.18 % with randomly swapped arms, and no failure in 1,000 runs without a change."""
PASS_E = 20.0
"""E-value at which a regression beyond the safe limit is ruled out (95 % confidence). In verdict_latency every run
without a change passes, at a median of 1,500 requests per arm (goal: at most 1,600)."""
MIN_PAIRS_TO_PASS = math.ceil(math.log2(PASS_E))
MIN_PAIRS_TO_FAIL = math.ceil(math.log2(FAIL_E))
"""Pairs of blocks below which no decision is possible: one pair at most doubles an e-process."""
MIN_COMPARABLE = BLOCK_SIZE * 4 // 5
"""Requests of a block with a response time on both arms, below which its quantiles are not compared: the tail
statistics are defined for blocks of about 250 requests."""
MAX_LOG_RATIO = 64.0
"""Bound of every log ratio. Response times are clipped to 1e-9 .. 1e9 s, so real ones stay below 42."""
MIN_TIME, MAX_TIME = 1e-9, 1e9
"""Seconds to which response times are clipped, so that their logarithms are finite."""

# The e-processes of p50 and p95: single quantiles, in units of the noise of their pair.

QUANTILE_UNITS = {"p50": 1.3, "p95": 2.5}
"""Standard deviation of the log ratio of a quantile, as a multiple of that of the mean log ratio of the pair's requests
if they are independent. In verdict_latency this unit finds +10 % at a median of 2,500 requests per arm, where a fixed
unit of 5 % needed 2,750 (goal: 2,800)."""
QUANTILE_UNIT_FLOOR = 0.02
"""Log ratio below which the unit does not fall, added in quadrature: a quiet hour with hardly any noise would otherwise
outweigh a regression that only the peak shows."""
QUANTILE_LAMBDAS = (0.3, 0.35, 0.8, 3.0)
"""Stakes (per unit): small ones for noisy pairs, and one so large that clear differences need few pairs."""
QUANTILE_WEIGHTS_TO_FAIL, QUANTILE_WEIGHTS_TO_PASS = (0.4, 0.0, 0.3, 0.3), (0.0, 0.85, 0.15, 0.0)
"""Weights of the stakes. The largest one would let +10 % pass, which is the safe limit of the p50, in 1.2 % instead of
0.7 % of the runs. The stake that grows fastest on equal queues is their mean over their variance, 0.3 to 0.5 units at
utilisations of 0.5 and 0.3: with these weights they pass within 12,000 requests per arm in 93 % instead of 89 % of the
runs at 0.3, together with those of the p99."""
QUANTILE_CLIP = 4.0
"""Units to which a pair is clipped in either direction."""

QUANTILE_UNIT = 0.05
"""Log ratio that counts as one unit where pairs have no noise of their own to compare with (promotion)."""
GRID_MIN, GRID_MAX, GRID_SIZE = 0.02, 3.0, 14
"""Geometric grid of the stakes lambda (per unit) for noise of unknown spread, weighted equally."""

# The e-process of the p99: order statistics in units of the spread of their pair.

TAIL_UNIT = 0.6
"""Standard deviation of the log ratio of the p99, as a share of the tail spread, if the payloads explain half of the
variance. Together with the stakes below, this unit raises the share of runs of verdict_latency that find +10 % at the
p99 from 50-61 % to 67-74 %."""
TAIL_UNIT_FLOOR = 0.01
"""Tail spread (natural logarithm) below which pairs of blocks are weighted equally."""
TAIL_SIZE = 8
"""Slowest requests of a block whose mean log excess over the next one is the tail spread."""
NARROW_WINDOW, WIDE_WINDOW = (1, 3), (3, 3)
"""Order statistics below and from the p99 on that are averaged: the 2nd to 5th and the 2nd to 7th slowest of 250. Of
the pairs of windows in verdict_latency, their mean finds tail changes of 2 % to 100 % of the requests best (66 to 84
%)."""
TAIL_LAMBDAS = (0.35, 0.5, 1.0, 2.5)
"""Stakes (per unit)."""
TAIL_WEIGHTS_TO_FAIL, TAIL_WEIGHTS_TO_PASS = (0.0, 0.7, 0.2, 0.1), (0.45, 0.0, 0.55, 0.0)
"""Weights of the stakes. For a failure: changes that 72 pairs can show have a mean of about 0.5 units or more, so that
smaller stakes would be wasted. For a pass: a small one for the tails of queues, whose noise is twice their unit, and
one with which five clear pairs suffice; 2.5 would let +20 % of the slowest 2.5 % pass more often (2.0 % of the runs
instead of 1.6 %)."""
TAIL_CLIP = 2.0
"""Units to which a pair is clipped in either direction, so that one extreme block cannot undo ten others."""

# Saturation.

LASTING_TO_FAIL, LASTING_TO_PASS = 6.0, 15.0
"""Requests that the noise of one arm may last before e-values for a failure, and for a pass, are diluted. The noise
model without queues has 1.5 (95 %: 3.9), so that nothing changes there; the tables on queues of verdict_latency show
what changes near saturation."""
OUTWEIGHED = 40.0
"""Multiple of the noise between blocks by which every block must exceed a log ratio before noise that lasts dilutes the
evidence less. In 28,000 runs of two equal queues (`verdict_latency --only multiples`: utilisations of 0.5 to 1.2, 72
pairs) the largest multiple that any quantile kept for nine blocks or more was 31, so that their outcomes stay."""
LARGE_STEP = 5.0
"""Multiple of the typical squared step between blocks at which a step is truncated. Without it one busy phase of the
machine would count as lasting noise: +10 % on queues at 0.6 of their capacity with such phases would be found in 67 %
instead of 100 % of the runs."""
HARMLESS_CHANGE = 0.002
"""Lasting change (log ratio) of one arm that is harmless: no default margin is smaller than ten times as much. Where
requests wait much longer than they are served, d hardly varies within a block and slowly between blocks."""
HARMLESS_WINDOW = 2.0
"""Lasting noise, as a multiple of independent requests, that the pairs of several shards may share in a window."""
SATURATED = 15.0
"""Requests of lasting noise beyond which an undecided run is saturated. Queues at 0.7 of their capacity have 11."""
OVERLOAD_Z = 2.2
"""Standard score of the Mann-Kendall test beyond which response times grow; five blocks in ascending order reach it, as
many as a pass requires."""
MIN_GROWTH = 0.02
"""Growth of the response time (seconds per second of the run), the share of requests that accumulates, below which an
arm is not overloaded; with `MIN_RISE` it keeps the trend of a noisy machine from counting."""
MIN_RISE = 1.2
"""Factor between the response times of the first and the last third of a run below which an arm is not overloaded."""
KNEE_SHARE = 0.5
"""Share of the knee that is advised as a rate, and that `rate: auto` uses: waits are short, and +50 % still fits."""

RAMP_START, RAMP_FACTOR = 5.0, 2.0
"""First rate of the ramp of `rate: auto` in requests per second, and the factor between two steps."""
RAMP_SECONDS, RAMP_REQUESTS = 1.5, 20
"""Duration of a step in seconds, and its minimum number of requests; the ramp takes some 15 s."""
RAMP_RESPONSES, MAX_RAMP_SECONDS = 4.0, 20.0
"""Duration of a step as a multiple of the median response time, and its limit in seconds."""
RAMP_BACKLOG = 0.1
"""Share of the offered requests that must be missing from the completed rate for a step to be saturated."""
RAMP_SLOWER = 5.0
"""Factor by which the median response time at the end of a step exceeds that of the first step if it is saturated. An
M/M/1 queue reaches it at a utilisation of 0.8."""
RAMP_FAILED = 0.05
"""Additional share of failed requests beyond which a step is saturated."""

# What a plan can detect.

TYPICAL_SPREAD = {"p50": (0.032, 0.031), "p95": (0.055, 0.054), "p99": (0.088, 0.091)}
"""Robust standard deviation of d, and its unit, by quantile, in the noise model of verdict_latency: what a plan is
assumed to meet before anything is measured."""
POWER_Z = 1.28
"""Standard score of the probability (90 %) with which a plan is said to detect a change."""
PILOT_PAIRS = 6
"""Pairs of blocks after which an undecided run reports what it can detect; equal arms with little noise have passed."""

# Failed requests.

ERROR_P = 1.0 / FAIL_E
"""One-sided p-value of McNemar's exact test below which the candidate fails more often; the risk of the duet."""
ERROR_MARGIN = 0.01
"""Additional failed requests, as a share of all, that a pass must rule out."""
ERROR_LEVEL = 0.99
"""Confidence of the upper bound that is compared with `ERROR_MARGIN`."""

# Objectives on the candidate alone.

OBJECTIVE_LEVEL = 0.99
"""Confidence of each exact bound, at each of at most two looks per run. It gives the sample floors of MLPerf
Inference's early stopping: 64 requests for p90, 662 for p99, 6,636 for p99.9."""
MAX_SAMPLE_FLOOR = 10_000_000
"""Requests beyond which the search for a sample floor ends."""

RARE = "p99.9"
"""Percentile that is only reported from its sample floor on: of fewer requests it is about the maximum."""
VALUES = ("mean", *OBJECTIVES, "max")
"""Names of the values of a measurement."""

# Guards: limits beyond which the measurement itself is not trusted.

LATE_SECONDS = 0.010
"""Seconds behind its schedule from which a send counts as late. The generator's p99 is 0.15 ms at 30,000 requests per
second on one core (load)."""
MAX_LATE_IN_BLOCK = 0.01
"""Share of late sends beyond which a block is late: from there on lateness reaches its p99."""
MAX_LATE_BLOCKS = 0.25
"""Share of late blocks. A pause of the machine makes one or two blocks late, on both arms equally, and does no harm; a
generator that cannot keep up makes many of them late."""
MAX_LATE_SENDS = 0.05
"""Share of late sends of the total run."""
MAX_PAUSED = 0.005
"""Share of late sends from which those that miss an objective may be the fault of the machine: response times count
from the scheduled send, so that pauses of the machine alone would fill half of the 1 % that a p99 allows."""
MAX_STOLEN = 0.01
"""Share of the CPU time given to other machines from which the same holds: it is as large as the share of requests that
decides a p99. Both arms suffer alike, so the paired verdict stands."""
AFFECTED_PER_PAUSED = 10
"""Time in which requests may be slow because of a pause, in lengths of the pause: the queue that it leaves is gone
after 1 / (1 - utilization) of its length, and a service busier than 0.9 is not measured for its response times."""
MAX_MEDIAN_LATENESS = 0.25
"""Median lateness of the generator as a share of the median response time of the faster arm; more would hide a
difference between the arms."""
TOLERATED_MEDIAN_LATENESS = 0.001
"""Seconds of median lateness that are always accepted: both arms include it, and every event loop has as much."""
MIN_ACHIEVED = 0.99
"""Share of the offered requests that must be sent in time."""
SPLIT_P = 1e-4
"""Two-sided p-value of the exact binomial test below which the arms were not offered the same load."""

# Streams.

MAX_BUFFERED = 0.01
"""Share of the answers whose tokens all arrived at once, beyond which the gaps of the others represent the run no more:
as many as an objective on the p99 may miss. No gap is then judged."""

# Shards.

MAX_SHARDS = 256
"""Shards of one schedule; the largest matrix of a GitHub Actions workflow."""
MAX_START_DELAY = 1.0
"""Seconds between the actual and the common start of a shard, beyond which the shards did not offer their load
together."""
MAX_COUNTED_SCHEDULE = 50_000_000
"""Requests up to which a schedule is generated again to count those of each shard; more would take too much memory."""
