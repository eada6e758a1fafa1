"""What follows a revert on GitHub: a deployment, a comment, an issue; and what is found before it is tried."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = "version: 1\nservice: shop\nrevert: {dispatch: deploy.yml}\n"


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
    """The local GitHub API, which knows the branches of the remote."""
    with running({"repositories": {"acme/shop": {"git_dir": str(scene.remote.folder)}}}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []


def revert(*arguments: str, identity: str = "t") -> int:
    """Run the command with a token and a person's reason."""
    return main(["revert", "--policy", "../ghmlops.yml", "--token", identity, "--reason", "slow", *arguments])


def output(scene: Scene, name: str) -> str:
    """Return the newest value of an output of the step."""
    lines = (scene.home / "outputs").read_text().splitlines()
    return [value for head, value in itertools.pairwise(lines) if head.startswith(f"{name}<<")][-1]


def bad_commit(scene: Scene, files: dict[str, str | None] | None = None) -> str:
    """Push a commit that is to be reverted."""
    bad = scene.work.commit("Bad", files or {"a.txt": "bad\n"})
    scene.work.push()
    return bad


def test_a_revert_is_deployed_and_explained_once(scene: Scene, api: Api) -> None:
    """One run of the workflow, one comment with the revert to undo; a second run of the command adds nothing."""
    bad = bad_commit(scene)
    pull = {"number": 5, "head_sha": bad, "state": "closed", "merge_commit_sha": bad}
    api.seed(pull_requests=[pull])
    assert revert("--commit", bad) == 0
    assert (output(scene, "state"), output(scene, "dispatched")) == ("reverted", "started")
    assert revert("--commit", bad) == 0
    assert (output(scene, "state"), output(scene, "dispatched")) == ("already-reverted", "running")
    assert [(r["head_sha"], r["path"]) for r in api.state.runs] == [(scene.tip(), ".github/workflows/deploy.yml")]
    (comment,) = api.state.comments
    assert (comment["issue"], f"git revert {scene.tip()}" in comment["body"]) == (5, True)


def test_a_workflow_that_cannot_be_started(scene: Scene, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The revert stays; the output says that it is not deployed. A dry run starts nothing."""
    bad = bad_commit(scene)
    assert revert("--commit", bad, "--dispatch", "no-trigger.yml", "--dry-run") == 0
    assert output(scene, "dispatched") == ""
    assert revert("--commit", bad, "--dispatch", "no-trigger.yml") == 0
    assert (output(scene, "state"), output(scene, "dispatched")) == ("reverted", "failed")
    assert "not deployed" in capsys.readouterr().err
    assert api.state.runs == []


def test_a_conflict_opens_one_issue(scene: Scene, api: Api) -> None:
    """With the paths; a repetition edits nothing, and nothing is pushed."""
    bad = bad_commit(scene)
    tip = bad_commit(scene, {"a.txt": "later work\n"})
    for _ in range(2):
        assert revert("--commit", bad) == 1
        assert output(scene, "state") == "refused"
    (issue,) = api.state.issues
    assert ("a.txt" in issue["body"], issue["edits"], scene.tip()) == (True, 0, tip)
    assert output(scene, "issue") == str(issue["id"])


TOKENS: list[tuple[dict[str, Any], int, str]] = [
    ({}, 1, "refused"),
    ({"login": "release-app[bot]"}, 0, "reverted"),
]


@pytest.mark.parametrize(("token", "code", "state"), TOKENS)
def test_a_change_of_workflows_is_named_before_it_is_tried(
    scene: Scene, api: Api, token: dict[str, Any], code: int, state: str
) -> None:
    """GITHUB_TOKEN cannot push it, so that no push is tried; the token of an App is used."""
    api.seed(tokens={"other": token})
    bad = bad_commit(scene, {".github/workflows/ci.yml": "on: push\n"})
    assert revert("--commit", bad, identity="other") == code
    assert output(scene, "state") == state
    assert (output(scene, "reason-code") == "workflow-files") is bool(code)
    assert scene.remote.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert (scene.tip() == bad) is bool(code)


def test_the_deployment_that_failed_names_its_commits(scene: Scene, api: Api) -> None:
    """From what was live before it; both commits are reverted."""
    live = scene.tip()
    bad_commit(scene)
    last = bad_commit(scene, {"b.txt": "bad\n"})
    payload = {"ghmlops": {"run_id": "41", "service": "shop"}}
    for sha, status in ((live, "success"), (last, "failure")):
        api.seed(deployments=[{"sha": sha, "payload": payload, "statuses": [{"state": status}]}])
    number = api.state.deployments[-1]["id"]
    assert revert("--commit", f"deployment:{number - 1}") in (1, 2)
    assert revert("--commit", f"deployment:{number}") == 0
    trees = (scene.remote.git("rev-parse", f"{name}^{{tree}}") for name in ("main", live))
    assert next(trees) == next(trees)
