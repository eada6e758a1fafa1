"""Every generated row is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    return FollowUp(ask=Ask(row=context.row), expected=Expected.SERVED, change="a generated row")


ANSWERED = Relation(
    id="answered",
    claim="A generated row is answered by 2xx with strict JSON and finite numbers.",
    build=_build,
    precondition="no row could be generated",
    declared=True,
    reuses_source=True,
)
