"""What a relation is: it builds the changed request of a row, and says what must hold of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.synthetic.ask import FollowUp
    from ghmlops.core.synthetic.rows.fields import Json
    from ghmlops.core.synthetic.rows.profile import Profile
    from ghmlops.core.synthetic.rows.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a relation may use.

    Attributes:
        row: the generated row.
        index: number of the row in the run, for variants in turn.
        others: further generated rows.
        profile: profile of the payloads.
        policy: section of the policy.
        stream: random numbers of this row and relation.
        first: whether the row is one of the first requests of the run.
    """

    row: Json
    index: int
    others: Sequence[Json]
    profile: Profile
    policy: Synthetic
    stream: Stream
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A metamorphic relation.

    Attributes:
        id: its name in the policy and, after `synthetic-`, in findings.
        claim: what must hold, one sentence.
        build: returns the changed request of a row; `None` if the relation does not apply to the row.
        precondition: why it was not measured if it applied to no row.
        declared: whether somebody declared it, so that a violation counts without a baseline, too.
        repeatable: whether a question can be asked again; the first request of a process cannot.
        reuses_source: whether the changed request is the unchanged one, whose answer is there already.
        reasks_all: whether every violation is asked again, not only the first ones.
        against_baseline: whether the source request goes to the baseline, whichever arm is judged.
    """

    id: str
    claim: str
    build: Callable[[Context], FollowUp | None]
    precondition: str
    declared: bool = False
    repeatable: bool = True
    reuses_source: bool = False
    reasks_all: bool = False
    against_baseline: bool = False
