"""The rows of a batch in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Batch, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.relations.serving.batch import NO_BATCH, batch_of

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    batch = batch_of(context)
    if batch is None:
        return None
    size = len(batch.rows)
    # A rotation by less than the size moves every row, and two rows are exchanged.
    shift = 1 + context.stream.below(size - 1)
    rows = (*batch.rows[shift:], *batch.rows[:shift])
    index = (batch.index - shift) % size
    return FollowUp(
        ask=Ask(row=context.row, batch=Batch(rows=rows, index=index)),
        expected=Expected.SAME,
        change=f"at position {index + 1} of {size} instead of {batch.index + 1}",
        source=Ask(row=context.row, batch=batch),
    )


BATCH_ORDER = Relation(
    id="batch-order",
    claim="The answer to a row does not depend on its position in a batch.",
    build=_build,
    precondition=NO_BATCH,
)
