"""A field that is absent, null, or has its default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import get, removed, replaced

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    fields = [(path, value) for path, value in context.policy.absent.items() if get(context.row, path)[0]]
    if not fields:
        return None
    path, default = fields[context.index % len(fields)]
    absent, null = removed(context.row, path), replaced(context.row, path, None)
    if default is None or (context.index // len(fields)) % 2 == 0:
        source, changed, change = absent, null, f"{path} null instead of absent"
    else:
        source, changed = absent, replaced(context.row, path, default)
        change = f"{path} with its default instead of absent"
    return FollowUp(ask=Ask(row=changed), expected=Expected.SAME, change=change, source=Ask(row=source), fields=(path,))


ABSENT = Relation(
    id="absent",
    claim="A declared field has the same meaning if it is absent, null, or has its default.",
    build=_build,
    precondition="no generated row has a declared field",
    declared=True,
)
