"""All numeric fields at an end of their legal range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import get, replaced
from ghmlops.core.synthetic.rows.profile import NUMERIC, Kind

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    row, fields = context.row, []
    for field in context.profile.of_kind(*NUMERIC):
        if get(context.row, field.path)[1] is None:
            continue
        end = (field.low, field.high)[context.stream.below(2)]
        row = replaced(row, field.path, int(end) if field.kind is Kind.INTEGER else end)
        fields.append(field.path)
    if not fields:
        return None
    change = "every number at an end of its range"
    return FollowUp(ask=Ask(row=row), expected=Expected.SERVED, change=change, fields=tuple(fields))


EXTREME_VALUES = Relation(
    id="extreme-values",
    claim="Numbers at the ends of their legal ranges are answered with finite numbers.",
    build=_build,
    precondition="no field is a number",
)
