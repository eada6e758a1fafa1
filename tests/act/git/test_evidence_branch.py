"""Evidence on a branch: written once, by compare and swap, beside whatever other runs push."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.branch_update import Stored
from ghmlops.act.git.evidence_branch import store
from ghmlops.clients.git.client import open_repository
from ghmlops.core.errors import GitError, InputError

if TYPE_CHECKING:
    from git_sandbox import Repo
    from git_scene import Scene

BRANCH = "ghmlops-evidence"


def put(scene: Scene, files: dict[str, bytes], repo: Repo | None = None) -> Stored:
    """Store files from a clone."""
    repo = repo or scene.work
    git = open_repository(repo.folder, repo.environ)
    return store(git, files, remote="origin", branch=BRANCH, token="", message="m", note=scene.notes.append)


def names(scene: Scene) -> list[str]:
    return scene.remote.git("ls-tree", "-r", "--name-only", BRANCH).split()


def test_the_branch_is_created_and_grows(scene: Scene) -> None:
    """The first commit has no parent, the second has one; the user's work tree, index and references do not change."""
    before = scene.work.state()
    first = put(scene, {"runs/1/1/a.json": b"{}\n"})
    second = put(scene, {"runs/2/1/a.json": b"{}\n", "runs/2/1/eu/b.json": b"\xff\x00"})
    assert (first.added, second.added) == (1, 2)
    assert scene.remote.git("rev-list", "--count", BRANCH) == "2"
    assert names(scene) == ["runs/1/1/a.json", "runs/2/1/a.json", "runs/2/1/eu/b.json"]
    assert scene.remote.git("cat-file", "-s", f"{BRANCH}:runs/2/1/eu/b.json") == "2"
    assert scene.remote.git("log", "-1", "--format=%an", BRANCH) == "github-actions[bot]"
    assert scene.work.state() == before
    assert scene.work.git("for-each-ref", "refs/ghmlops/") == ""


def test_a_path_is_written_once(scene: Scene) -> None:
    """The same content again adds nothing; another content is refused, and nothing of the rest is stored."""
    put(scene, {"runs/1/1/a.json": b"good"})
    assert put(scene, {"runs/1/1/a.json": b"good"}).added == 0
    with pytest.raises(InputError, match=r"runs/1/1/a\.json"):
        put(scene, {"runs/1/1/a.json": b"forged", "runs/1/1/b.json": b"x"})
    assert names(scene) == ["runs/1/1/a.json"]
    assert scene.remote.git("show", f"{BRANCH}:runs/1/1/a.json") == "good"


def test_writers_at_the_same_time_lose_nothing(scene: Scene) -> None:
    """Four jobs push three times each to a branch that does not exist yet: every file is there, in one line."""
    clones = [scene.clone(f"job-{number}") for number in range(4)]

    def write(number: int) -> None:
        for turn in range(3):
            put(scene, {f"runs/{number + 1}/{turn + 1}/a.json": b"x"}, clones[number])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(scene)) == 12
    assert scene.remote.git("rev-list", "--count", BRANCH) == "12"
    assert scene.remote.git("rev-list", "--count", "--merges", BRANCH) == "0"


def test_a_branch_that_is_protected_is_an_error(scene: Scene) -> None:
    """The remote's own words, and nothing is left."""
    hook = scene.remote.folder / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: GH006: protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="GH006"):
        put(scene, {"runs/1/1/a.json": b"x"})
    assert scene.work.git("for-each-ref", "refs/ghmlops/") == ""


def test_old_runs_leave_the_branch(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence of the newest runs stays."""
    monkeypatch.setattr("ghmlops.core.evidence.stored.superseded_runs.__defaults__", (2,))
    for run in (1, 2, 3):
        put(scene, {f"runs/{run}/1/a.json": b"x"})
    assert names(scene) == ["runs/2/1/a.json", "runs/3/1/a.json"]
