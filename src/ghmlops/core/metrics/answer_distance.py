"""Answer distance: mean edit distance between the texts of both sides, over the longer length. No unit; 0 to 1.

Lower is better. Needs no label. Limits by Student's t, never below 0.
"""

from __future__ import annotations

from ghmlops.core.metrics.cosine_distance import compare
from ghmlops.core.model import Direction
from ghmlops.core.paired.metric import Metric

ANSWER_DISTANCE = Metric(
    id="answer-distance",
    title="edit distance between the answers",
    tasks=("text",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    row="{answer-distance}",
    needs_label=False,
    paired_only=True,
    compare=compare,
)
