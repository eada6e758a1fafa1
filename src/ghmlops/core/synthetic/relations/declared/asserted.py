"""The assertions of the policy on every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    return FollowUp(ask=Ask(row=context.row), expected=Expected.ASSERTED, change="a generated row")


ASSERTED = Relation(
    id="asserted",
    claim="The assertions of the policy hold for every answer.",
    build=_build,
    precondition="no generated row was answered",
    declared=True,
    reuses_source=True,
)
