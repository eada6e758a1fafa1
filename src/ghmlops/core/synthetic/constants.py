"""Constants of the synthetic verdict; each with its unit, its reason and the benchmark that shows it."""

from __future__ import annotations

FAMILY_ALPHA = 1 / 4000
"""Probability that any relation of a run fails although candidate and baseline behave alike, so that 400 runs without a
change have no failure with a probability of 90 % (goal Y2). Computed; 400 runs of
`scripts/bench/synthetic` had none."""
TEST_SHARE = 0.5
"""Share of a relation's error probability for the test of the first questions; the rest is for re-asking."""
REASKED_CASES = 3
"""Violations per relation that are asked again: one may be an accident that hides a fault that repeats."""
MAX_REPETITIONS = 16
"""Limit of the repetitions per arm; 13 suffice for 60 relations."""
ALONE_REPETITIONS = 5
"""Repetitions of a violation if there is no baseline; all must violate."""
REASK_SHARE = 0.25
"""Share of the requests that is kept for re-asking."""
NOISY_RATE = 0.05
"""Rate of differing answers of the baseline to the same request from which on a path is not compared: values of such a
path would violate every relation. Below it the paired test copes, and a path is not lost for a rare difference."""
TOLERANCE_FACTOR = 2.0
"""Multiple of the largest difference of two equal requests that counts as equal. It costs power alone: both arms are
judged by the same tolerance."""
ROUNDING = 1e-6
"""Fraction of the largest number at a path that counts as rounding: some units in the last place of a float32. A sum
has another order in a batch than alone, and which rows show it differs between models (`scripts/bench/synthetic`)."""
FIRST_ROWS = 3
"""Rows that are asked before anything else, and again at the end (relation `cold-warm`)."""
MIN_ROWS, MAX_ROWS = 5, 1_000
"""Least and greatest number of generated rows of a run."""
MAX_UNJUDGED = 0.5
"""Share of a relation's questions without an answer that can be judged from which on a pass is inconclusive."""
SHRINK_REQUESTS = 200
"""Requests for shrinking one failure and for replaying it at once (goal Y4); `scripts/bench/synthetic` needed at most
182."""
REPLAY_REQUESTS = 40
"""Requests of the replay of one saved case, over both arms (goal Y4)."""
REPLAY_ROUNDS = 8
"""Limit of how often a replay asks a saved case on each arm."""
REPLAY_ALPHA = 0.08
"""Level of a replay. It is about one failure that was proven before, so that no family of relations is searched; three
of four rounds suffice, because a fault that depends on the requests before it does not show in every one."""
REPLAY_CONTEXT = 3
"""Other requests that are saved with a case: those between its two requests, or in flight with it. A service that
carries state from one request to the next answers alike if nothing comes in between."""
