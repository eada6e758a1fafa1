"""Proof of a single changed answer: the same request is asked again several times per arm, in random order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.answers.constants import MAX_QUESTIONS, REASK_ALPHA, ROWS_PER_PLACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.answers.places import PlaceVerdict
    from ghmlops.core.answers.walk import Place, Scalar

_MAX_REPETITIONS = 64


def repetitions(questions: int, alpha: float = REASK_ALPHA) -> int:
    """Return how often each arm is asked again: the least r with 2 / C(2r, r) <= alpha / questions.

    If the same code is behind both arms, every order of the 2r answers is equally likely, and two of the C(2r, r)
    assignments to the arms separate them completely.

    Args:
        questions: pairs of row and place that are asked again; each may prove a change.
        alpha: probability of any false proof.
    """
    for r in range(1, _MAX_REPETITIONS):
        if 2 / math.comb(2 * r, r) <= alpha / max(questions, 1):
            return r
    return _MAX_REPETITIONS


def separated(first: Sequence[Scalar], second: Sequence[Scalar]) -> bool:
    """Return whether the answers of two arms are completely separated.

    Numbers are separated if all of one arm are smaller than all of the other; other values if each arm always gave the
    same one. Merely disjoint sets are not enough: two sequences of random identifiers are always disjoint.
    """
    if not first or not second:
        return False
    if all(_is_number(value) for value in (*first, *second)):
        one, other = [float(v) for v in first if v is not None], [float(v) for v in second if v is not None]
        return max(one) < min(other) or max(other) < min(one)
    kinds = {(type(value), value) for value in first}, {(type(value), value) for value in second}
    return len(kinds[0]) == len(kinds[1]) == 1 and kinds[0] != kinds[1]


def proven(baseline: Sequence[Scalar], twin: Sequence[Scalar], candidate: Sequence[Scalar]) -> bool:
    """Return whether the candidate is separated from the baseline and from its twin, which are not from each other.

    A value that is constant within a process (the name of a host) separates the twin too, and proves nothing.
    """
    return separated(baseline, candidate) and separated(twin, candidate) and not separated(baseline, twin)


def choose_questions(verdicts: Sequence[PlaceVerdict], maximum: int = MAX_QUESTIONS) -> list[tuple[str, int, Place]]:
    """Return endpoint, row and place of what is asked again: quiet places that no test has proven.

    At a place where the baseline's own code is the odd one at times, a single row proves nothing: the noise may be
    constant within a process, and asking that process again repeats it.

    Args:
        verdicts: the verdict on each place.
        maximum: number of questions.
    """
    open_places = [v for v in verdicts if v.quiet and not v.proven and v.examples]
    questions: list[tuple[str, int, Place]] = []
    for turn in range(ROWS_PER_PLACE):
        questions += [(v.endpoint, v.examples[turn].row, v.place) for v in open_places if turn < len(v.examples)]
    return questions[:maximum]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
