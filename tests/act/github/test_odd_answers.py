"""Something else answers in GitHub's place: one line that says so, never a traceback and never a success."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.client import connect
from ghmlops.act.github.comments import own_comment, upsert_comment
from ghmlops.act.github.deployments import record_deployment, set_commit_status, set_deployment_status
from ghmlops.act.github.merged import merged_pull_request
from ghmlops.act.github.pulls import open_revert_pull_request, protected, pull_request, pull_request_for
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ghmlops.act.github.client import Client

SHA = "a" * 40
DEPLOYMENT = CreateDeployment(sha=SHA, environment="production", description="d", payload={"run": "1"})
STATUS = SetDeploymentStatus(state="success", description="d", environment="production")
COMMIT_STATUS = SetCommitStatus(sha=SHA, context="c", state="success", description="d")
CALLS: dict[str, Callable[[Client], object]] = {
    "pull_request": lambda c: pull_request(c, 7),
    "pull_request_for": lambda c: pull_request_for(c, head_sha=SHA),
    "merged": lambda c: merged_pull_request(c, 7),
    "protected": lambda c: protected(c, "main"),
    "revert": lambda c: open_revert_pull_request(c, head="h", base="main", title="t", body="b"),
    "own_comment": lambda c: own_comment(c, number=7, marker="<!-- m -->"),
    "upsert_comment": lambda c: upsert_comment(c, number=7, marker="<!-- m -->", body="<!-- m -->\nx"),
    "deployment": lambda c: record_deployment(c, DEPLOYMENT),
    "deployment_status": lambda c: set_deployment_status(c, 1, STATUS),
    "commit_status": lambda c: set_commit_status(c, COMMIT_STATUS),
}
ANSWERS = {
    "html": (200, b"<html>sign in</html>", ""),
    "broken": (200, b'{"id": ', ""),
    "latin": (200, b"\xff\xfe", ""),
    "nothing": (200, b"", ""),
    "null": (200, b"null", ""),
    "number": (200, b"5", ""),
    "text": (200, b'"x"', ""),
    "empty-object": (200, b"{}", ""),
    "list-of-text": (200, b'["x"]', ""),
    "wrong-types": (200, b'{"id": "x", "login": 5, "state": [], "number": {}, "head": 3, "merged": "y"}', ""),
    "found": (302, b"", "/login"),
    "elsewhere": (301, b"", "https://login.example/"),
    "loop": (301, b"", "/other"),
}


@contextlib.contextmanager
def answering(status: int, body: bytes, location: str) -> Iterator[str]:
    """Serve the same answer to every request, and give the address."""

    class Same(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if location:
                self.send_header("location", location)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_GET  # noqa: N815  (the names that http.server asks for)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_not_githubs_is_said_to_be_so(answer: str) -> None:
    """No JSON, no object, no content or a redirect: every call tells address and purpose, on one line with a hint."""
    with (
        answering(*ANSWERS[answer]) as url,
        connect(token="t", api_url=url, repository="acme/shop", note=print, sleep=lambda _: None) as client,
    ):
        for name, call in CALLS.items():
            with pytest.raises(GitHubError, match="that is not what GitHub's API gives") as caught:
                pytest.fail(f"{name} passed with {call(client)}")
            assert caught.value.message.startswith(f"{url} gave an answer while ")
            assert caught.value.hint


def test_an_empty_list_is_an_answer() -> None:
    """Where GitHub lists nothing, there is nothing; that is no fault."""
    with (
        answering(200, b"[]", "") as url,
        connect(token="t", api_url=url, repository="acme/shop", note=print) as client,
    ):
        assert protected(client, "main") == ()
        assert pull_request_for(client, head_sha=SHA, head_branch="b") is None
