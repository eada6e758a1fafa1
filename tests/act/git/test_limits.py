"""Limits of reverts without a person, on a real branch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git import open_repository
from ghmlops.act.git.limits import is_frozen
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.grounds import Grounds
from ghmlops.core.revert.limits import Limits

if TYPE_CHECKING:
    from git_scene import Scene

FREEZE = ".github/freeze"


def limits(count: int = 0) -> Limits:
    """Return limits with a freeze file and a number of reverts per day."""
    return Limits(freeze_file=FREEZE, max_per_day=count, now=datetime.now(UTC))


def bad_commit(scene: Scene, name: str = "a.txt") -> Grounds:
    """Push a commit, and return a failed verdict on it."""
    base = scene.tip()
    bad = scene.work.commit("Bad", {name: "bad\n"})
    scene.work.push()
    return Grounds(by_person=False, reason_code="accuracy", verdict_commit=bad, verdict_base=base)


def test_the_freeze_file_of_the_default_branch(scene: Scene) -> None:
    """It stops a revert on another branch, too; a person may revert, and without the file it goes on."""
    scene.work.git("push", "--quiet", "origin", "main:release")
    scene.work.commit("Freeze", {FREEZE: "release week\n"})
    scene.work.push()
    grounds = bad_commit(scene)
    for branch in ("", "release"):
        if branch:
            scene.work.git("push", "--quiet", "--force", "origin", f"{grounds.verdict_commit}:release")
            scene.work.commit("Change", {"b.txt": "b\n"})
            scene.work.push()
        with pytest.raises(NeedsPerson) as caught:
            scene.revert(grounds.verdict_commit, grounds=grounds, branch=branch, limits=limits())
        assert caught.value.reason_code == "reverts-frozen"
    person = Grounds(by_person=True, reason="slow")
    assert scene.revert(grounds.verdict_commit, grounds=person, limits=limits(), dry_run=True).state == "planned"
    scene.work.commit("Thaw", {FREEZE: None})
    scene.work.push()
    assert scene.revert(grounds.verdict_commit, grounds=grounds, limits=limits()).state == "reverted"


def test_the_number_of_reverts_per_day(scene: Scene) -> None:
    """The reverts on the branch are counted, and the next one beyond the number needs a person."""
    first = bad_commit(scene)
    assert scene.revert(first.verdict_commit, grounds=first, limits=limits(1), run_url="u/1").state == "reverted"
    scene.work.git("pull", "--quiet", "--ff-only", "origin", "main")
    second = bad_commit(scene, "b.txt")
    tip = scene.tip()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(second.verdict_commit, grounds=second, limits=limits(1))
    assert (caught.value.reason_code, scene.tip()) == ("revert-cap", tip)
    assert scene.revert(second.verdict_commit, grounds=second, limits=limits(2)).state == "reverted"


def test_the_remote_says_now_whether_it_is_frozen(scene: Scene) -> None:
    """Whatever the checkout shows, and whichever branch it is on."""
    git = open_repository(scene.work.folder, scene.work.environ)
    other = scene.clone("other", "--branch", "main")
    contents: tuple[tuple[str | None, bool], ...] = (("release week\n", True), (None, False))
    for content, expected in contents:
        other.commit("Freeze or thaw", {FREEZE: content})
        other.push()
        assert is_frozen(git, remote="origin", token="", file=FREEZE) is expected
