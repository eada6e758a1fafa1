"""A revert in one job, what follows it in another: each with the permissions that it needs and no more."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from ghmlops.cli import main
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = "version: 1\nservice: shop\nrevert: {dispatch: deploy.yml}\n"
PUSHES = {"permissions": {"contents": "write", "pull_requests": "write"}}
FOLLOWS = {"permissions": {"actions": "write", "contents": "read", "issues": "write"}}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A remote and the user's clone, in which the command runs as a job."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    monkeypatch.setenv("GHMLOPS_OPENAPI", str(spec.default_file()))  # the home folder of the job is another one
    scene = make_scene(tmp_path)
    (tmp_path / "ghmlops.yml").write_text(POLICY)
    monkeypatch.chdir(scene.work.folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    variables = {**scene.work.environ, "GITHUB_REPOSITORY": "acme/shop", "RUNNER_TEMP": str(tmp_path / "temp")}
    for name, value in {**variables, "GITHUB_OUTPUT": str(tmp_path / "outputs")}.items():
        monkeypatch.setenv(name, value)
    return scene


@pytest.fixture
def api(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The local GitHub API, which knows the branches of the remote, with the tokens of the two jobs."""
    repository = {"git_dir": str(scene.remote.folder)}
    with running({"repositories": {"acme/shop": repository}, "tokens": {"pushes": PUSHES, "follows": FOLLOWS}}) as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        yield api
        assert api.violations == []


def run(identity: str, *arguments: str) -> int:
    """Run the command with the token of a job."""
    return main(["revert", "--policy", "../ghmlops.yml", "--token", identity, *arguments])


def output(scene: Scene, name: str) -> str:
    """Return the newest value of an output of the step."""
    lines = (scene.home / "outputs").read_text().splitlines()
    return [value for head, value in itertools.pairwise(lines) if head.startswith(f"{name}<<")][-1]


def bad_commit(scene: Scene, content: str = "bad\n") -> str:
    """Push a commit that is to be reverted."""
    bad = scene.work.commit("Bad", {"a.txt": content})
    scene.work.push()
    return bad


def test_the_deployment_is_started_once_by_the_later_job(scene: Scene, api: Api) -> None:
    """The job that pushes starts nothing, and its comment is written all the same."""
    bad = bad_commit(scene)
    api.seed(pull_requests=[{"number": 5, "head_sha": bad, "state": "closed", "merge_commit_sha": bad}])
    assert run("pushes", "--reason", "slow", "--commit", bad, "--defer") == 0
    assert (output(scene, "state"), output(scene, "dispatched"), api.state.runs) == ("reverted", "", [])
    assert [comment["issue"] for comment in api.state.comments] == [5]
    left = output(scene, "follow-up")
    for state in ("started", "running"):
        assert run("follows", "--commit", bad, "--follow-up", left) == 0
        assert (output(scene, "dispatched"), output(scene, "state")) == (state, "reverted")
    assert [(r["head_sha"], r["path"]) for r in api.state.runs] == [(scene.tip(), ".github/workflows/deploy.yml")]


def test_a_conflict_opens_one_issue_in_the_later_job(scene: Scene, api: Api) -> None:
    """With the paths; the job that found it writes none."""
    bad = bad_commit(scene)
    bad_commit(scene, "later work\n")
    assert run("pushes", "--reason", "slow", "--commit", bad, "--defer") == 1
    assert (output(scene, "state"), output(scene, "issue"), api.state.issues) == ("refused", "", [])
    left = output(scene, "follow-up")
    for _ in range(2):
        assert run("follows", "--commit", bad, "--follow-up", left) == 0
    (issue,) = api.state.issues
    assert ("a.txt" in issue["body"], output(scene, "issue")) == (True, str(issue["id"]))


def test_without_a_conflict_a_refusal_leaves_nothing(scene: Scene, api: Api) -> None:
    """Nor does a revert without `defer`, which does it itself."""
    root = scene.tip()
    bad = bad_commit(scene)
    assert run("pushes", "--reason", "slow", "--commit", root, "--defer") == 1
    assert (output(scene, "reason-code"), output(scene, "follow-up")) == ("root-commit", "")
    assert run("t", "--reason", "slow", "--commit", bad) == 0
    assert (output(scene, "follow-up"), output(scene, "dispatched"), len(api.state.runs)) == ("", "started", 1)


def test_permissions_of_the_later_job(scene: Scene, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing is named, and the job fails: nothing else tells that the revert is not deployed."""
    bad = bad_commit(scene)
    assert run("pushes", "--reason", "slow", "--commit", bad, "--defer") == 0
    left = output(scene, "follow-up")
    assert run("pushes", "--commit", bad, "--follow-up", left) == 2
    assert "`actions: write`" in capsys.readouterr().err
    assert run("", "--commit", bad, "--follow-up", left) == 2
    assert run("", "--commit", bad, "--follow-up", left, "--dry-run") == 0
    assert api.state.runs == []


def test_text_that_no_revert_wrote(scene: Scene, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """It starts nothing; the error is one line that names the input."""
    assert run("follows", "--commit", "x", "--follow-up", json.dumps({"branch": "main", "sha": "x"})) == 2
    error = capsys.readouterr().err
    assert ("input `follow-up`" in error, "Traceback" in error, api.state.runs) == (True, False, [])
    assert scene.remote.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
