"""The state that the branch should have after a revert, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.comparison import ExpectedState, expected_state
from ghmlops.act.git.work import work_tree
from ghmlops.clients.git.client import open_repository
from git_scene import LINES

if TYPE_CHECKING:
    from git_scene import Scene


def expect(scene: Scene, base: str, last: str, tip: str) -> ExpectedState:
    """Return the expected state on `tip` after the revert of `base..last`."""
    git = open_repository(scene.work.folder, scene.work.environ)
    with work_tree(git, tip, str(scene.home / "temp")) as work:
        expected = expected_state(work, base, last)
        assert work.read("status", "--porcelain") == ""
    return expected


@pytest.mark.parametrize("later", [{}, {"later.txt": "l\n"}, {"a.txt": LINES.replace("line 3\n", "slower\n")}])
def test_differences_are_named_unless_later_work_explains_them(scene: Scene, later: dict[str, str | None]) -> None:
    """What the range left is named, whether there is later work, or even one that is in conflict with it."""
    git = open_repository(scene.work.folder, scene.work.environ)
    base = scene.tip()
    last = scene.work.commit("Bad", {"a.txt": LINES.replace("line 3\n", "slow\n"), "model.txt": "bad\n"})
    tip = scene.work.commit("Later", later)
    expected = expect(scene, base, last, tip)
    conflict = "a.txt" in later
    assert bool(expected.tree) != conflict
    assert expected.differences(git, tip) == (["model.txt"] if conflict else ["a.txt", "model.txt"])
    assert not expected.is_reached(git, tip)
    good = scene.work.commit("Good", {"model.txt": None, **({} if conflict else {"a.txt": LINES})})
    assert expected.differences(git, good) == []
    assert expected.is_reached(git, good) != conflict
