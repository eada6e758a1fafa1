"""The history on a branch: appended by compare and swap over HTTP, killed writers, and the monthly fold."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.git.record_branch import append, fold
from ghmlops.clients.git.client import open_repository
from ghmlops.core.errors import GitError, PermissionMissing
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.measure.record_branch import read_history
from git_http import serving
from history_records import OTHER, deployment
from thoroughness import part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.git.branch_update import Stored
    from ghmlops.core.history.reading import History
    from ghmlops.core.history.record import AnyRecord
    from git_http import HttpRemote
    from git_sandbox import Repo
    from git_scene import Scene

TOKEN = "ghs_0123456789abcdefghij"
HEADER = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
BRANCH = "ghmlops-history"
NOW = datetime(2026, 12, 20, tzinfo=UTC)


@pytest.fixture
def web(scene: Scene) -> Iterator[HttpRemote]:
    """The remote over HTTP; it requires a token."""
    scene.remote.git("config", "http.receivepack", "true")
    with serving(scene.remote.folder.parent, HEADER) as server:
        scene.work.git("remote", "set-url", "origin", f"{server.url}/{scene.remote.folder.name}")
        yield server


def put(scene: Scene, records: list[AnyRecord], repo: Repo | None = None) -> Stored:
    """Append records from a clone."""
    repo = repo or scene.work
    git = open_repository(repo.folder, repo.environ)
    return append(git, records, remote="origin", branch=BRANCH, token=TOKEN, note=scene.notes.append)


def fold_before(scene: Scene, month: str) -> Stored:
    git = open_repository(scene.work.folder, scene.work.environ)
    return fold(git, before=month, remote="origin", branch=BRANCH, token=TOKEN, note=scene.notes.append)


def read(scene: Scene) -> History:
    """Read the branch as `ghmlops history` does."""
    folder, environ = scene.work.folder, scene.work.environ
    return read_history(folder, environ, remote="origin", branch=BRANCH, token=TOKEN, now=NOW).history


def names(scene: Scene) -> list[str]:
    return scene.remote.git("ls-tree", "-r", "--name-only", BRANCH).split()


def test_a_record_is_one_file_and_is_appended_once(scene: Scene, web: HttpRemote) -> None:
    """The branch has no history with main; the user's clone does not change; the same records again add nothing."""
    before = scene.work.state()
    first, second = deployment(), deployment(commit=OTHER)
    assert put(scene, [first, second, first]).added == 2
    assert put(scene, [second]).added == 0
    assert put(scene, [deployment(pull_request=7)]).added == 0  # the same event with a later look-up
    assert sorted(names(scene)) == sorted([record_path(first), record_path(second)])
    assert scene.remote.git("show", f"{BRANCH}:{record_path(first)}") == encode_record(first).decode().strip()
    assert scene.remote.git("rev-list", "--count", BRANCH) == "1"
    assert scene.work.state() == before
    assert all(TOKEN not in note for note in scene.notes)
    assert web.requests


def test_writers_at_the_same_time_lose_nothing(scene: Scene, web: HttpRemote) -> None:
    """Five jobs append twice three records each: all are there, none twice, in one line of commits."""
    clones = [scene.clone(f"job-{number}") for number in range(5)]
    for clone in clones:
        clone.git("remote", "set-url", "origin", f"{web.url}/{scene.remote.folder.name}")

    def write(number: int) -> None:
        for turn in range(2):
            put(scene, [deployment(run_id=f"{number}{turn}{item}") for item in range(3)], clones[number])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(scene)) == len({item.id for item in read(scene).records}) == 30
    assert scene.remote.git("rev-list", "--count", BRANCH) == "10"
    assert scene.remote.git("rev-list", "--count", "--merges", BRANCH) == "0"


def test_a_lost_response_adds_nothing_twice(scene: Scene, web: HttpRemote) -> None:
    """The push was performed and its response lost: the writer looks at the branch."""
    web.lose_push = True
    assert put(scene, [deployment()]).added == 1
    assert len(names(scene)) == 1


def test_a_token_without_the_right(scene: Scene, web: HttpRemote) -> None:
    """The permission is named, and there is no branch."""
    web.refuse_push = 403
    with pytest.raises(PermissionMissing, match="403") as error:
        put(scene, [deployment()])
    assert scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}") == ""
    assert "contents: write" in error.value.hint


def test_an_unreachable_remote(scene: Scene) -> None:
    """An error of git, without a branch."""
    scene.work.git("remote", "set-url", "origin", "http://127.0.0.1:9/x.git")
    with pytest.raises(GitError):
        put(scene, [deployment()])


# Counts the calls of git and kills this process before or after one of them.
KILLED = """
import json, os, pathlib, signal, sys
import msgspec
from ghmlops.act.git.record_branch import append
from ghmlops.clients.git import blobs, client
from ghmlops.core.history.record import AnyRecord

folder, records, victim, moment = json.loads(sys.argv[1])
calls, original = 0, client.run_process

def counted(args, **options):
    global calls
    calls += 1
    if calls == victim and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(args, **options)
    if calls == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

client.run_process = blobs.run_process = counted
git = client.open_repository(pathlib.Path(folder), dict(os.environ))
values = msgspec.convert(records, list[AnyRecord])
append(git, values, remote="origin", branch="ghmlops-history", token="", note=print)
print(calls)
"""


def test_a_writer_that_is_killed_at_any_call_leaves_nothing_half(scene: Scene) -> None:
    """Before and after each call of git: the branch has none or all of the records, and the next run completes it."""
    records: list[AnyRecord] = [deployment(run_id=str(number)) for number in range(3)]
    values = [json.loads(encode_record(record)) for record in records]

    def run(victim: int, moment: str) -> subprocess.CompletedProcess[str]:
        argument = json.dumps([str(scene.work.folder), values, victim, moment])
        command = [sys.executable, "-c", KILLED, argument]
        return subprocess.run(command, env=scene.work.environ, capture_output=True, text=True, check=False)

    total = int(run(0, "").stdout.split()[-1])
    assert total >= 10
    counts = set()
    for victim, moment in part([(victim, moment) for victim in range(1, total + 1) for moment in ("before", "after")]):
        scene.remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
        assert run(victim, moment).returncode == -9
        exists = bool(scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}"))
        counts.add(len(names(scene)) if exists else 0)
        assert put(scene, records).commit
        assert len(names(scene)) == 3
    assert counts == {0, 3}
    scene.remote.git("fsck", "--strict", "--connectivity-only")
    assert scene.work.git("for-each-ref", "refs/ghmlops/") == ""


def test_the_fold_keeps_every_record(scene: Scene, web: HttpRemote) -> None:
    """Past months become one Parquet file each, with the same bytes; this month and damaged records stay."""
    october = [deployment(f"2026-10-{day:02}T00:00:00+00:00") for day in range(1, 31)]
    november = [deployment("2026-11-02T00:00:00+00:00", override="\u00fc\u2028'\n", harmed_requests=3)]
    december = [deployment("2026-12-02T00:00:00+00:00")]
    put(scene, [*october, *november, *december])
    clone = scene.clone("mallory", "--branch", BRANCH)
    damaged = record_path(october[0])
    clone.commit("x", {damaged: "{}"})
    clone.git("push", "--quiet", "origin", BRANCH)
    before = read(scene)
    assert [problem.path for problem in before.problems] == [damaged]
    assert fold_before(scene, "2026-12").added == 2
    assert len([name for name in names(scene) if name.startswith("folded/")]) == 2
    assert damaged in names(scene)
    assert record_path(december[0]) in names(scene)
    assert len(names(scene)) == 4
    assert read(scene) == before
    assert len(before.records) == 31
    assert fold_before(scene, "2026-12").added == 0
    late = deployment("2026-10-31T00:00:00+00:00")
    put(scene, [late])
    assert fold_before(scene, "2026-12").added == 1
    assert len(read(scene).records) == 32
    assert web.requests
