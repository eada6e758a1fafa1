"""Counts, per place, on which rows the answer of which arm is the odd one. Memory grows with places, not with rows.

Three arms answer each request: the baseline, its twin (the same code) and the candidate. The odd arm of a row is the
one that the closest two arms leave out. Every number that a test uses is symmetric in the arms, the learned tolerance
too: it is the largest distance of a closest pair, that is of the noise that all arms share. If the candidate behaves
like the baseline, each arm is therefore the odd one with probability 1/3, whatever the noise is.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ghmlops.core.answers.walk import Aspect, Difference, Differences, Place

MAX_PLACES = 2_000
"""Number of places per endpoint from which on further fields are counted together at their parent (`$.scores.*`), so
that objects with changing field names (ids as keys) need bounded memory."""
MAX_EXAMPLES = 8
"""Rows per place that are kept as examples and to be asked again."""
_BINS_PER_OCTAVE = 4
"""Distances are binned in steps of 2^(1/4): the learned tolerance is exact to 19 %."""
_ZERO, _INFINITE = -(10**6), 10**6
_EQUAL = Difference(0.0, "", "")
BASELINE, TWIN, CANDIDATE = 0, 1, 2


class Example(NamedTuple):
    """A row on which the candidate is the odd one: its number, and the answer of baseline and candidate as text."""

    row: int
    baseline: str
    candidate: str


@dataclass(slots=True)
class PlaceCount:
    """Counts of one place.

    Attributes:
        odd: rows on which baseline, twin and candidate are the odd one although the other two are equal.
        beyond: for each arm, the number of rows on which it is the odd one, by bin of its distance to the nearer other.
        noise: largest bin of the distance of a closest pair.
        candidate_rows: rows on which candidate and baseline differ at all.
        twin_rows: rows on which twin and baseline differ at all.
        examples: first rows on which the candidate is the odd one beyond the noise until then.
    """

    odd: list[int] = field(default_factory=lambda: [0, 0, 0])
    beyond: tuple[Counter[int], Counter[int], Counter[int]] = field(
        default_factory=lambda: (Counter(), Counter(), Counter())
    )
    noise: int = _ZERO
    candidate_rows: int = 0
    twin_rows: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def tolerance(self) -> float:
        """Learned tolerance: distances up to this one are noise of the baseline's own code; 0 without such noise."""
        return 0.0 if self.noise == _ZERO else 2.0 ** ((self.noise + 1) / _BINS_PER_OCTAVE)

    def odd_beyond_noise(self) -> tuple[int, int, int]:
        """Return the number of rows on which each arm is the odd one by more than the learned tolerance."""
        baseline, twin, candidate = (sum(n for bin_, n in c.items() if bin_ > self.noise) for c in self.beyond)
        return baseline, twin, candidate

    def add(self, candidate: Difference, twin: Difference, between: Difference, row: int) -> int | None:
        """Add a row; return its odd arm, if that is beyond the noise until then.

        Args:
            candidate: difference of baseline and candidate.
            twin: difference of baseline and twin.
            between: difference of candidate and twin.
            row: number of the row.
        """
        self.candidate_rows += candidate.distance > 0
        self.twin_rows += twin.distance > 0
        # The closest pair leaves out one arm: baseline and twin leave out the candidate, and so on.
        pairs = sorted(
            ((twin.distance, CANDIDATE), (candidate.distance, TWIN), (between.distance, BASELINE)), key=lambda p: p[0]
        )
        (closest, arm), (second, _) = pairs[0], pairs[1]
        if closest == math.inf:
            return None
        self.noise = max(self.noise, _bin(closest))
        if closest == second:
            return None
        far = _bin(second)
        self.beyond[arm][far] += 1
        if closest == 0:
            self.odd[arm] += 1
        if far <= self.noise:
            return None
        if arm == CANDIDATE and len(self.examples) < MAX_EXAMPLES:
            self.examples.append(Example(row, candidate.left, candidate.right))
        return arm


@dataclass(slots=True)
class Tally:
    """Counts of the rows of one endpoint.

    Attributes:
        n: rows that were compared.
        equal: of these, rows on which candidate and baseline answered the same.
        places: counts by place; a place without any difference is absent.
        odd_rows: rows with at least one place at which the candidate is the odd one and none at which the twin is; and
            the reverse. Places of the order of a list do not count.
    """

    n: int = 0
    equal: int = 0
    places: dict[Place, PlaceCount] = field(default_factory=dict)
    odd_rows: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, row: int, candidate: Differences, twin: Differences, between: Differences) -> None:
        """Add a row.

        Args:
            row: number of the row, for examples.
            candidate: differences of baseline and candidate.
            twin: differences of baseline and twin.
            between: differences of candidate and twin.
        """
        self.n += 1
        self.equal += not candidate
        if not (candidate or twin):
            return
        odd: set[int] = set()
        for place in sorted(candidate.keys() | twin.keys()):
            arm = self._count(place).add(
                candidate.get(place, _EQUAL), twin.get(place, _EQUAL), between.get(place, _EQUAL), row
            )
            if arm is not None and place.aspect is not Aspect.ORDER:
                odd.add(arm)
        self.odd_rows[0] += CANDIDATE in odd and TWIN not in odd
        self.odd_rows[1] += TWIN in odd and CANDIDATE not in odd

    def add_equal(self, rows: int = 1) -> None:
        """Add rows on which all three answers are equal."""
        self.n += rows
        self.equal += rows

    def _count(self, place: Place) -> PlaceCount:
        if place not in self.places and len(self.places) >= MAX_PLACES:
            place = Place(_parent(place.path), place.aspect)
        return self.places.setdefault(place, PlaceCount())


def _parent(path: str) -> str:
    """Return the path of the parent of a field with `.*`; at the top `$.*`. The number of parents is bounded, too."""
    head = path[: path.rindex("[")] if path.endswith('"]') else path.rpartition(".")[0]
    return f"{head or '$'}.*" if len(head) < 64 and head.count(".") < 2 else "$.*"


def _bin(distance: float) -> int:
    if distance == 0:
        return _ZERO
    if distance == math.inf:
        return _INFINITE
    return math.floor(math.log2(distance) * _BINS_PER_OCTAVE)
