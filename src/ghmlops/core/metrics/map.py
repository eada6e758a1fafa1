"""MAP: mean average precision of the rankings of queries. No unit; range 0 to 1; higher is better.

The precision at the rank of each relevant document of a query, averaged over its relevant documents, then over queries
(Manning, Raghavan and Schuetze 2008, Introduction to Information Retrieval, section 8.4). Compared by a paired t test
over queries.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

MAP = Metric(
    id="map",
    title="MAP",
    tasks=("ranking",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    row="{map}",
    compare=partial(compare_means, direction=Direction.HIGHER),
)
