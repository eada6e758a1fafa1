"""The keys of all objects in the opposite order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, Spelling
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    ask = Ask(row=context.row, spelling=Spelling(reverse_keys=True))
    return FollowUp(ask=ask, expected=Expected.SAME, change="keys in the opposite order")


KEY_ORDER = Relation(
    id="key-order",
    claim="The order of the keys of a JSON object does not matter.",
    build=_build,
    precondition="no body has an object with two keys",
)
