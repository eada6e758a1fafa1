"""A row alone and the same row while other requests are in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, When
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    change = f"with {context.policy.connections - 1} other requests in flight"
    return FollowUp(ask=Ask(row=context.row, when=When.UNDER_LOAD), expected=Expected.SAME, change=change)


UNDER_LOAD = Relation(
    id="under-load",
    claim="A row has the same answer alone and while other requests are in flight.",
    build=_build,
    precondition="no generated row was answered",
)
