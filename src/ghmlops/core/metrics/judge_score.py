"""Judge score: mean of a column of scores that a judge (a person or a model) gave to each text. Higher is better.

In the unit of the column; needs no label. Rows without a score on a side are left out and counted. Compared by a paired
t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

JUDGE_SCORE = Metric(
    id="judge-score",
    title="judge score",
    tasks=("text",),
    direction=Direction.HIGHER,
    unit="",
    margin=RELATIVE_LOSS_MARGIN,
    margin_of="baseline",
    row="{s}",
    needs_label=False,
    compare=partial(compare_means, direction=Direction.HIGHER),
    in_subgroups=True,
)
