"""Normalised match: proportion of labelled rows whose text equals the label after normalisation. Unit: ratio; 0 to 1.

Higher is better. The normalisation is that of SQuAD's evaluation (Rajpurkar et al. 2016, EMNLP), after Unicode NFC:
lower case, no ASCII punctuation, no English articles, single blanks. Compared by McNemar's mid-p test and Tango's
interval of paired proportions.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_GAIN, PROPORTION_MARGIN
from ghmlops.core.paired.metric import Metric

NORMALISED_MATCH = Metric(
    id="normalised-match",
    title="normalised match",
    tasks=("text",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=PROPORTION_MARGIN,
    row="{normalised}",
    compare=partial(compare_proportions, direction=Direction.HIGHER),
    in_subgroups=True,
    implausible_gain=IMPLAUSIBLE_GAIN,
)
