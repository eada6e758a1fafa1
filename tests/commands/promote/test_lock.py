"""`promote --lock`: what a job does that may push, on a real remote and with runs that GitHub knows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from ghmlops.core.history.lock import BRANCH, lock_path
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHA = "a" * 40
POLICY = """\
version: 1
service: shop
gate: {environment: production}
promote:
  target: {haproxy: {socket: /nowhere/admin.sock, backend: b, candidate: v2, baseline: v1}}
  compare: pool
  capacity: {from: nowhere.json}
  rollback: {limit: ready-capacity}
  observe: {access-log: /nowhere/log}
"""


@pytest.fixture
def api() -> Iterator[Api]:
    """Return GitHub, with a run that has ended and one in progress."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/shop": {}}}) as server:
        row = {"head_sha": SHA, "event": "push", "head_branch": "main", "head_repository": "acme/shop"}
        server.seed(
            runs=[
                {**row, "id": 41, "status": "in_progress", "conclusion": None},
                {**row, "id": 43, "status": "completed", "conclusion": "cancelled"},
            ]
        )
        yield server
        assert server.violations == []


@pytest.fixture
def scene(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return a remote and the clone in which the commands run."""
    scene = make_scene(tmp_path)
    scene.work.commit("Policy", {"policy.yml": POLICY})
    monkeypatch.chdir(scene.work.folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    values = {**scene.work.environ, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": api.url}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return scene


def change(patch: pytest.MonkeyPatch, run_id: str, task: str, *arguments: str, attempt: int = 1) -> int:
    """Run the command as one attempt of a run; return its exit code."""
    patch.setenv("GITHUB_RUN_ID", run_id)
    patch.setenv("GITHUB_RUN_ATTEMPT", str(attempt))
    return main(["promote", "--policy", "policy.yml", "--commit", SHA, "--token", "t", "--lock", task, *arguments])


def holder(scene: Scene) -> dict[str, Any]:
    """Return the holder of the lock."""
    path = lock_path("shop", "production")
    content: dict[str, Any] = json.loads(scene.remote.git("show", f"{BRANCH}:{path}"))
    return content


def test_a_run_in_progress_keeps_its_lock(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock needs no router and no evidence; another run exits with 1, and its release changes nothing."""
    assert change(monkeypatch, "41", "take") == 0
    age = datetime.now(UTC) - datetime.fromisoformat(holder(scene)["holder"]["since"])
    assert abs(age.total_seconds()) < 300
    assert change(monkeypatch, "42", "take") == 1
    assert change(monkeypatch, "42", "release") == 0
    assert holder(scene)["holder"]["run_id"] == "41"
    assert change(monkeypatch, "41", "release", attempt=2) == 0
    assert scene.remote.git("ls-tree", "-r", "--name-only", BRANCH) == ""


def test_the_lock_of_a_run_that_ended_is_taken_over(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub says that run 43 ended; of run 999 it knows nothing, so that its lock stays."""
    assert change(monkeypatch, "43", "take") == 0
    assert change(monkeypatch, "999", "take") == 0
    assert holder(scene)["taken_over_from"]["run_id"] == "43"
    assert change(monkeypatch, "41", "take") == 1


@pytest.mark.parametrize(
    ("run_id", "task", "code"), [("41", "tkae", 2), ("", "take", 2), ("41", "take --environment staging --dry-run", 0)]
)
def test_input_that_changes_no_lock(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, run_id: str, task: str, code: int
) -> None:
    """A typing error, a process that is no run, and a dry run: the branch does not exist afterwards."""
    assert change(monkeypatch, run_id, *task.split()) == code
    assert BRANCH not in scene.remote.git("for-each-ref", "--format=%(refname:short)")


@pytest.mark.parametrize("kind", ["damaged", "unreachable"])
def test_a_rollback_goes_on_without_a_lock_that_cannot_be_used(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """A promotion is refused, and what is there is left as it is."""
    if kind == "damaged":
        scene.work.git("checkout", "--quiet", "--orphan", BRANCH)
        scene.work.git("rm", "-rfq", ".")
        scene.work.commit("damage", {lock_path("shop", "production"): "{"})
        scene.work.git("push", "--quiet", "origin", BRANCH)
        scene.work.git("checkout", "--quiet", "main")
    else:
        scene.work.git("remote", "set-url", "origin", "file:///nowhere.git")
    assert change(monkeypatch, "41", "take") == 2
    capsys.readouterr()
    assert change(monkeypatch, "41", "take", "--rollback", "slow", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["outcome"], answer["reason_code"]) == ("warn", "lock-not-taken")
    assert change(monkeypatch, "41", "release") == 2


def test_a_rollback_waits_for_the_lock_of_another_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two would change each other's weights."""
    assert change(monkeypatch, "41", "take") == 0
    assert change(monkeypatch, "42", "take", "--rollback", "slow") == 1
    assert holder(scene)["holder"]["run_id"] == "41"
