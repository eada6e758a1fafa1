"""The answer of the baseline to the same row (`expect: same`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp:
    return FollowUp(ask=Ask(row=context.row), expected=Expected.SAME, change="compared with the baseline")


SAME_AS_BASELINE = Relation(
    id="same-as-baseline",
    claim="A generated row has the baseline's answer.",
    build=_build,
    precondition="the baseline answered no generated row",
    declared=True,
    against_baseline=True,
)
