"""The temporary folder of another commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.worktree import worktree
from ghmlops.core.errors import GitError, InputError

if TYPE_CHECKING:
    from git_scene import Scene


def test_the_folder_holds_that_commit_and_goes_away(scene: Scene) -> None:
    """The files are those of the commit; afterwards folder and record are gone, and the checkout is as it was."""
    old = scene.tip()
    scene.work.commit("Newer", {"a.txt": "new\n"})
    (scene.work.folder / "a.txt").write_text("my edits\n")
    before = scene.work.state()
    with worktree(scene.work.folder, old, environ=scene.work.environ, temp=str(scene.home / "temp")) as folder:
        assert (folder / "a.txt").read_text().startswith("line 0\n")
        (folder / "left behind.txt").write_text("by a service\n")
    assert not folder.exists()
    assert list((scene.home / "temp").iterdir()) == []
    assert scene.work.state() == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_it_goes_away_after_an_error(scene: Scene, error: type[BaseException]) -> None:
    """An error or an interrupt inside leaves nothing."""
    before = scene.work.state()

    def use() -> None:
        with worktree(scene.work.folder, scene.tip(), environ=scene.work.environ, temp=str(scene.home / "temp")):
            raise error

    with pytest.raises(error):
        use()
    assert list((scene.home / "temp").iterdir()) == []
    assert scene.work.state() == before


def test_a_missing_commit_is_fetched_without_history(scene: Scene) -> None:
    """In a shallow clone a base commit that is not there comes with a depth of 1; the branch is not deepened."""
    base = scene.tip()
    for i in range(3):
        scene.work.commit(f"Later {i}", {"b.txt": f"{i}\n"})
    scene.work.push()
    scene.remote.git("config", "uploadpack.allowReachableSHA1InWant", "true")
    shallow = scene.clone("shallow", "--depth", "1")
    with worktree(shallow.folder, base, environ=shallow.environ) as folder:
        assert (folder / "b.txt").read_text() == "b\n"
    assert shallow.git("rev-list", "--count", "HEAD") == "1"


def test_a_complete_clone_stays_complete(scene: Scene) -> None:
    """Fetching a newer commit into a complete clone does not make it shallow."""
    stale = scene.clone("stale")
    newer = scene.work.commit("Newer", {"b.txt": "c\n"})
    scene.work.push()
    with worktree(stale.folder, newer, environ=stale.environ) as folder:
        assert (folder / "b.txt").read_text() == "c\n"
    assert stale.git("rev-parse", "--is-shallow-repository") == "false"


@pytest.mark.parametrize("name", ["main", "HEAD", "--detach", "abc1234", "../x", "A" * 40, "a" * 39])
def test_only_full_ids_are_taken(scene: Scene, name: str) -> None:
    """A name, an abbreviation or an option is refused before git hears of it."""
    with (
        pytest.raises(InputError, match="full SHA"),
        worktree(scene.work.folder, name, environ=scene.work.environ),
    ):
        pass


def test_a_commit_that_nobody_has(scene: Scene) -> None:
    """A full id that the remote does not know is an error of git, with a hint."""
    with (
        pytest.raises(GitError, match="fetch") as caught,
        worktree(scene.work.folder, "e" * 40, environ=scene.work.environ),
    ):
        pass
    assert "origin" in caught.value.hint


def test_another_record_of_the_user_stays(scene: Scene) -> None:
    """A work tree of the user whose folder is away for the moment keeps its record."""
    scene.work.git("worktree", "add", "--quiet", "--detach", str(scene.home / "usb"))
    (scene.home / "usb").rename(scene.home / "unplugged")
    with worktree(scene.work.folder, scene.tip(), environ=scene.work.environ):
        pass
    assert str(scene.home / "usb") in scene.work.git("worktree", "list")
