"""A category that is in no row of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.alphabet import UNSEEN
from ghmlops.core.synthetic.rows.fields import get, replaced
from ghmlops.core.synthetic.rows.profile import Kind

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    fields = [f.path for f in context.profile.of_kind(Kind.CATEGORY) if isinstance(get(context.row, f.path)[1], str)]
    if not fields:
        return None
    path = fields[context.index % len(fields)]
    ask = Ask(row=replaced(context.row, path, UNSEEN))
    return FollowUp(ask=ask, expected=Expected.NOT_CRASHED, change=f"an unseen category of {path}", fields=(path,))


UNSEEN_CATEGORY = Relation(
    id="unseen-category",
    claim="An unseen category is answered with finite numbers or refused by 4xx.",
    build=_build,
    precondition="no field is a category",
)
