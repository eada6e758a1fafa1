"""The constants of the prediction verdict: each one once, with its unit, its reason and the evidence for its value.

Limits that a policy can change (margins, `minimum-rows`, drift limits, ...) are defaults of
`core/policy/regression.py`; default margins of the metrics are in `core/paired/default_margins.py`. "Benchmark" means
`scripts/bench/verdict_predictions`, whose figures stand in `scripts/bench/README.md` under "The prediction verdict";
its cases are quoted by name. A test keeps numeric constants out of the other modules of this package.
"""

from __future__ import annotations

from ghmlops.core.paired.default_margins import PROPORTION_MARGIN, RATE_SHIFT_MARGIN

# --- Over all rows

ALPHA = 0.01
"""Probability, one-sided. Level at which a loss is significant, and at which a loss as large as the margin passes. One
false alarm in a hundred comparisons is rare enough to block a merge on. Benchmark: every case `false alarm: ...`
stays within its goal of 1.5 % (clusters 2 %); `non-coverage: ...` shows that the intervals at this level cover the
truth."""

MIN_JUDGED_ROWS = 30
"""Rows. Fewer are inconclusive: the intervals rest on the normality of averages, for which 30 is the usual minimum.
The benchmark starts at 1,000 rows; between 30 and 1,000 the interval's width decides, and nearly every ruling is
undecided."""

MAX_STATED_ROWS = 1e10
"""Rows. A reason states how many rows would decide only up to this number; no artifact has more."""

EVIDENCE_DIGITS = 10
"""Significant decimal digits of numbers in evidence. Sums are added in parallel, so further digits differ between two
runs on the same data; `ghmlops regression --replay` compares every digit that is written
(`tests/commands/regression/test_replay.py`)."""

CLASS_MARGIN = PROPORTION_MARGIN
"""Share of the rows of a class. Largest tolerated loss of recall or F1 of one class, the same as the default margin
of accuracy, because recall is the accuracy within the class. Benchmark: `false detection: recall of a class
of 5 %`, `false detection: f1 ...`."""

# --- Contract between the two artifacts

MAX_FAULTY_SHARE = 0.01
"""Share of rows. Up to this share of missing, added or contradicting rows warns, more fails: a few late rows are
normal, while a hundredth of the data can move accuracy by a full point, twice its default margin. Test:
`test_checks.py` on both sides of the limit."""

WEIGHT_DIGITS = 12
"""Decimal digits of a share of the weight. Sums of weights are added in parallel and differ in further ones. Test:
`tests/measure/predictions/test_weights.py`."""

HARD_ROWS_ERRORS = 3.0
"""Standard errors. The rows missing from the candidate are called harder or easier than the others only beyond this
distance: by chance in 0.3 % of cases. Test: `test_checks.py`, removed rows."""

EQUAL_RMSE = 1e-4
"""Share of the baseline's RMSE. Smaller differences are worded as "unchanged" in the reason about removed rows. Test:
`test_checks.py`."""

# --- Slices, windows, classes

HOLM_LEVEL = 0.01
"""Family-wise error rate. A subgroup fails if Holm's adjusted p-value is at most this, so that any false failure in a
family of any size has a probability of at most 1 %; also the level of Cochran's Q. Benchmark: `false alarm: any of 50
(200, 500) slices` are at most 1.2 %; without correction 200 slices give a false alarm in 78 % of runs. Power:
`power: -5 pt in a 2 % slice, 100,000 rows` at least 99 %."""

FALSE_DISCOVERY_LEVEL = 0.05
"""False discovery rate. A subgroup warns if the Benjamini-Hochberg adjusted p-value is at most this: of the warnings,
one in twenty is expected to be false, which is acceptable because a warning does not block. Test:
`test_family.py`."""

SEARCH_LEVEL = 0.005
"""Family-wise error rate of the slice search, half of `HOLM_LEVEL`: searched subgroups are exploratory, nobody
declared them. Evidence: `search_alarms` in `tests/subgroup_data.py`: at most 1.2 % of searches over 2,200 equal
slices warn."""

MIN_REST_VARIANCE = 0.1
"""Share of the variance per row. What is left of a slice without its worse parts is never taken to vary less than
this, because clusters and metrics that are no means do not add up exactly. Test: `test_search.py`, two slices that
cross."""

MIN_SPREAD_MEMBERS = 10
"""Subgroups of a family from which its own spread is estimated: with fewer, the estimate varies by more than a third.
Benchmark: `scripts/bench/verdict_predictions`, cases `... spread`, and `scripts/bench/reseeded`."""

SPREAD_PRIOR_MEMBERS = 10
"""Weight, in subgroups, of the typical spread of the metric's other families in the spread of one. Same benchmarks."""

MEMBERS_TO_SHOW_NO_SPREAD = 30
"""Subgroups. From this number on, a spread within one standard error of 1 is 1, which preserves the power on
independent rows; with fewer, nothing shows that there is none. Same benchmarks."""

SPREAD_EFFICIENCY = 0.82
"""Efficiency of the robust scale on normal values (Rousseeuw and Croux 1993): m subgroups are worth this times m - 1
degrees of freedom."""

SPREAD_DF = 10.0
"""Degrees of freedom of the part of the changes that sampling does not explain. It differs within a family (days with
many delays move by more), which is a scale mixture of normals. Of 10, 30 and a normal tail, 10 is the only one without
a false alarm on two data sets that the reported figures do not use. Same benchmarks."""

# --- Behaviour

CHURN_SHIFT = RATE_SHIFT_MARGIN
"""Share of all rows. Asymmetric churn is a warning only if a class grew or shrank by more than this net share, the
same as the default margin of the positive rate. Test: `test_flips.py` on both sides of the limit."""

NOISE_CHURN_MARGIN = 0.01
"""Share of the rows. Churn above that of two baselines of one recipe fails beyond this excess, if the policy sets no
margin for churn. Test: `test_noise_floor.py`: at most 1 % false alarms between equal recipes."""

NOISE_SCORE_RATIO = 2.0
"""Ratio. A mean absolute score difference warns if it is significantly above the noise floor and more than this many
times as large: that a difference is significant is a matter of rows, not of size. Test: `test_noise_findings.py`."""

MIN_RANK_CORRELATION = 0.5
"""Spearman's rho. A correlation significantly below this warns: the candidate orders most pairs of rows by something
other than the baseline does. Test: `test_rank_correlation.py`."""

MIN_AGREEMENT = 0.4
"""Cohen's kappa. Classes that agree significantly less than this warn: below it agreement is at most "fair" (Landis and
Koch 1977), and two models of one recipe agree in more. Test: `test_class_agreement.py`."""

SPEARMAN_VARIANCE = 1.06
"""Variance of the z-transformed Spearman correlation, times n - 3. Source: Fieller, Hartley and Pearson (1957)."""

PSI_BINS = 10
"""Bins of equal mass in the baseline for the population stability index, the number that its customary limits (0.1,
0.2) refer to; missing values are one bin more. Test: `test_drift.py` against the definition."""

MIN_PSI_SHARE = 1e-4
"""Share of rows. Smallest share of a bin in the population stability index (or half a row, if that is more): an empty
bin would make the index infinite. Test: `test_drift.py`, empty bins."""

CENTRAL_SHARE = 0.8
"""Share of the other rows that is their central range, from the 10th to the 90th percentile, when a value is held to be
a sentinel. Test: `test_sentinels.py`."""

SENTINEL_DISTANCE = 10.0
"""Widths of the central range. A value farther outside of it may be a sentinel; a normal distribution has no value
there (24 standard deviations). Test: `test_sentinels.py`, normal, lognormal and Cauchy columns."""

SENTINEL_GAP = 0.5
"""Share of the distance from the central range that lies between a sentinel and the next value, so that the ends of a
heavy tail of rounded numbers are not reported. Test: `test_sentinels.py`."""

MIN_SENTINEL_ROWS = 5
"""Rows of both sides together in which a sentinel occurs exactly. Test: `test_sentinels.py`."""

MAX_SENTINELS = 3
"""Sentinel values at each end of a column."""

PREDICTION_FINDINGS = ("regression-", "predictions-changed", "noise-")
"""Beginnings of the ids of findings that judge the predictions themselves, over all rows of a data set. Without one of
them a verdict rests on the contract alone and is inconclusive. Test: `tests/commands/regression/test_coverage.py`."""

# --- Implausible results

NEAR_PERFECT_METRICS = frozenset({"auc", "average-precision", "mcc", "r2", "ndcg", "map", "mrr"})
"""Metric ids whose best value is 1 and which real data hardly ever reach. Shares such as accuracy are left out: they
are ordinary at 99.9 % if one class is rare."""

NEAR_PERFECT = 0.999
"""Value of such a metric from which it is implausible: a sign of leakage. Test: `test_implausible.py`."""

ORDINARY = 0.99
"""Value of such a metric. A near-perfect candidate is implausible only if the baseline was below this."""

MIN_IMPLAUSIBLE_ROWS = 1_000
"""Rows. On fewer rows a near-perfect value is not surprising: 0.999 of a few hundred is all of them. Test:
`test_implausible.py`."""

# --- Size of the evidence

MAX_FINDINGS = 50
"""Findings per family and data set, the worst first; the summary counts the rest. Evidence stays small and readable
with ten thousand slices. Test: `test_family.py`."""

MAX_TABLE_ROWS = 200
"""Rows of one table in the evidence's details."""

MAX_TIMELINE_ROWS = 400
"""Rows of the table `timeline`: a year of daily windows."""

MAX_CELL_ROWS = 400
"""Rows of the table `cells`: the metrics that are reported, but not tested, by slice and window."""

MAX_DISTRIBUTION_BINS = 40
"""Bins or values of one column in the table `distributions`: as many as a chart can show."""

DISTRIBUTION_TAIL = 0.001
"""Share of rows beyond each end of the middle part of a shortened distribution, so that an outlier takes one bin."""

SCORE_BINS = 60
"""Bins of equal width over 0 to 1 of the scores in the evidence: as fine as a chart can show, and four per bin of the
expected calibration error, whose bins the reliability curve shows. Nothing is judged by them."""
ERROR_BINS = 41
"""Bins of the errors of a regression in the evidence; odd, so that the middle one is around zero. Nothing is judged by
them."""
ERROR_SHARE = 0.99
"""Share of the errors of both sides inside the drawn range, so that one outlier does not hide the others; the rest is
counted in the outermost bins."""
