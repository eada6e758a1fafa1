"""Temporary work trees of other commits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.worktree import worktree
from ghmlops.core.errors import GitError, InputError

if TYPE_CHECKING:
    from git_scene import Scene


def test_folder_contains_the_commit_and_is_removed(scene: Scene) -> None:
    """The files are those of the commit; afterwards folder and record are removed and the checkout is unchanged."""
    old = scene.tip()
    scene.work.commit("Newer", {"a.txt": "new\n"})
    (scene.work.folder / "a.txt").write_text("my edits\n")
    before = scene.work.state()
    with worktree(scene.work.folder, old, environ=scene.work.environ, temp=str(scene.home / "temp")) as folder:
        assert (folder / "a.txt").read_text().startswith("line 0\n")
        (folder / "log.txt").write_text("by a service\n")
    assert not folder.exists()
    assert list((scene.home / "temp").iterdir()) == []
    assert scene.work.state() == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_folder_is_removed_after_an_error(scene: Scene, error: type[BaseException]) -> None:
    """After an error or an interrupt inside the block, nothing is left."""
    before = scene.work.state()

    def fail_inside() -> None:
        with worktree(scene.work.folder, scene.tip(), environ=scene.work.environ, temp=str(scene.home / "temp")):
            raise error

    with pytest.raises(error):
        fail_inside()
    assert list((scene.home / "temp").iterdir()) == []
    assert scene.work.state() == before


def test_missing_commit_is_fetched_without_history(scene: Scene) -> None:
    """A commit that a shallow clone lacks is fetched with a depth of 1; the branch is not deepened."""
    base = scene.tip()
    for i in range(3):
        scene.work.commit(f"Later {i}", {"b.txt": f"{i}\n"})
    scene.work.push()
    scene.remote.git("config", "uploadpack.allowReachableSHA1InWant", "true")
    shallow = scene.clone("shallow", "--depth", "1")
    with worktree(shallow.folder, base, environ=shallow.environ) as folder:
        assert (folder / "b.txt").read_text() == "b\n"
    assert shallow.git("rev-list", "--count", "HEAD") == "1"


def test_complete_clone_stays_complete(scene: Scene) -> None:
    """Fetching a newer commit into a complete clone does not make it shallow."""
    stale = scene.clone("stale")
    newer = scene.work.commit("Newer", {"b.txt": "c\n"})
    scene.work.push()
    with worktree(stale.folder, newer, environ=stale.environ) as folder:
        assert (folder / "b.txt").read_text() == "c\n"
    assert stale.git("rev-parse", "--is-shallow-repository") == "false"


@pytest.mark.parametrize("name", ["main", "HEAD", "--detach", "abc1234", "../x", "A" * 40, "a" * 39])
def test_only_full_ids_are_accepted(scene: Scene, name: str) -> None:
    """Names, abbreviations and options are rejected without a call of git."""
    with (
        pytest.raises(InputError, match="full SHA"),
        worktree(scene.work.folder, name, environ=scene.work.environ),
    ):
        pass


def test_unknown_commit_is_reported(scene: Scene) -> None:
    """A full id that the remote does not have is a GitError whose hint names the remote."""
    with (
        pytest.raises(GitError, match="fetch") as caught,
        worktree(scene.work.folder, "e" * 40, environ=scene.work.environ),
    ):
        pass
    assert "origin" in caught.value.hint


def test_other_work_trees_keep_their_record(scene: Scene) -> None:
    """A work tree of the user whose folder is temporarily missing keeps its record."""
    scene.work.git("worktree", "add", "--quiet", "--detach", str(scene.home / "usb"))
    (scene.home / "usb").rename(scene.home / "unplugged")
    with worktree(scene.work.folder, scene.tip(), environ=scene.work.environ):
        pass
    assert str(scene.home / "usb") in scene.work.git("worktree", "list")


@pytest.mark.parametrize("with_folder", [True, False])
def test_the_next_run_removes_the_work_tree_of_a_killed_one(scene: Scene, *, with_folder: bool) -> None:
    """SIGKILL leaves a folder and git's record; both go, or the record alone if the folder is gone already."""
    before = scene.work.state()
    script = (
        "import os, signal, sys, pathlib\nfrom ghmlops.act.git.worktree import worktree\n"
        "with worktree(pathlib.Path(sys.argv[1]), sys.argv[2], environ=dict(os.environ), temp=sys.argv[3]):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    temp = scene.home / "temp"
    arguments = [str(scene.work.folder), scene.tip(), str(temp)]
    subprocess.run([sys.executable, "-c", script, *arguments], env=scene.work.environ, check=False)
    (left,) = temp.iterdir()
    if not with_folder:
        shutil.rmtree(left)
    with worktree(scene.work.folder, scene.tip(), environ=scene.work.environ, temp=str(temp)) as folder:
        assert list(temp.iterdir()) == [folder.parent]
    assert list(temp.iterdir()) == []
    assert scene.work.state() == before
