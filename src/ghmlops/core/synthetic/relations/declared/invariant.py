"""A field that must not influence the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.alphabet import like
from ghmlops.core.synthetic.rows.fields import get, replaced

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context
    from ghmlops.core.synthetic.rows.fields import Json


def _build(context: Context) -> FollowUp | None:
    fields = [path for path in context.policy.invariant if get(context.row, path)[1] is not None]
    if not fields:
        return None
    path = fields[context.index % len(fields)]
    value = get(context.row, path)[1]
    new = _other(context, path, value)
    if new == value:
        return None
    ask = Ask(row=replaced(context.row, path, new))
    return FollowUp(ask=ask, expected=Expected.SAME, change=f"another value of {path}", fields=(path,))


def _other(context: Context, path: str, value: Json) -> Json:
    """Return another value of the field: of another generated row, or of the same shape for text."""
    for row in context.stream.shuffled(context.others):
        present, other = get(row, path)
        if present and other is not None and other != value and type(other) is type(value):
            return other
    return like(value, context.stream) if isinstance(value, str) else value


INVARIANT = Relation(
    id="invariant",
    claim="A declared field does not influence the answer.",
    build=_build,
    precondition="no generated row has a declared field with a second value",
    declared=True,
)
