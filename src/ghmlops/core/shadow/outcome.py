"""What a run has shown: the verdict on each place, single changes proven by re-asking, and which of them may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.answers.walk import Aspect, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.answers.places import PlaceVerdict
    from ghmlops.core.policy.before_traffic.shadow import Shadow
    from ghmlops.core.shadow.comparison import Comparison


class Question(NamedTuple):
    """A row that is asked again, and the place that counts."""

    endpoint: str
    row: int
    place: Place


class Proof(NamedTuple):
    """What asking again has shown: the question, how often each arm was asked, and whether the change is proven."""

    question: Question
    repetitions: int
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that has ended.

    Attributes:
        policy: the section `shadow`.
        comparison: the comparison of all requests.
        verdicts: the verdict on each place.
        proofs: what asking again has shown.
        repeatable: whether the caller repeats a failure on restarted services, so that noise which is constant within a
            process is distinguished from a change.
        places: for a run that repeats a failed one, the places that failed; `None` for any other run.
        quotes: whether examples may quote answers.
        slower_fails: whether a candidate that answers more slowly may fail; a run that repeats a failed one only judges
            what failed.
    """

    policy: Shadow
    comparison: Comparison
    verdicts: Sequence[PlaceVerdict]
    proofs: Sequence[Proof] = ()
    repeatable: bool = False
    places: frozenset[tuple[str, Place]] | None = None
    quotes: bool = False
    slower_fails: bool = True

    def blocks(self, endpoint: str, place: Place) -> bool:
        """Return whether a proven change at this place fails.

        A new model may change values and orders; shape and errors are what callers rely on in any case.
        """
        if self.places is not None and (endpoint, place) not in self.places:
            return False
        return self.policy.expect == "same" or place.aspect is Aspect.SHAPE

    @property
    def two_logs(self) -> bool:
        """Whether the answers are those of two logs, so that nothing measures the noise of the live service."""
        return self.policy.access_logs is not None and not self.policy.twin

    @property
    def proven_rows(self) -> list[Question]:
        """Rows whose change was proven by asking again."""
        return [proof.question for proof in self.proofs if proof.proven]


def may_block(policy: Shadow, place: Place) -> bool:
    """Return whether a change at a place could fail, so that asking again is worth the requests."""
    return policy.expect == "same" or place.aspect is Aspect.SHAPE
