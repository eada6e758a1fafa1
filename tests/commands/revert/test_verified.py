"""`revert.verified`: GitHub creates the commits, with the trees of the planned revert; all else stays as it is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.git import api_commits
from ghmlops.cli import main
from ghmlops.clients import retry
from git_scene import LINES, Scene, make_scene
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = "version: 1\nservice: shop\nrevert: {verified: true}\n"
PERSON = {"login": "maria", "kind": "user"}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A remote and the user's clone, in which the command runs as a job; its policy demands verified commits."""
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
    """The local GitHub API, whose commits and branches are those of the remote."""
    with running({"repositories": {"acme/shop": {"git_dir": str(scene.remote.folder)}}}) as server:
        server.seed(tokens={"person": PERSON})
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []
        scene.remote.git("fsck", "--strict")


def revert(commit: str, *arguments: str, identity: str = "t") -> int:
    """Run the command with a token and a person's reason."""
    return main(
        [
            "revert",
            "--policy",
            "../ghmlops.yml",
            "--token",
            identity,
            "--reason",
            "slow",
            "--commit",
            commit,
            *arguments,
        ]
    )


def output(scene: Scene, name: str) -> str:
    """Return the newest value of an output of the step."""
    lines = (scene.home / "outputs").read_text().splitlines()
    return [value for head, value in itertools.pairwise(lines) if head.startswith(f"{name}<<")][-1]


def paths(api: Api) -> set[str]:
    """Return the last part of the address of each write."""
    return {r["path"].rpartition("/")[2] for r in api.state.requests if r["method"] != "GET"}


def pushed(scene: Scene, message: str, files: dict[str, str | None]) -> str:
    """Push a commit and return it."""
    sha = scene.work.commit(message, files)
    scene.work.push()
    return sha


@pytest.mark.parametrize("identity", ["t", "person"])
def test_one_commit_of_regular_files(scene: Scene, api: Api, identity: str) -> None:
    """One mutation, for the token of a job and of a person: same tree and message as a push, signed; done once."""
    good = scene.remote.git("rev-parse", "main^{tree}")
    bad = pushed(scene, "Bad", {"a.txt": "bad\n", "b.txt": None, "new/c.txt": "c\n"})
    assert revert(bad, identity=identity) == 0
    tip = scene.tip()
    assert (output(scene, "state"), output(scene, "revert-sha"), tip in api.state.signed) == ("reverted", tip, True)
    assert scene.remote.git("rev-parse", "main^{tree}", "main^") == f"{good}\n{bad}"
    message = scene.remote.message("main")
    assert message.startswith(f'Revert "Bad"\n\nThis reverts commit {bad}.\n')
    assert message.rstrip().endswith(f"\n\nGhmlops-Reverts: {bad}")
    assert paths(api) == {"graphql"}
    assert revert(bad, identity=identity) == 0
    assert (output(scene, "state"), scene.tip()) == ("already-reverted", tip)


def special(scene: Scene) -> str:
    """Push a commit with an executable file, a link and a submodule in place of regular files."""
    work = scene.work
    (work.folder / "b.txt").chmod(0o755)
    (work.folder / "link").symlink_to("a.txt")
    work.git("update-index", "--add", "--cacheinfo", f"160000,{'c' * 40},module")
    work.git("add", "b.txt", "link")
    work.git("commit", "--quiet", "-m", "Modes")
    work.push()
    return work.git("rev-parse", "HEAD")


def test_modes_links_and_submodules(scene: Scene, api: Api) -> None:
    """Trees and commits are created, and one call moves the branch; what the history contains is not uploaded."""
    good = scene.remote.git("rev-parse", "main^{tree}")
    bad = special(scene)
    assert revert(bad) == 0
    assert scene.remote.git("rev-parse", "main^{tree}", "main^") == f"{good}\n{bad}"
    assert (scene.tip() in api.state.signed, paths(api)) == (True, {"trees", "commits", "main"})


def test_several_commits_arrive_together(scene: Scene, api: Api) -> None:
    """Each is reverted by its own signed commit; only what later work left in a file is uploaded."""
    first = pushed(scene, "One", {"a.txt": LINES.replace("line 2\n", "bad\n")})
    second = pushed(scene, "Two", {"b.txt": "bad\n"})
    pushed(scene, "Later", {"a.txt": LINES.replace("line 2\n", "bad\n").replace("line 18\n", "later\n")})
    assert revert(f"{first},{second}") == 0
    assert scene.remote.git("show", "main:a.txt") + "\n" == LINES.replace("line 18\n", "later\n")
    created = scene.remote.git("rev-list", "-2", "main").split()
    assert set(created) <= api.state.signed
    writes = [r["path"].rpartition("/")[2] for r in api.state.requests if r["method"] != "GET"]
    assert (writes.count("blobs"), writes.count("commits"), writes.count("main")) == (1, 2, 1)


def test_commits_that_github_does_not_sign(scene: Scene, api: Api) -> None:
    """The token of a person, for commits that the mutation cannot create: refused before the branch moves."""
    bad = special(scene)
    assert revert(bad, identity="person") == 1
    assert (output(scene, "reason-code"), scene.tip()) == ("commit-not-verified", bad)
    assert api.state.signed == set()


@pytest.mark.parametrize("bad_files", [{"a.txt": "bad\n"}, {}])
def test_a_pull_request_has_verified_commits(scene: Scene, api: Api, bad_files: dict[str, str | None]) -> None:
    """In both ways; a second run finds branch and pull request, whose text says that its checks do not start."""
    bad = pushed(scene, "Bad", bad_files) if bad_files else special(scene)
    for _ in range(2):
        assert revert(bad, "--mode", "pull-request") == 1
        assert (output(scene, "state"), output(scene, "pull-request")) == ("pull-request", "1")
    tip = scene.tip(f"ghmlops/revert-{bad[:12]}")
    assert (tip in api.state.signed, scene.tip()) == (True, bad)
    assert scene.remote.git("rev-parse", f"{tip}^{{tree}}") == scene.remote.git("rev-parse", "main^^{tree}")
    (pull,) = api.state.pull_requests
    assert "GITHUB_TOKEN" in pull["body"]


RULES = [(["required_signatures"], 0, "reverted"), (["required_signatures", "pull_request"], 1, "pull-request")]


@pytest.mark.parametrize(("rules", "code", "state"), RULES)
def test_a_branch_that_requires_signatures(scene: Scene, api: Api, rules: list[str], code: int, state: str) -> None:
    """It accepts the commits that GitHub creates; another rule leads to a pull request."""
    api.state.repositories["acme/shop"]["rules"] = {"main": rules}
    assert revert(pushed(scene, "Bad", {"a.txt": "bad\n"})) == code
    assert output(scene, "state") == state


def test_a_change_of_workflows_is_named_before_it_is_tried(scene: Scene, api: Api) -> None:
    """GITHUB_TOKEN may not do that through the API either, in both modes: no write is sent."""
    bad = pushed(scene, "Bad", {".github/workflows/ci.yml": "on: push\n"})
    for mode in ("push", "pull-request"):
        assert revert(bad, "--mode", mode) == 1
        assert output(scene, "reason-code") == "workflow-files"
    assert paths(api) == {"graphql"}  # who the token is
    assert api.state.signed == set()


FAULTS: list[tuple[list[dict[str, Any]], int]] = [
    ([{"kind": "lost-answer"}], 0),
    ([{"kind": "errors", "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}], 0),
    ([{"kind": "errors", "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}]}], 2),
]


@pytest.mark.parametrize(("faults", "code"), FAULTS)
def test_faults_of_the_mutation(
    scene: Scene, api: Api, monkeypatch: pytest.MonkeyPatch, faults: list[dict[str, Any]], code: int
) -> None:
    """A lost response is looked up, a rate limit is waited for, and a missing permission is an error; done once."""
    monkeypatch.setattr(retry, "SEARCH_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(retry, "RATE_LIMIT_DELAY", 0.0)
    bad = pushed(scene, "Bad", {"a.txt": "bad\n"})
    api.seed(faults=[{**fault, "method": "POST", "path": "/graphql$"} for fault in faults])
    assert revert(bad) == code
    commits = scene.remote.git("rev-list", "--count", f"{bad}..main")
    assert commits == ("0" if code else "1")


def test_a_branch_that_moves(scene: Scene, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another push between plan and commit: the revert is planned again on the new tip, and keeps that push."""
    bad = pushed(scene, "Bad", {"a.txt": "bad\n"})
    other = scene.clone("other")
    read, moves = api_commits.read_revert, [1]

    def read_after_push(*arguments: Any) -> Any:
        if moves:
            moves.pop()
            other.commit("Other", {"other.txt": "x\n"})
            other.push()
        return read(*arguments)

    monkeypatch.setattr(api_commits, "read_revert", read_after_push)
    assert revert(bad) == 0
    assert scene.remote.git("log", "--format=%s", "-3", "main").splitlines() == ['Revert "Bad"', "Other", "Bad"]
    assert scene.tip() in api.state.signed


def test_without_a_token(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Only GitHub creates verified commits: exit code 2, nothing pushed; a dry run needs no token."""
    bad = pushed(scene, "Bad", {"a.txt": "bad\n"})
    arguments = ["revert", "--policy", "../ghmlops.yml", "--reason", "slow", "--commit", bad]
    assert main([*arguments, "--dry-run"]) == 0
    assert main(arguments) == 2
    assert ("`revert.verified`" in capsys.readouterr().err, scene.tip()) == (True, bad)


def test_more_than_the_api_takes(scene: Scene, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents beyond the limit of one mutation use blobs; those beyond the limit of uploads are refused."""
    bad = pushed(scene, "Bad", {"a.txt": LINES.replace("line 2\n", "bad\n")})
    pushed(scene, "Later", {"a.txt": LINES.replace("line 2\n", "bad\n").replace("line 18\n", "later\n")})
    monkeypatch.setattr("ghmlops.core.revert.api_commit.MUTATION_BYTES", 10)
    monkeypatch.setattr("ghmlops.core.revert.api_commit.UPLOAD_BYTES", 10)
    assert revert(bad) == 1
    assert output(scene, "reason-code") == "revert-not-signable"
    monkeypatch.setattr("ghmlops.core.revert.api_commit.UPLOAD_BYTES", 10**6)
    assert revert(bad) == 0
    assert (scene.tip() in api.state.signed, "blobs" in paths(api)) == (True, True)
