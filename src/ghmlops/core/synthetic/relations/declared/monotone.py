"""A field with which the score never decreases, or never increases."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import as_float, get, replaced
from ghmlops.core.synthetic.rows.profile import Kind

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    fields = [path for path in context.policy.monotone if path in context.profile.fields]
    if not fields:
        return None
    path = fields[context.index % len(fields)]
    field, value = context.profile.fields[path], get(context.row, path)[1]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(as_float(value)):
        return None
    if value >= field.high:
        return None
    share = max(context.stream.unit(), 0.05)
    higher = value + min(field.high - value, sys.float_info.max) * share
    new = max(int(value) + 1, int(higher)) if field.kind is Kind.INTEGER else round(higher, 6)
    if new <= value:
        return None
    up = context.policy.monotone[path] == "up"
    return FollowUp(
        ask=Ask(row=replaced(context.row, path, new)),
        expected=Expected.NOT_LOWER if up else Expected.NOT_HIGHER,
        change=f"a higher {path}",
        fields=(path,),
    )


MONOTONE = Relation(
    id="monotone",
    claim="The score never decreases (or increases) with a declared field.",
    build=_build,
    precondition="no answer has a score, or no generated row has a declared field below its greatest value",
    declared=True,
)
