"""Sticky sessions on a real HAProxy: what the weights route, what is judged, and a rollback that they outlast."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from haproxy_router import needs_haproxy
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_haproxy
POLICY = """
version: 1
service: shop
alerts: {hosts: [127.0.0.1]}
promote:
  target:
    haproxy: {socket: admin.sock, backend: scorer, candidate: v2, twin: v1t, baseline: v1}
  ladder: [30%, 100%]
  rung: {min-requests: 40, max-duration: 30s, settle: 1.5s, bake: 0s}
  judge: {errors: 1%, latency: off}
  observe: {access-log: haproxy.log, format: haproxySESSION}
  watch: 0s
"""
STICKY = "roundrobin\n    cookie SRV insert indirect nocache"


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a router whose cookie keeps sessions of four requests at their server."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with routed_service(tmp_path, {"v2": 0, "v1t": 0, "v1": 100}, balance=STICKY) as running:
        running.session_length = 4
        running.wait_for(50)
        yield running


def promote(folder: Path, session: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    (folder / "policy.yml").write_text(POLICY.replace("SESSION", f", session: {session}" if session else ""))
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
    return code, json.loads((folder / "evidence" / "promotion.json").read_text())


def test_the_weights_route_the_first_request_of_a_session(scene: Scene, tmp_path: Path) -> None:
    """The ladder is walked although most requests go where their session is; the record says how many did not."""
    code, record = promote(tmp_path, "cookie")
    assert (code, record["decision"], record["sticky"]) == (0, "complete", True)
    assert record["caveats"] == []
    first = record["rungs"][0]
    requests, routed = (sum(first[name].values()) for name in ("requests", "routed"))
    assert 0 < routed < requests / 2
    assert set(scene.statuses) == {200}


def test_sessions_that_the_log_does_not_name_are_a_caveat(scene: Scene, tmp_path: Path) -> None:
    """The router reports that a cookie routed a request, and not whose it is."""
    code, record = promote(tmp_path, "")
    assert (code, record["decision"], record["sticky"]) == (0, "complete", True)
    (caveat,) = record["caveats"]
    assert "observe.session" in caveat
    assert set(scene.statuses) == {200}


def test_a_rollback_that_sessions_outlast_is_an_incident(scene: Scene, tmp_path: Path) -> None:
    """The weight is 0, and the router still sends sessions to the candidate: people are alerted to that, once."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    scene.arms["v2"].errors = 0.5
    record_file = tmp_path / "evidence" / "promotion.json"

    def stay() -> None:
        deadline = time.monotonic() + 30
        while not record_file.exists() or b'"rollback"' not in record_file.read_bytes():
            assert time.monotonic() < deadline, "there is no rollback"
            time.sleep(0.002)
        scene.session_length = 1_000_000  # sessions of the candidate do not end any more

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/hook"
        staying = threading.Thread(target=stay)
        staying.start()
        code, record = promote(tmp_path, "cookie", "--alert-webhook", address)
        staying.join()
        server.shutdown()
        thread.join()
    assert (code, record["decision"], record["incident"]) == (1, "rollback", "rollback-not-in-effect")
    assert record["shares"]["candidate"] == 0.0
    (alert,) = received
    assert (alert["event"], alert["reason_code"]) == ("incident", "rollback-not-in-effect")
    assert record["alerted"] == "rollback-not-in-effect"
