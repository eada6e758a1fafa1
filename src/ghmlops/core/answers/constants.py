"""Constants of the verdict on answers; each with its unit, its reason and the benchmark that shows it."""

from __future__ import annotations

TEST_ALPHA = 0.003
"""Probability that the tests of all places of a run together prove a change where none is. With `REASK_ALPHA`, a run on
an unchanged service fails in less than 1 % (goal S1). Shown by `scripts/bench/shadow noise`."""
REASK_ALPHA = 0.005
"""Probability that re-asking proves a change where none is, over all questions of a run. Shown by
`scripts/bench/shadow noise`."""
LEVEL_SHARE = 0.75
"""Share of a place's error probability for the test of equality; the rest is for the test beyond the learned tolerance,
whose changes are the only ones at a place with jitter, and then prove themselves on few rows. Shown by
`scripts/bench/shadow power`."""
MAX_QUESTIONS = 40
"""Number of pairs of row and place that are asked again at most: it bounds the extra requests of a run."""
ROWS_PER_PLACE = 2
"""Rows per place that are asked again; one proof is enough, the second is for an answer that is wrong by accident."""
