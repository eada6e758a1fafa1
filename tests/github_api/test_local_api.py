"""The local GitHub API itself: validation of both directions, state, and use as a process."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from github_api import shapes, spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = "a" * 40
SERVER = Path(__file__).with_name("server.py")


@pytest.fixture
def api() -> Iterator[Api]:
    """The server with one row of every kind."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is missing; {spec.FETCH}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("latency.json", "{}")
    rules = {"main": ["pull_request", "required_status_checks", "non_fast_forward", "deletion"]}
    refs = {"heads/main": "b" * 40, "heads/topic/x": "c" * 40}
    content = base64.b64encode(buffer.getvalue()).decode()
    seed: dict[str, Any] = {
        "repositories": {"acme/shop": {"rules": rules, "refs": refs}},
        "tokens": {"alice": {"login": "alice", "kind": "user"}},
        "pull_requests": [{"number": 7, "head_sha": HEAD}],
        "comments": [{"issue": 7, "body": "hello"}],
        "deployments": [{"sha": HEAD}],
        "runs": [{"id": 42, "head_sha": HEAD}],
        "artifacts": [{"run_id": 42, "name": "evidence", "zip_base64": content}],
        "caches": [{"key": "build-1", "ref": "refs/heads/main"}],
    }
    with running(seed) as server:
        yield server


def call(api: Api, method: str, path: str, body: object = None, user: str = "t") -> requests.Response:
    """Send one request."""
    return requests.request(method, api.url + path, json=body, headers={"Authorization": f"Bearer {user}"}, timeout=10)


REPO = "/repos/acme/shop"
ENDPOINTS = [
    ("GET", REPO, None, 200),
    ("GET", f"{REPO}/pulls?state=all&per_page=5", None, 200),
    ("POST", f"{REPO}/pulls", {"title": "t", "head": "topic/x", "base": "main"}, 201),
    ("GET", f"{REPO}/pulls/7", None, 200),
    ("GET", f"{REPO}/pulls/7/commits", None, 200),
    ("GET", f"{REPO}/commits/{HEAD}/pulls", None, 200),
    ("GET", f"{REPO}/commits/{HEAD}/statuses", None, 200),
    ("GET", f"{REPO}/issues/7/comments", None, 200),
    ("POST", f"{REPO}/issues/7/comments", {"body": "x"}, 201),
    ("PATCH", f"{REPO}/issues/comments/101", {"body": "x"}, 200),
    ("DELETE", f"{REPO}/issues/comments/101", None, 204),
    ("GET", f"{REPO}/deployments?environment=production", None, 200),
    ("POST", f"{REPO}/deployments", {"ref": HEAD, "required_contexts": []}, 201),
    ("GET", f"{REPO}/deployments/102/statuses", None, 200),
    ("POST", f"{REPO}/deployments/102/statuses", {"state": "in_progress"}, 201),
    ("POST", f"{REPO}/statuses/{HEAD}", {"state": "success", "context": "c"}, 201),
    ("GET", f"{REPO}/rules/branches/main", None, 200),
    ("GET", f"{REPO}/git/ref/heads/topic/x", None, 200),
    ("POST", f"{REPO}/git/refs", {"ref": "refs/heads/new", "sha": HEAD}, 201),
    ("GET", f"{REPO}/actions/runs?branch=change&event=pull_request&status=success", None, 200),
    ("GET", f"{REPO}/actions/runs/42", None, 200),
    ("GET", f"{REPO}/actions/artifacts?name=evidence&per_page=5", None, 200),
    ("GET", f"{REPO}/actions/runs/42/artifacts?name=evidence", None, 200),
    ("GET", f"{REPO}/actions/artifacts/103/zip", None, 200),
    ("GET", f"{REPO}/actions/runs/42/attempts/1", None, 200),
    ("GET", f"{REPO}/actions/runs/42/attempts/2", None, 404),
    ("GET", f"{REPO}/environments", None, 200),
    ("GET", f"{REPO}/actions/caches?key=build-&sort=created_at", None, 200),
    ("GET", f"{REPO}/commits/{HEAD}/check-runs?check_name=c&filter=all", None, 200),
    (
        "POST",
        f"{REPO}/check-runs",
        {"name": "c", "head_sha": HEAD, "status": "completed", "conclusion": "success"},
        201,
    ),
    ("GET", "/user", None, 403),
    ("GET", f"{REPO}/pulls/99", None, 404),
    ("GET", "/repos/acme/other", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ENDPOINTS)
def test_endpoint_matches_its_description(api: Api, method: str, path: str, body: object, status: int) -> None:
    """Each endpoint responds with the expected status, and the response is valid by GitHub's description."""
    response = call(api, method, path, body)
    assert (response.status_code, api.violations) == (status, [])


VIOLATIONS = [
    ("POST", f"{REPO}/issues/7/comments", {"body": "x", "extra": 1}, "'extra' was unexpected"),
    ("POST", f"{REPO}/issues/7/comments", {"body": 1}, "is not of type 'string'"),
    ("POST", f"{REPO}/issues/7/comments", {}, "'body' is a required property"),
    ("POST", f"{REPO}/issues/7/comments", None, "the body is missing"),
    ("POST", f"{REPO}/statuses/{HEAD}", {"state": "great"}, "is not one of"),
    ("POST", f"{REPO}/deployments/102/statuses", {"state": "success", "environment_uri": "x"}, "was unexpected"),
    ("GET", f"{REPO}/pulls?sate=open", None, "query parameter `sate` is not known"),
    ("GET", f"{REPO}/pulls?state=ajar", None, "is not one of"),
    ("GET", f"{REPO}/pulls/seven", None, "is not of type 'integer'"),
    ("GET", f"{REPO}/nothing", None, "no such endpoint"),
    ("PUT", f"{REPO}/pulls/7/merge", {}, "no such endpoint"),
]


@pytest.mark.parametrize(("method", "path", "body", "problem"), VIOLATIONS)
def test_invalid_request_is_a_violation(api: Api, method: str, path: str, body: object, problem: str) -> None:
    """The response to an unknown field, parameter or address, or a wrong type, is 500, and it is recorded."""
    assert call(api, method, path, body).status_code == 500
    (violation,) = api.violations
    assert problem in violation


def test_invalid_response_is_a_violation(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response of this server that does not match the description is a violation too."""
    valid = shapes.comment

    def invalid(root: str, stored: dict[str, Any]) -> dict[str, Any]:
        return {**valid(root, stored), "created_at": "yesterday"}

    monkeypatch.setattr(shapes, "comment", invalid)
    assert call(api, "GET", f"{REPO}/issues/7/comments").status_code == 500
    assert "response to GET" in api.violations[0]
    assert "yesterday" in api.violations[0]


def test_merged_pull_request(api: Api) -> None:
    """A closed pull request with a merge commit is merged, and lists the seeded commits."""
    fields = {"state": "closed", "merge_commit_sha": "c" * 40, "messages": ["one", "two"]}
    api.seed(pull_requests=[{"number": 8, "head_sha": HEAD, **fields}])
    merged = call(api, "GET", f"{REPO}/pulls/8").json()
    commits = call(api, "GET", f"{REPO}/pulls/8/commits").json()
    assert (merged["merged"], merged["merge_commit_sha"]) == (True, "c" * 40)
    assert [c["commit"]["message"] for c in commits] == ["one", "two"]
    assert commits[-1]["sha"] == HEAD
    assert api.violations == []


def test_permissions_of_tokens(api: Api) -> None:
    """An unknown token yields 401, an insufficient one 403 with the permission; a personal token has a login."""
    api.seed(tokens={"weak": {"permissions": {"contents": "read"}}})
    weak = call(api, "POST", f"{REPO}/issues/7/comments", {"body": "x"}, "weak")
    assert call(api, "GET", REPO, user="nobody").status_code == 401
    assert (weak.status_code, weak.json()["message"]) == (403, "Resource not accessible by integration")
    assert "pull_requests=write" in weak.headers["X-Accepted-GitHub-Permissions"]
    assert call(api, "GET", "/user", user="alice").json()["login"] == "alice"
    assert api.violations == []


def test_pages(api: Api) -> None:
    """Lists are split into pages with links."""
    api.seed(comments=[{"issue": 7, "body": str(i)} for i in range(4)])
    first = call(api, "GET", f"{REPO}/issues/7/comments?per_page=2")
    last = requests.get(first.links["last"]["url"], headers={"Authorization": "token t"}, timeout=10)
    assert [c["body"] for c in first.json()] == ["hello", "0"]
    assert [c["body"] for c in last.json()] == ["3"]
    assert "next" not in last.links


def test_lists_of_runs_and_artifacts(api: Api) -> None:
    """Runs and artifacts are listed newest first, with filters, in pages with a total count."""
    api.seed(
        runs=[{"id": n, "head_sha": HEAD, "event": "push", "head_branch": "main"} for n in (50, 51)],
        artifacts=[{"run_id": n, "name": "preds", "zip_base64": ""} for n in (50, 51)],
    )
    runs = call(api, "GET", f"{REPO}/actions/runs?event=push&branch=main").json()
    page = call(api, "GET", f"{REPO}/actions/artifacts?name=preds&per_page=1&page=2")
    assert [r["id"] for r in runs["workflow_runs"]] == [51, 50]
    assert (page.json()["total_count"], [a["workflow_run"]["id"] for a in page.json()["artifacts"]]) == (2, [50])
    assert api.violations == []


def test_faults(api: Api) -> None:
    """A fault applies as often as seeded; a lost response performed the request, a refused connection did not."""
    path = f"{REPO}/issues/7/comments"
    api.seed(
        faults=[{"kind": "lost-answer", "method": "POST", "path": "comments"}, {"kind": "refused", "path": "comments"}]
    )
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            call(api, "POST", path, {"body": "x"})
    assert call(api, "POST", path, {"body": "y"}).status_code == 201
    assert [c["body"] for c in api.state.comments] == ["hello", "x", "y"]


def test_as_a_process(tmp_path: Path) -> None:
    """The process prints its address, is seeded and dumped over HTTP, and stops on SIGTERM."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is missing; {spec.FETCH}")
    (tmp_path / "seed.json").write_text(json.dumps({"repositories": {"acme/shop": {}}}))
    command = [sys.executable, str(SERVER), "--port", "0", "--state", str(tmp_path / "seed.json")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        seeded = requests.post(f"{url}/_seed", json={"pull_requests": [{"number": 7, "head_sha": HEAD}]}, timeout=10)
        refused = requests.post(f"{url}/_seed", json={"pulls": []}, timeout=10)
        dumped = requests.get(f"{url}/_state", timeout=10).json()
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.communicate(timeout=10)
    assert (seeded.status_code, refused.status_code) == (204, 400)
    assert refused.json()["message"] == "seed: pulls is not known"
    assert [p["number"] for p in dumped["pull_requests"]] == [7]
    assert (dumped["comments"], dumped["violations"]) == ([], [])


def test_missing_description_is_reported(tmp_path: Path) -> None:
    """Without the description, the error contains the command that fetches it."""
    with pytest.raises(FileNotFoundError, match=r"@octokit/openapi@23\.0\.2"), running(file=tmp_path / "none.json"):
        pytest.fail("no error was raised")
