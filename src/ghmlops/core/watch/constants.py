"""Constants of the alerts of `watch`, each with its unit, its reason and the benchmark that shows it.

Benchmark of all detectors: `scripts/bench/watch`.
"""

from __future__ import annotations

REFERENCE_PERIODS = 7
"""Periods of the season whose same phase gives the reference: a week of a daily season, robust to three odd days."""
WARM_UP_PERIODS = 3
"""Periods without which a point has no reference and is not judged."""
SCALE_POINTS = 56
"""Accepted residuals from which the noise is estimated, or those of two periods: the relative error is about 15 %."""
MIN_SCALE_POINTS = 6
"""Accepted residuals without which the noise is unknown, so that a point is not judged."""
MIN_SCALE = 0.005
"""Least noise in log units: series that hardly vary do not turn a change of a few per mille into an alert."""
ALLOWANCE = 1.0
"""Allowance k of the CUSUMs in standard deviations: changes below twice of it are slow to be found."""
STEP_THRESHOLD = 3.0
"""Threshold h of the CUSUM of large steps: two points, because each adds at most `STEP_CAP` - k."""
STEP_CAP = 3.0
"""Largest z of one point in the CUSUM of large steps, so that a single spike never raises an alert."""
STEP_POINTS = (2, 3)
"""Of the last 3 points 2 exceed the least change of the metric."""
STEP_SLACK = 0.5
"""Standard deviations by which those points may stay below the least change, since noise hides a step that just has it;
with fewer than `SHIFT_POINTS_PER_PERIOD` only: among many points, chance alone has such neighbours."""
STEP_EVEN = 0.5
"""Share of the larger of two points in a row that the smaller one has; otherwise the third decides: a spike beside an
odd point is no step."""
SHIFT_THRESHOLD = 15.0
"""Threshold h of the CUSUM of small, lasting shifts (VERDICTS 3)."""
SHIFT_CAP = 4.0
"""Largest z of one point in the CUSUM of small shifts."""
SHIFT_POINTS_PER_PERIOD = 8
"""Points per period from which small shifts are looked for: with fewer, such as one per day, they cannot be
distinguished from changes of the level without a cause (median 4.3 % from day to day)."""
SHIFT_NOISE = 3.0
"""Standard deviations of whole periods that a shift exceeds: days that differ from each other are no shift."""
SHIFT_CHANGE = 0.05
"""Least relative change of a shift: below it the paired verdict could not confirm anything either."""
RAMP_BLOCK_PERIODS = 5
"""Periods of a block from which the wandering of the level is estimated."""
RAMP_CLIP = 3.0
"""Standard deviations to which single periods are clipped, so that a spike is no slope."""
RAMP_LEVEL_PERIODS = 14
"""Periods before the reference deployment whose mean is its level."""
RAMP_MIN_LEVEL_PERIODS = 7
"""Periods before the deployment without which there is no level."""
RAMP_BLOCKS = 6
"""Blocks without which the periods count as independent."""
RAMP_COVERAGE = 0.8
"""Share of a period's points without which its median is not used."""
RAMP_AGE_PERIODS = 7
"""Periods that the reference deployment is old at least, so that a service with a deployment a day has one too."""
RAMP_THRESHOLD = 4.5
"""Standard errors of the slope since the deployment beyond which a ramp is reported."""
RAMP_CHANGE = 0.05
"""Least relative growth at the end of a ramp."""
RECOVERY_POINTS = 3
"""Successive points back at the reference that end an alert; the median of noise does so by chance for fewer."""
LOG_FLOOR = 1e-9
"""Value that replaces zero before the logarithm is taken."""
BURN_RATES = ((14.4, 3600, 300), (6.0, 21_600, 1800), (1.0, 259_200, 21_600))
"""Burn rate, long and short window in seconds (Google, "The Site Reliability Workbook", chapter 5)."""
BURN_LEVEL = 1e-3
"""Level of the binomial test that the long window breaks the objective at all: with few requests, nothing is said."""
BURN_COVERAGE = 0.9
"""Share of a window that has data; below it, the window is not measured."""
BURN_QUIET = 1800.0
"""Seconds that keep the budget and so end a burn: with 5 min, an unsteady burn has such pauses itself."""
BURN_QUIET_FAILURES = 5.0
"""Failures expected in that time, without which its silence proves no end (none of 5: p = 0.007)."""
MAX_REQUESTS = 10**12
"""Requests of an interval beyond which a count is none of requests, and a hole: sums of counts stay within 64 bits."""
