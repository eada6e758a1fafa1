"""Judges every place: does the candidate answer otherwise than the baseline's own noise explains?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.answers.constants import LEVEL_SHARE
from ghmlops.core.stats.binomial import odd_one_out_p
from ghmlops.core.stats.multiplicity import holm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.answers.tally import Example, PlaceCount, Tally
    from ghmlops.core.answers.walk import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceVerdict:
    """The verdict on one place of one endpoint.

    Attributes:
        endpoint: the endpoint.
        place: path and aspect.
        n: rows that were compared.
        candidate_rows: rows on which candidate and baseline differ.
        twin_rows: rows on which twin and baseline differ: the noise.
        odd_candidate: rows on which the candidate is the odd one, at the tolerance of the smaller p-value.
        odd_others: rows on which baseline or twin is the odd one, at the same tolerance.
        tolerance: the learned tolerance of the place.
        p: p-value of this place alone.
        adjusted: p-value after Holm's correction over all places.
        proven: whether the test proves a change.
        quiet: whether neither baseline nor twin is ever the odd one beyond the tolerance, so that a single row counts.
        examples: rows on which the candidate is the odd one.
    """

    endpoint: str
    place: Place
    n: int
    candidate_rows: int
    twin_rows: int
    odd_candidate: int
    odd_others: int
    tolerance: float
    p: float
    adjusted: float
    proven: bool
    quiet: bool
    examples: tuple[Example, ...]

    @property
    def excess(self) -> float:
        """Proportion of rows that changed beyond the noise: odd rows of the candidate minus those of another arm."""
        return max(0.0, (self.odd_candidate - self.odd_others / 2) / self.n) if self.n else 0.0


def judge_places(tallies: Mapping[str, Tally], alpha: float) -> list[PlaceVerdict]:
    """Return the verdict on each place with a difference, smallest p-value first.

    Args:
        tallies: counts by endpoint.
        alpha: probability of any false proof over all places of all endpoints.
    """
    keys = [(endpoint, place) for endpoint, tally in tallies.items() for place in tally.places]
    if not keys:
        return []
    counts = [tallies[endpoint].places[place] for endpoint, place in keys]
    choices = [_test(count) for count in counts]
    adjusted = holm(np.array([p for p, _, _ in choices]))
    verdicts = [
        _verdict(key, tallies[key[0]].n, count, choice, (float(level), alpha))
        for key, count, choice, level in zip(keys, counts, choices, adjusted, strict=True)
    ]
    return sorted(verdicts, key=lambda v: (v.p, v.endpoint, v.place))


def _verdict(
    key: tuple[str, Place], n: int, count: PlaceCount, choice: tuple[float, int, int], level: tuple[float, float]
) -> PlaceVerdict:
    p, odd_candidate, odd_others = choice
    adjusted, alpha = level
    return PlaceVerdict(
        endpoint=key[0],
        place=key[1],
        n=n,
        candidate_rows=count.candidate_rows,
        twin_rows=count.twin_rows,
        odd_candidate=odd_candidate,
        odd_others=odd_others,
        tolerance=count.tolerance,
        p=p,
        adjusted=adjusted,
        proven=adjusted <= alpha,
        quiet=sum(count.odd_beyond_noise()[:2]) == 0,
        examples=tuple(count.examples),
    )


def _test(count: PlaceCount) -> tuple[float, int, int]:
    """Return p-value, and odd rows of the candidate and of the others at the tolerance that gives it.

    With noise of continuous size, a second test at the learned tolerance shares the error probability.
    """
    exact = (count.odd[2], count.odd[0] + count.odd[1])
    if count.tolerance == 0:
        return odd_one_out_p(*exact), *exact
    baseline, twin, candidate = count.odd_beyond_noise()
    coarse = (candidate, baseline + twin)
    levels = [
        (min(1.0, odd_one_out_p(*exact) / LEVEL_SHARE), *exact),
        (min(1.0, odd_one_out_p(*coarse) / (1 - LEVEL_SHARE)), *coarse),
    ]
    return min(levels)
