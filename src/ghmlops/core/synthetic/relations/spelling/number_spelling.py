"""Numbers in other spellings: 1, 1.0 and 1e0 are the same JSON number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp, Numbers, Spelling
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    numbers, example = ((Numbers.DECIMAL, "1.0"), (Numbers.EXPONENT, "1e0"))[context.index % 2]
    ask = Ask(row=context.row, spelling=Spelling(numbers=numbers))
    return FollowUp(ask=ask, expected=Expected.SAME, change=f"numbers written as {example}")


NUMBER_SPELLING = Relation(
    id="number-spelling",
    claim="The spelling of a number (1, 1.0, 1e0) does not matter.",
    build=_build,
    precondition="no body has a number",
)
