"""Default margins of the metrics and the gains that count as implausible: the constants of the prediction verdict.

A margin is the largest loss that is acceptable without a setting in the policy. Benchmark: `scripts/bench/README.md`,
"The prediction verdict" (`scripts/bench/verdict_predictions`); the case is named with each constant.
"""

PROPORTION_MARGIN = 0.005
"""Loss of a proportion of correct decisions: half a percentage point.

The smallest loss that common data sets resolve. Cases "false alarm: accuracy, ..." (at most 1.1 %) and "fails: -1 pt,
margin 0.5 pt, 30,000 rows" (100 %)."""
RANKING_MARGIN = 0.005
"""Loss of a ranking metric between 0 and 1 (AUC, average precision, NDCG), absolute.

Case "power: -0.005 AUC, 10,000 rows": detected in 97 % of the runs between models whose scores correlate at 0.99, in
70 % at 0.96."""
RELATIVE_LOSS_MARGIN = 0.01
"""Rise of an error or loss without natural scale (log loss, Brier score, RMSE, MAE, pinball), as a fraction of the
baseline's value: 1 %. Cases "false alarm: log loss, ...", "false alarm: RMSE, ..." and "false alarm: MAE, ..."."""
CALIBRATION_MARGIN = 0.01
"""Rise of the expected calibration error, absolute: one percentage point of predicted probability. Case "false
alarm: ECE, 1,000 rows" (0.08 %)."""
RATE_SHIFT_MARGIN = 0.01
"""Change of the positive rate in either direction: one percentage point. Case "false alarm: positive rate,
1,000 rows"."""
LABEL_SPREAD_MARGIN = 0.05
"""Shift of the predictions of a regression (bias, mean prediction), in standard deviations of the label: 5 %. A shift
cannot be measured relative to the baseline, whose bias may be 0. Cases "false detection:
regression bias, ..." and "non-coverage: regression bias, ..."."""
SPREAD_RATIO_MARGIN = 0.05
"""Change of the standard deviation of the predictions in either direction, relative to the baseline's: 5 %. Cases
"false detection: regression spread-ratio, ..." and "non-coverage: regression spread-ratio, ..."."""
IMPLAUSIBLE_GAIN = 0.10
"""Gain of a metric between 0 and 1 beyond which leakage of labels is suspected, absolute: 10 percentage points. Models
of one service rarely improve by as much at once; no benchmark, the finding is a warning."""
IMPLAUSIBLE_LOSS_REDUCTION = 0.5
"""Reduction of a loss beyond which leakage of labels is suspected, as a fraction of the baseline's value: one half.
No benchmark, the finding is a warning."""
