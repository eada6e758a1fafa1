"""MRR: mean reciprocal rank of the first relevant document of a query. No unit; range 0 to 1; higher is better.

Source: Voorhees (1999), The TREC-8 question answering track report. Compared by a paired t test over queries.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

MRR = Metric(
    id="mrr",
    title="MRR",
    tasks=("ranking",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    row="{mrr}",
    compare=partial(compare_means, direction=Direction.HIGHER),
)
