"""The line that a branch followed through merges: first parents, foxtrot merges, and what is not determined."""

from __future__ import annotations

import pytest

from ghmlops.core.revert.mainline import Step, followed_parent, mainline_path

GRAPHS: dict[str, dict[str, list[str]]] = {
    "linear": {"c": ["b"], "b": ["a"], "a": ["base"]},
    "merge": {"m": ["base", "f"]},
    "foxtrot": {"m": ["f", "base"]},
    "foxtrot-then-work": {"n": ["m"], "m": ["f", "base"]},
    "octopus": {"m": ["x", "y", "base", "z"]},
    "both-contain-base": {"m": ["a", "f"], "a": ["base"], "f": ["base"]},
    "merge-of-merge": {"m2": ["m1", "g"], "m1": ["f", "base"]},
    "criss-cross": {"n": ["p", "q"], "p": ["base", "x"], "q": ["x", "base"]},
    "base-merged-twice": {"m": ["f2", "base"], "f2": ["m1"], "m1": ["f1", "base"]},
}


@pytest.mark.parametrize(
    ("name", "last", "expected"),
    [
        ("linear", "c", [("c", 1), ("b", 1), ("a", 1)]),
        ("merge", "m", [("m", 1)]),
        ("foxtrot", "m", [("m", 2)]),
        ("foxtrot-then-work", "n", [("n", 1), ("m", 2)]),
        ("octopus", "m", [("m", 3)]),
        ("both-contain-base", "m", [("m", 1), ("a", 1)]),
        ("merge-of-merge", "m2", [("m2", 1), ("m1", 2)]),
        ("criss-cross", "n", [("n", 1), ("p", 1)]),
        ("base-merged-twice", "m", [("m", 2)]),
        ("linear", "base", []),
        ("linear", "unrelated", []),
    ],
)
def test_path_leads_to_the_base(name: str, last: str, expected: list[tuple[str, int]]) -> None:
    """Each step names a parent that leads to the base, and the last step reaches it."""
    graph = GRAPHS[name]
    path = mainline_path(graph, last, "base")
    assert path == [Step(sha=sha, parent=parent) for sha, parent in expected]
    states = [last, *(graph[step.sha][step.parent - 1] for step in path)]
    assert states[:-1] == [step.sha for step in path]
    assert not path or states[-1] == "base"


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"m": ["base", "f"]}, 1),
        ({"m": ["f", "base"]}, 2),
        ({"m": ["x", "y", "base"]}, 3),
        ({"m": ["f", "a"], "a": ["base"]}, 2),
        ({"m": ["a", "f"], "a": ["base"], "f": ["base"]}, 1),
        ({"m": ["a", "f"], "a": ["x", "base"], "f": ["base"]}, 0),
        ({"m": ["x", "y"]}, 0),
        ({}, 0),
    ],
)
def test_followed_parent_is_certain_or_unknown(graph: dict[str, list[str]], expected: int) -> None:
    """The parent that was the tip or leads to it counts; if several lead to it by merges, none does."""
    assert followed_parent(graph, "m", "base") == expected
