"""A field that the service does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, Spelling
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context

NAME = "ghmlops_unknown_field"


def _build(context: Context) -> FollowUp:
    ask = Ask(row=context.row, spelling=Spelling(extra=NAME))
    return FollowUp(ask=ask, expected=Expected.SAME, change=f"with the field {NAME}")


UNKNOWN_FIELD = Relation(
    id="unknown-field",
    claim="A field that the service does not know is ignored.",
    build=_build,
    precondition="no body is an object",
)
