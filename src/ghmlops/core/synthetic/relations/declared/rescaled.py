"""A quantity in another unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import as_float, get, removed, replaced

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    rescaled = context.policy.rescaled
    fields = [path for path in rescaled if _is_number(get(context.row, path)[1])]
    if not fields:
        return None
    path = fields[context.index % len(fields)]
    rule, value = rescaled[path], get(context.row, path)[1]
    # Rounding keeps 3 * 0.1 at 0.3, as a client would write it.
    scaled = float(f"{as_float(value) * rule.factor:.12g}")
    if not math.isfinite(scaled):
        return None
    row = (
        replaced(removed(context.row, path), rule.rename, scaled)
        if rule.rename
        else replaced(context.row, path, scaled)
    )
    for name, constant in rule.set.items():
        row = replaced(row, name, constant)
    fields_changed = (path, *([rule.rename] if rule.rename else []), *rule.set)
    return FollowUp(ask=Ask(row=row), expected=Expected.SAME, change=f"{path} in another unit", fields=fields_changed)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


RESCALED = Relation(
    id="rescaled",
    claim="The same quantity in another unit has the same answer.",
    build=_build,
    precondition="no generated row has a declared field that is a number",
    declared=True,
)
