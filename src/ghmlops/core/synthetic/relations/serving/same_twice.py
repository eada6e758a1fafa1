"""The same request twice, with another one in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, When
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    return FollowUp(ask=Ask(row=context.row, when=When.AFTER_OTHER), expected=Expected.SAME, change="asked again")


SAME_TWICE = Relation(
    id="same-twice",
    claim="The same request has the same answer, also after another request.",
    build=_build,
    precondition="no generated row was answered",
)
