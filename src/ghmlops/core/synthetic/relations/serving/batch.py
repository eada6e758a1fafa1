"""A row alone and the same row inside a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Batch, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context

NO_BATCH = "the bodies have no list of instances; `relations: {batch: {instances: KEY}}` names one"


def batch_of(context: Context) -> Batch | None:
    """Return a batch that contains the row at a random position; its size is the next one of the policy."""
    sizes = context.policy.batch.sizes
    size = min(sizes[context.index % len(sizes)], len(context.others) + 1)
    if size < 2:
        return None
    rows = context.stream.shuffled(context.others)[: size - 1]
    index = context.stream.below(size)
    return Batch(rows=(*rows[:index], context.row, *rows[index:]), index=index)


def _build(context: Context) -> FollowUp | None:
    batch = batch_of(context)
    if batch is None:
        return None
    ask = Ask(row=context.row, batch=batch)
    return FollowUp(ask=ask, expected=Expected.SAME, change=f"in a batch of {len(batch.rows)}")


BATCH = Relation(
    id="batch",
    claim="A row has the same answer alone and in a batch.",
    build=_build,
    precondition=NO_BATCH,
)
