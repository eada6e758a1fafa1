"""Responses that are not GitHub's: every call raises one readable error, never a traceback, and never succeeds."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.comments import own_comment, upsert_comment
from ghmlops.act.github.deployments import record_deployment, set_commit_status, set_deployment_status
from ghmlops.act.github.pull_requests import open_revert_pull_request
from ghmlops.clients.github.client import connect
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus
from ghmlops.measure.github.merged_pull_request import merged_pull_request
from ghmlops.measure.github.pull_requests import UNREADABLE_RULES, blocking_rules, pull_request, pull_request_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ghmlops.clients.github.client import Client

SHA = "a" * 40
DEPLOYMENT = CreateDeployment(sha=SHA, environment="production", description="d", payload={"run": "1"})
STATUS = SetDeploymentStatus(state="success", description="d", environment="production")
COMMIT_STATUS = SetCommitStatus(sha=SHA, context="c", state="success", description="d")
CALLS: dict[str, Callable[[Client], object]] = {
    "pull_request": lambda c: pull_request(c, 7),
    "pull_request_for": lambda c: pull_request_for(c, head_sha=SHA),
    "merged_pull_request": lambda c: merged_pull_request(c, 7),
    "open_revert_pull_request": lambda c: open_revert_pull_request(c, head="h", base="main", title="t", body="b"),
    "own_comment": lambda c: own_comment(c, number=7, marker="<!-- m -->"),
    "upsert_comment": lambda c: upsert_comment(c, number=7, marker="<!-- m -->", body="<!-- m -->\nx"),
    "deployment": lambda c: record_deployment(c, DEPLOYMENT),
    "deployment_status": lambda c: set_deployment_status(c, 1, STATUS),
    "commit_status": lambda c: set_commit_status(c, COMMIT_STATUS),
}
RESPONSES = {
    "html": (200, b"<html>sign in</html>", ""),
    "broken": (200, b'{"id": ', ""),
    "latin": (200, b"\xff\xfe", ""),
    "no-content": (200, b"", ""),
    "null": (200, b"null", ""),
    "number": (200, b"5", ""),
    "text": (200, b'"x"', ""),
    "empty-object": (200, b"{}", ""),
    "list-of-text": (200, b'["x"]', ""),
    "wrong-types": (200, b'{"id": "x", "login": 5, "state": [], "number": {}, "head": 3, "merged": "y"}', ""),
    "redirect": (302, b"", "/login"),
    "moved-elsewhere": (301, b"", "https://login.example/"),
    "moved-in-a-circle": (301, b"", "/other"),
}


@contextlib.contextmanager
def serving(status: int, body: bytes, location: str) -> Iterator[str]:
    """Serve the same response to every request, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if location:
                self.send_header("location", location)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_GET  # noqa: N815  (names that http.server requires)

        def log_message(self, *_: object) -> None:
            """Suppress the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize("response", RESPONSES)
def test_unexpected_response_is_an_error(response: str) -> None:
    """No JSON, no object, no content or a redirect: every call raises an error with the address, and a hint.

    Rules that cannot be read lead to a pull request instead.
    """
    with (
        serving(*RESPONSES[response]) as url,
        connect(token="t", api_url=url, repository="acme/shop", note=print, sleep=lambda _: None) as client,
    ):
        for name, call in CALLS.items():
            with pytest.raises(GitHubError) as caught:
                pytest.fail(f"{name} passed with {call(client)}")
            assert caught.value.reason_code == "github-odd-answer"
            assert url in caught.value.message
            assert "\n" not in caught.value.message
            assert caught.value.hint
        assert blocking_rules(client, "main") == (UNREADABLE_RULES,)


def test_empty_list_is_a_valid_response() -> None:
    """An empty list is a result, not an error."""
    with (
        serving(200, b"[]", "") as url,
        connect(token="t", api_url=url, repository="acme/shop", note=print) as client,
    ):
        assert blocking_rules(client, "main") == ()
        assert pull_request_for(client, head_sha=SHA, head_branch="b") is None
