"""The lock on a branch: one holder at a time, taken over if it was left behind, and an audit in the commits."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.lock_branch import release_lock, take_lock
from ghmlops.clients.git.client import open_repository
from ghmlops.core.errors import GitError, NeedsPerson, PermissionMissing
from ghmlops.core.history.lock import BRANCH, Holder, Lock, decode_lock, lock_path
from git_http import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_http import HttpRemote
    from git_sandbox import Repo
    from git_scene import Scene

TOKEN = "ghs_0123456789abcdefghij"
HEADER = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PATH = lock_path("shop", "production")


@pytest.fixture
def web(scene: Scene) -> Iterator[HttpRemote]:
    """The remote over HTTP; it requires a token."""
    scene.remote.git("config", "http.receivepack", "true")
    with serving(scene.remote.folder.parent, HEADER) as server:
        scene.work.git("remote", "set-url", "origin", f"{server.url}/{scene.remote.folder.name}")
        yield server


def holder(run_id: str, attempt: int = 1, age: float = 60.0) -> Holder:
    """Return a run that asks for the lock, or took it, `age` seconds ago."""
    return Holder(
        run_id=run_id,
        run_attempt=attempt,
        commit="a" * 40,
        since=(NOW - timedelta(seconds=age)).isoformat(),
        person="ada",
    )


def take(
    scene: Scene,
    own: Holder,
    *,
    environment: str = "production",
    has_ended: Callable[[Holder], bool] = lambda _: False,
    repo: Repo | None = None,
) -> int:
    """Take the lock of the service `shop`; return the number of new files."""
    repo = repo or scene.work
    return take_lock(
        open_repository(repo.folder, repo.environ),
        Lock(service="shop", environment=environment, holder=own),
        now=NOW,
        max_age=3600,
        has_ended=has_ended,
        remote="origin",
        token=TOKEN,
        note=scene.notes.append,
    ).added


def release(scene: Scene, own: Holder) -> bool:
    """Release the lock of production."""
    git = open_repository(scene.work.folder, scene.work.environ)
    return release_lock(git, "shop", "production", own, remote="origin", token=TOKEN, note=scene.notes.append)


def present(scene: Scene) -> Lock:
    """Return the lock on the remote."""
    return decode_lock(scene.remote.git("show", f"{BRANCH}:{PATH}").encode())


def test_one_run_holds_the_lock_until_it_releases_it(scene: Scene, web: HttpRemote) -> None:
    """Another run is refused, another environment is free, and the clone does not change."""
    before = scene.work.state()
    assert take(scene, holder("1")) == 1
    assert take(scene, holder("1")) == 0
    with pytest.raises(NeedsPerson) as caught:
        take(scene, holder("2"))
    assert (caught.value.reason_code, "ada" in caught.value.message) == ("locked", True)
    assert take(scene, holder("2"), environment="staging") == 1
    assert not release(scene, holder("2"))
    assert present(scene).holder.run_id == "1"
    assert release(scene, holder("1"))
    assert not release(scene, holder("1"))
    assert take(scene, holder("2")) == 1
    assert scene.work.state() == before
    assert web.requests


def test_the_commits_are_the_audit(scene: Scene, web: HttpRemote) -> None:
    """Each change is one commit that names the run; a lock that was taken over names both."""
    take(scene, holder("1", age=7200))
    take(scene, holder("2"))
    release(scene, holder("2", attempt=2))
    subjects = scene.remote.git("log", "--reverse", "--format=%s", BRANCH).splitlines()
    words = [(line.split()[0], line.split(" run ")[1]) for line in subjects]
    assert words == [("Take", "1, attempt 1"), ("Take", "2, attempt 1"), ("Release", "2, attempt 2")]
    second = decode_lock(scene.remote.git("show", f"{BRANCH}~1:{PATH}").encode())
    assert second.taken_over_from is not None
    assert (second.holder.run_id, second.taken_over_from.run_id) == ("2", "1")
    assert web.requests


def test_a_lock_that_was_left_behind_is_taken_over(scene: Scene, web: HttpRemote) -> None:
    """By age, by a later attempt of its run, or because GitHub says that its run ended; not otherwise."""
    take(scene, holder("1", age=3601))
    take(scene, holder("2"))
    take(scene, holder("2", attempt=2))
    with pytest.raises(NeedsPerson):
        take(scene, holder("2", attempt=1))
    holders: list[Holder] = []
    take(scene, holder("3"), has_ended=lambda other: not holders.append(other))  # type: ignore[func-returns-value]
    assert [other.run_id for other in holders] == ["2"]
    assert present(scene).holder.run_id == "3"
    assert web.requests


def test_of_several_runs_at_the_same_time_one_has_the_lock(scene: Scene, web: HttpRemote) -> None:
    """Six runs ask at once: one takes it, five are refused, and the branch has one commit."""
    clones = [scene.clone(f"job-{number}") for number in range(6)]
    for clone in clones:
        clone.git("remote", "set-url", "origin", f"{web.url}/{scene.remote.folder.name}")
    results: list[str] = []

    def ask(number: int) -> None:
        try:
            take(scene, holder(str(number)), repo=clones[number])
            results.append("taken")
        except NeedsPerson as error:
            results.append(error.reason_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["locked"] * 5 + ["taken"]
    assert scene.remote.git("rev-list", "--count", BRANCH) == "1"


def test_a_lost_answer_takes_the_lock_once(scene: Scene, web: HttpRemote) -> None:
    """The push was performed and its response lost: the lock is held, and not refused to its own holder."""
    web.lose_push = True
    take(scene, holder("1"))
    assert present(scene).holder.run_id == "1"
    assert scene.remote.git("rev-list", "--count", BRANCH) == "1"


def test_a_token_that_may_not_push(scene: Scene, web: HttpRemote) -> None:
    """The error names the permission, and nothing is held."""
    web.refuse_push = 403
    with pytest.raises(PermissionMissing):
        take(scene, holder("1"))
    assert BRANCH not in scene.remote.git("for-each-ref", "--format=%(refname:short)")


def test_a_damaged_lock_is_not_a_free_one(scene: Scene, web: HttpRemote) -> None:
    """A file that somebody edited stops both tasks, and stays."""
    scene.work.git("checkout", "--quiet", "--orphan", BRANCH)
    scene.work.commit("Edit", {PATH: "{}"})
    commit = scene.work.git("rev-parse", "HEAD")
    scene.remote.git("fetch", "--quiet", str(scene.work.folder), f"{BRANCH}:{BRANCH}")
    for task in (take, release):
        with pytest.raises(GitError) as caught:
            task(scene, holder("1"))
        assert caught.value.reason_code == "lock-damaged"
    assert scene.remote.git("rev-parse", BRANCH) == commit
    assert web.requests
