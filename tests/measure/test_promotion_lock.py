"""Reading who holds the lock of a promotion, on a real remote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.lock_branch import release_lock, take_lock
from ghmlops.clients.git.client import open_repository
from ghmlops.core.errors import GitError
from ghmlops.core.history.lock import Holder, Lock
from ghmlops.measure.promotion_lock import read_lock
from git_scene import Scene, make_scene

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = Holder(run_id="7", commit="a" * 40, since="2026-11-29T10:00:00+00:00")


def lock_of(scene: Scene, environment: str = "production") -> Lock | None:
    """Return the lock of the service in an environment."""
    work = scene.work
    return read_lock(work.folder, work.environ, "shop", environment, remote="origin", token="")


def test_a_lock_is_read_and_not_changed(tmp_path: Path) -> None:
    """There is none before the branch exists, in another environment, and after its release."""
    scene = make_scene(tmp_path)
    git = open_repository(scene.work.folder, scene.work.environ)
    assert lock_of(scene) is None
    take_lock(
        git,
        Lock(service="shop", environment="production", holder=HOLDER),
        now=datetime(2026, 11, 29, 10, tzinfo=UTC),
        max_age=3600.0,
        has_ended=lambda _: False,
        remote="origin",
        token="",
        note=lambda _: None,
    )
    tip = scene.tip("ghmlops-locks")
    lock = lock_of(scene)
    assert lock is not None
    assert lock.holder == HOLDER
    assert lock_of(scene, "staging") is None
    assert scene.tip("ghmlops-locks") == tip
    release_lock(git, "shop", "production", HOLDER, remote="origin", token="", note=lambda _: None)
    assert lock_of(scene) is None


def test_a_remote_that_cannot_be_reached(tmp_path: Path) -> None:
    """Whether there is a lock is not known."""
    scene = make_scene(tmp_path)
    scene.work.git("remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(GitError):
        lock_of(scene)
