"""The line that a branch followed through merges, which need not be that of first parents. Pure.

A merge is reverted to the parent that the branch followed. If somebody merged the branch into a topic and pushed the
result to the branch ("foxtrot merge"), that is not the first parent: going back to the first one would take away the
commits of everybody else. Which parent the branch followed shows only a commit that is known to have been its tip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit to revert, and the parent whose state the revert restores."""

    sha: str
    parent: int = 1
    """Number of the parent, from 1, as git counts."""


def mainline_path(graph: Mapping[str, Sequence[str]], last: str, base: str) -> list[Step]:
    """Return the steps from `last` back to `base`, newest first; none if `last` does not descend from `base`.

    Each step leads to the state of its parent, so all steps together lead to the state of `base`, whichever line of
    several is taken. The first parents are followed if they lead to `base`.

    Args:
        graph: The commits that descend from `base` and are `last` or its ancestors, each with all of its parents.
        last: The newest commit.
        base: The commit that the branch had before.
    """
    first_parents = _walk(graph, last, base, first_parents_only=True)
    return first_parents or _walk(graph, last, base, first_parents_only=False)


def followed_parent(graph: Mapping[str, Sequence[str]], merge: str, tip_before: str) -> int:
    """Return the number of the parent of `merge` that the branch followed, from 1; 0 if it is not determined.

    Args:
        graph: The commits that descend from `tip_before` and are `merge` or its ancestors, with all of their parents.
        merge: A merge commit.
        tip_before: An earlier tip of the branch.
    """
    parents = graph.get(merge, ())
    candidates = [parent for parent in parents if parent == tip_before or parent in graph]
    if tip_before in candidates:
        return parents.index(tip_before) + 1
    if len(candidates) == 1:
        return parents.index(candidates[0]) + 1
    return 1 if _walk(graph, merge, tip_before, first_parents_only=True) else 0


def _walk(graph: Mapping[str, Sequence[str]], last: str, base: str, *, first_parents_only: bool) -> list[Step]:
    steps: list[Step] = []
    current = last
    while current != base:
        parents = graph.get(current, ())
        candidates = [parent for parent in parents if parent == base or parent in graph]
        if not candidates or (first_parents_only and candidates[0] != parents[0]):
            return []
        parent = base if base in candidates and not first_parents_only else candidates[0]
        steps.append(Step(sha=current, parent=parents.index(parent) + 1))
        current = parent
    return steps
