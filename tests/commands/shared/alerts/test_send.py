"""Alerts of a command: checked before it acts, sent once it is recorded, never printed."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {environment: production, require: [preview]}
alerts: {hosts: [127.0.0.1]}
"""
DELIVERIES: list[tuple[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    """Records a delivery; refuses it under `/refused`."""

    def do_POST(self) -> None:
        DELIVERIES.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(400 if self.path.startswith("/refused") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run in a folder with a policy and without evidence; yield the address of a webhook."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    DELIVERIES.clear()
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ghmlops.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    variables = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": "a" * 40, "GITHUB_RUN_ID": "42"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def api(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The local GitHub API of the run."""
    assert address
    with running({"repositories": {"acme/shop": {}}}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []


def test_a_hold_is_reported_to_both(address: str, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """After it is recorded; the addresses are in no output, and a dry run tells nobody."""
    flags = ["--alert-webhook", f"{address}/s3cret", "--alert-slack", f"{address}/s1ack"]
    assert main(["gate", "--token", "t", "--dry-run", *flags]) == 1
    assert main(["gate", *flags]) == 1
    assert DELIVERIES == []
    assert main(["gate", "--token", "t", "--json", *flags]) == 1
    (path, body), (slack_path, slack) = DELIVERIES
    assert (path, body["event"], body["reason_code"], body["service"]) == (
        "/s3cret",
        "hold",
        "evidence-missing",
        "shop",
    )
    assert (slack_path, set(slack)) == ("/s1ack", {"text", "unfurl_links"})
    assert len(api.state.deployments) == 1
    output = capsys.readouterr()
    assert not [word for word in ("s3cret", "s1ack") if word in output.out + output.err]


def test_an_alert_that_is_refused_is_a_note(address: str, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The hold stays recorded, the exit code stays that of the verdict, and the other address is served."""
    flags = ["--alert-webhook", f"{address}/refused/s3cret", "--alert-slack", f"{address}/s1ack"]
    assert main(["gate", "--token", "t", *flags]) == 1
    assert [path for path, _ in DELIVERIES] == ["/refused/s3cret", "/s1ack"]
    assert [s["state"] for s in api.state.deployment_statuses] == ["pending"]
    error = capsys.readouterr().err
    assert ("`alert-webhook` was not delivered" in error, "s3cret" in error) == (True, False)


def test_a_host_that_the_policy_does_not_list_stops_the_command(
    address: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is written; the message names the input and not the address."""
    assert address
    assert main(["gate", "--token", "t", "--alert-webhook", "https://hooks.example/s3cret"]) == 2
    error = capsys.readouterr().err
    assert ("`alert-webhook`" in error, "s3cret" in error) == (True, False)
    assert (api.state.statuses, DELIVERIES) == ([], [])
