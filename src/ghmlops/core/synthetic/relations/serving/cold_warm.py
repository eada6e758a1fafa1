"""The first requests of the run, and the same ones at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, When
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    if not context.first:
        return None
    source = Ask(row=context.row, when=When.EARLIER)
    return FollowUp(ask=Ask(row=context.row), expected=Expected.SAME, change="asked again after the run", source=source)


COLD_WARM = Relation(
    id="cold-warm",
    claim="The first requests have the same answers as later ones.",
    build=_build,
    precondition="none of the first requests was answered",
    repeatable=False,
)
