"""Edit distance: mean Levenshtein distance of text and label, divided by the length of the longer one. Range 0 to 1.

No unit; lower is better. Rows with a text beyond the length limit of the engine have no value and are counted as left
out. Compared by a paired t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

EDIT_DISTANCE = Metric(
    id="edit-distance",
    title="edit distance",
    tasks=("text",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    row="{edits}",
    compare=partial(compare_means, direction=Direction.LOWER),
)
