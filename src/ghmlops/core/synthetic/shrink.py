"""Shrinks a failing row: the least set of fields whose values make a passing row fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.rows.fields import fields_of, get, removed, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ghmlops.core.synthetic.rows.fields import Json


def differing(failing: Json, passing: Json) -> list[str]:
    """Return the paths in which two rows differ, in the order of the rows."""
    one, other = fields_of(failing), fields_of(passing)
    paths = dict.fromkeys((*one, *other))
    return [path for path in paths if path not in one or path not in other or not _same(one[path], other[path])]


def _same(one: Json, other: Json) -> bool:
    return type(one) is type(other) and one == other


def combined(passing: Json, failing: Json, paths: Sequence[str]) -> Json:
    """Return the passing row with the values of the failing one in some fields."""
    row = passing
    for path in paths:
        present, value = get(failing, path)
        row = replaced(row, path, value) if present else removed(row, path)
    return row


def minimal(paths: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return a 1-minimal subset for which `fails` holds: without any single element it does not hold.

    Finds one needed element after another by binary search for the shortest failing prefix, about log2(n) questions
    each, and then leaves out every element that a later one made superfluous.

    Source: the idea of Junker (2004), QuickXplain, AAAI; 1-minimality as of Zeller and Hildebrandt (2002), ddmin.

    Args:
        paths: a set for which `fails` holds.
        fails: whether a subset fails; it holds for the complete set, and not for the empty one.
    """
    needed: list[str] = []
    rest = list(paths)
    while rest and not (needed and fails(needed)):
        low, high = (
            0,
            len(rest),
        )  # The needed elements with the first `high` ones fail, with the first `low` they do not.
        while high - low > 1:
            middle = (low + high) // 2
            if fails([*needed, *rest[:middle]]):
                high = middle
            else:
                low = middle
        needed.append(rest[high - 1])
        rest = rest[: high - 1]
    for path in list(needed):
        fewer = [other for other in needed if other != path]
        if fewer and fails(fewer):
            needed = fewer
    return needed


def closest(answers: Mapping[frozenset[str], bool]) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return a subset that does not fail and a larger one that does, with the fewest elements between them.

    `minimal` halves the distance between two such subsets with every question, so that a search that ends early leaves
    a pair that differs little: after log2(n) questions in one element. Of equally close pairs the smallest is returned;
    `None` if there is none.

    Args:
        answers: subsets that were asked, and whether they fail.
    """
    pairs = [
        (less, more)
        for more, fails in answers.items()
        for less, other_fails in answers.items()
        if fails and not other_fails and less < more
    ]
    return min(pairs, key=lambda pair: (len(pair[1]) - len(pair[0]), len(pair[1])), default=None)
