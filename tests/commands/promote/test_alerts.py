"""Alerts of a promotion that does not complete."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import open_target, read_shares
from ghmlops.act.targets.dry_run import DryRun
from ghmlops.cli import main
from ghmlops.commands.promote import job, way_back
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: shop
alerts: {hosts: [127.0.0.1]}
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 0, max-duration: 0.3s, settle: 1s, bake: 0s}
  judge: {errors: 1%, latency: "off"}
  observe: {access-log: log.jsonl, format: jsonl}
  on: {low-traffic: REACTION}
"""


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the address of a webhook, and the alerts that it received."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a rehearsal without traffic."""
    (tmp_path / "log.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    return tmp_path


def promote(folder: Path, address: str, reaction: str, *more: str) -> int:
    """Run the command; return the exit code."""
    (folder / "policy.yml").write_text(POLICY.replace("REACTION", reaction))
    arguments = ["--policy", "policy.yml", "--commit", "a" * 40, "--alert-webhook", address]
    return main(["promote", *arguments, *more])


@pytest.mark.parametrize("reaction", ["hold", "rollback"])
def test_one_alert_says_what_happened(folder: Path, webhook: tuple[str, list[dict[str, Any]]], reaction: str) -> None:
    """A hold and a rollback, each once, with the commit and the reason code."""
    address, received = webhook
    assert promote(folder, address, reaction) == 1
    (alert,) = received
    assert (alert["event"], alert["command"], alert["repository"]) == (reaction, "promote", "acme/shop")
    assert (alert["service"], alert["commit"], alert["reason_code"]) == ("shop", "a" * 40, "low-traffic")


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "http://elsewhere.example/hook", "nonsense"])
def test_an_address_that_is_not_allowed_changes_nothing(folder: Path, address: str) -> None:
    """It is refused before the first weight."""
    assert promote(folder, address, "hold") == 2
    assert read_shares(open_target(DryRunTarget(), folder)) == BASELINE_ONLY


def test_a_webhook_that_does_not_answer(folder: Path) -> None:
    """The traffic returned already; the record and the exit code say that nobody was alerted to it."""
    assert promote(folder, "http://127.0.0.1:9/hook", "rollback") == 2
    record = json.loads((folder / "evidence" / "promotion.json").read_text())
    assert (record["decision"], len(record["undone"])) == ("rollback", 1)


def test_a_hold_that_goes_on_is_reported_once(folder: Path, webhook: tuple[str, list[dict[str, Any]]]) -> None:
    """The record of the run before says what people were alerted to."""
    address, received = webhook
    assert promote(folder, address, "hold") == 1
    assert promote(folder, address, "hold", "--resume") == 1
    assert [alert["event"] for alert in received] == ["hold"]


def test_a_rollback_that_the_router_does_not_let_end_is_an_incident(
    folder: Path, webhook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every attempt is refused: exit code 2, one alert; the next run returns the traffic and reports the rollback."""

    class Stuck(DryRun):
        def set_weight(self, arm: str, weight: int) -> None:
            if arm == "candidate" and weight == 0:
                raise ServiceError("the router refuses", hint="ask it", reason_code="target-refused")
            super().set_weight(arm, weight)

    address, received = webhook
    monkeypatch.setattr(way_back, "ATTEMPT_SECONDS", 0.01)
    with monkeypatch.context() as refusing:
        refusing.setattr(job, "open_target", lambda *_: Stuck(DryRunTarget(), folder))
        assert promote(folder, address, "rollback") == 2
    assert read_shares(open_target(DryRunTarget(), folder)).candidate == pytest.approx(0.25, abs=0.001)
    assert promote(folder, address, "rollback", "--resume") == 1
    assert read_shares(open_target(DryRunTarget(), folder)) == BASELINE_ONLY
    events = [(alert["event"], alert["reason_code"]) for alert in received]
    assert events == [("incident", "target-refused"), ("rollback", "low-traffic")]
