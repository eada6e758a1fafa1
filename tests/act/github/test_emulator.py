"""Writes against an emulation of GitHub's API that this project did not write (npm `emulate`).

The server of `github_api` is ours, so a misunderstanding of GitHub could stand in the product and in its fake alike.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests

from ghmlops.act.github.check_runs import upsert_check_run
from ghmlops.act.github.comments import upsert_comment
from ghmlops.act.github.commits import publish_commits
from ghmlops.act.github.issues import close_issue, upsert_issue
from ghmlops.act.github.pull_requests import open_revert_pull_request
from ghmlops.clients.github.client import Client, connect
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GitHubError, NeedsPerson
from ghmlops.core.revert.api_commit import ApiRevert
from ghmlops.core.steps.check_run import Annotation, CheckRun
from ghmlops.measure.github.artifacts import locate
from ghmlops.measure.github.pull_requests import pull_request
from github_api.planned_revert import COMMITS, FILES

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = Path(os.environ.get("GHMLOPS_NODE_TOOLS", "missing"))
TOKEN = "token-of-maria"
SEED = {
    "tokens": {TOKEN: {"login": "maria", "scopes": ["repo", "workflow"]}},
    "github": {
        "users": [{"login": "maria", "name": "Maria", "email": "maria@example.com"}],
        "repos": [{"owner": "maria", "name": "shop", "auto_init": True}],
    },
}
MARKER = "<!-- ghmlops: shop gate -->"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the emulation, which knows one user and one repository."""
    script = NODE / "emulate-github.mjs"
    if not script.is_file():
        pytest.skip("GHMLOPS_NODE_TOOLS names no folder with the Node packages; `scripts/test` installs them")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", script, str(port)], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(SEED).decode())
        process.stdin.close()
        try:
            assert process.stdout.readline().startswith("http")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client with the token of the repository's owner."""
    with connect(
        token=TOKEN, api_url=url, repository="maria/shop", note=print, sleep=lambda _: None, clock=time.monotonic
    ) as connection:
        yield connection


def call(url: str, method: str, path: str, body: object = None) -> Any:
    """Call the API of the repository without our client."""
    answer = requests.request(
        method, f"{url}/repos/maria/shop/{path}", json=body, headers={"authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    answer.raise_for_status()
    return answer.json()


def commit_files(url: str, files: dict[str, str]) -> str:
    """Commit `files` as a root tree on main and return the commit's SHA."""
    tip = call(url, "GET", "git/ref/heads/main")["object"]["sha"]
    entries = [{"path": p, "mode": "100644", "type": "blob", "content": text} for p, text in files.items()]
    tree = call(url, "POST", "git/trees", {"tree": entries})["sha"]
    sha = call(url, "POST", "git/commits", {"message": "A change", "tree": tree, "parents": [tip]})["sha"]
    call(url, "PATCH", "git/refs/heads/main", {"sha": sha, "force": True})
    return str(sha)


def branch(url: str, name: str, path: str) -> str:
    """Create a branch from main with one more file, and return its tip."""
    call(
        url,
        "POST",
        "git/refs",
        {"ref": f"refs/heads/{name}", "sha": call(url, "GET", "git/ref/heads/main")["object"]["sha"]},
    )
    body = {"message": "Add a file", "content": "eA==", "branch": name}
    return str(call(url, "PUT", f"contents/{path}", body)["commit"]["sha"])


def test_one_comment_is_created_and_edited(url: str, client: Client) -> None:
    """The comment is found among 120 others, edited in place, and not written if nothing changed."""
    head = branch(url, "feature", "feature.txt")
    number = call(url, "POST", "pulls", {"title": "A feature", "head": "feature", "base": "main"})["number"]
    assert pull_request(client, number).head_sha == head
    for index in range(60):
        call(url, "POST", f"issues/{number}/comments", {"body": f"chat {index}"})
    written = [upsert_comment(client, number=number, marker=MARKER, body=f"{MARKER}\n{text}") for text in ("1", "2")]
    for index in range(60):
        call(url, "POST", f"issues/{number}/comments", {"body": f"more {index}"})
    written.append(upsert_comment(client, number=number, marker=MARKER, body=f"{MARKER}\n2"))
    assert [w.state for w in written] == ["created", "edited", "unchanged"]
    assert len({w.id for w in written}) == 1
    assert call(url, "GET", f"issues/comments/{written[0].id}")["body"] == f"{MARKER}\n2"


def test_a_check_run_with_annotations(url: str, client: Client) -> None:
    """The annotations arrive with their lines, and a repetition edits the same check run.

    One page of them only: the emulation replaces what GitHub appends.
    """
    head = call(url, "GET", "git/ref/heads/main")["object"]["sha"]
    annotations = tuple(
        Annotation(path=".github/ghmlops.yml", line=line, level="failure", title=f"finding {line}", message="worse")
        for line in range(1, 41)
    )
    check = CheckRun(
        name="ghmlops/shop",
        head_sha=head,
        run_id=42,
        attempt=1,
        conclusion="failure",
        title="fail: p99",
        summary="# p99",
        annotations=annotations,
    )
    first = upsert_check_run(client, check)
    second = upsert_check_run(client, msgspec.structs.replace(check, conclusion="success"))
    assert (first.state, second.state) == ("created", "edited")
    (run,) = call(url, "GET", f"commits/{head}/check-runs")["check_runs"]
    assert (run["status"], run["conclusion"], run["external_id"]) == ("completed", "success", "ghmlops:42:1")
    # The emulation wraps the list in an object, which GitHub does not.
    entries = call(url, "GET", f"check-runs/{run['id']}/annotations?per_page=100")["check_annotations"]
    assert [(a["path"], a["start_line"]) for a in entries] == [(".github/ghmlops.yml", line) for line in range(1, 41)]


def test_one_issue_is_opened_and_closed(url: str, client: Client) -> None:
    """A repetition edits the issue; closing it says why, and closes it once."""
    opened = [upsert_issue(client, marker=MARKER, title="Conflict", body=f"{MARKER}\n{text}") for text in ("1", "2")]
    assert opened[0].number == opened[1].number
    closed = [close_issue(client, marker=MARKER, comment="Resolved.") for _ in range(2)]
    assert closed == [opened[0].number, None]
    assert call(url, "GET", f"issues/{opened[0].number}")["state"] == "closed"


def test_commits_of_a_revert_that_nobody_signs(url: str, client: Client) -> None:
    """Blobs and tree have the planned ids; the emulation signs no commit, so the branch stays as it was."""
    tip = commit_files(url, FILES)
    with pytest.raises(NeedsPerson) as raised:
        publish_commits(client, "main", tip, ApiRevert(commits=COMMITS[:1], by_mutation=False))
    assert raised.value.reason_code == "commit-not-verified"
    tree = call(url, "GET", f"git/trees/{COMMITS[0].tree}")["tree"]
    assert {entry["path"] for entry in tree} == {"a.txt", "b"}
    assert call(url, "GET", "git/ref/heads/main")["object"]["sha"] == tip


def test_one_pull_request_of_a_revert(url: str, client: Client) -> None:
    """A repetition returns the open pull request."""
    branch(url, "ghmlops/revert-1", "revert.txt")
    numbers = {
        open_revert_pull_request(client, head="ghmlops/revert-1", base="main", title="Revert", body="Why.")
        for _ in range(2)
    }
    assert len(numbers) == 1
    assert call(url, "GET", f"pulls/{numbers.pop()}")["head"]["ref"] == "ghmlops/revert-1"


def test_no_artifact_is_named(client: Client) -> None:
    """A repository without runs has no artifact, which is an error of its own."""
    with pytest.raises(GitHubError) as raised:
        locate(client, WorkflowSpec(name="predictions", branch="main"))
    assert raised.value.reason_code == "artifact-missing"
