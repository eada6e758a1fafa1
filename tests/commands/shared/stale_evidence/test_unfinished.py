"""Evidence of an earlier run never counts for this one: whatever ends a command leaves an error in its place."""

from __future__ import annotations

import io
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.evidence import write_evidence
from ghmlops.commands.shared.base import Common, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError, InputError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator


SHA = "0123456789abcdef0123456789abcdef01234567"
POLICY = """
version: 1
service: scorer
preview: {url: "http://127.0.0.1:1", timeout: 100ms}
latency:
  request: {method: GET, path: /}
  arrivals: {poisson: 100/s, duration: 10s, warmup: 100ms}
  slo: {p50: 1s}
capacity: {}
regression: {task: binary, key: [id], label: y, score: s, artifacts: {baseline: none.parquet, candidate: none.parquet}}
"""
NOWHERE = ("--url", "http://127.0.0.1:1")
FINDING = Finding(id="toy", metric="m", outcome=Outcome.PASS, reason="Good.", docs="a.md#b")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a policy of every section."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def earlier(place: Path, command: str, leg: str = "") -> Path:
    """Write evidence of an earlier run that passed on the same commit, with a companion; return its path."""
    evidence = Evidence(
        command=command,
        leg=leg,
        outcome=Outcome.PASS,
        reason_code="all-passed",
        provenance=Provenance(repository="acme/s", head_sha=SHA, started="2026-01-01T00:00:00Z"),
        findings=[FINDING],
    )
    return write_evidence(place / "evidence", evidence, {"hlog": b"#[earlier]\n"})


def services(folder: Path, sha: str = SHA) -> Services:
    """Services of a command that runs in this process."""
    return Services(
        context=Context(head_sha=sha, in_actions=not sha),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


def environment(**more: str) -> dict[str, str]:
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_"))
    }
    return inherited | {"GITHUB_SHA": SHA} | more


def ghmlops(place: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ghmlops", *argv],
        cwd=place,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def content(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


CASES = {
    "latency, unreachable": ("latency", "", ("latency", *NOWHERE)),
    "latency, no policy": ("latency", "", ("latency", *NOWHERE, "--policy", "none.yml")),
    "latency, no address": ("latency", "", ("latency",)),
    "latency, not a number": ("latency", "", ("latency", *NOWHERE, "--seed", "x")),
    "latency, unknown flag": ("latency", "", ("latency", *NOWHERE, "--sede", "1")),
    "latency, leg": ("latency", "eu", ("latency", *NOWHERE, "--leg", "eu")),
    "latency, leg, not a number": ("latency", "eu", ("latency", *NOWHERE, "--leg=eu", "--seed", "x")),
    "latency, confirmation": ("latency", "confirm", ("latency", *NOWHERE, "--confirm", "none.json")),
    "latency, shard": ("latency", "shard-1-of-2", ("latency", *NOWHERE, "--shard", "1/2", "--start-at", "x")),
    "latency, shard, not a number": ("latency", "shard-1-of-2", ("latency", *NOWHERE, "--shard", "1/2", "--seed", "x")),
    "capacity, unreachable": ("capacity", "", ("capacity", *NOWHERE)),
    "capacity, host": ("capacity", "", ("capacity", "--url", "http://192.0.2.1")),
    "import, no file": ("import", "", ("import", "--file", "none.json")),
    "import, not a result": ("import", "", ("import", "--file", "policy.yml")),
    "regression, no file": ("regression", "", ("regression",)),
    "regression, engine": ("regression", "", ("regression", "--engine", "abacus")),
    "regression, replay": ("regression", "replay", ("regression", "--replay", "none.json")),
    "regression, replay of a leg": ("regression", "eu-replay", ("regression", "--replay", "x/regression-eu.json")),
    "rebuild, no commit": ("rebuild", "", ("regression", "--rebuild", "true")),
    "merge-shards, no folder": ("latency", "", ("merge-shards",)),
    "preview, not ready": ("preview", "", ("preview",)),
    "preview, no policy": ("preview", "", ("preview", "--policy", "none.yml")),
    "check, no policy": ("check", "", ("check", "--policy", "none.yml")),
    "check, not a number": ("check", "", ("check", "--seed", "x")),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_replaces_the_evidence_of_an_earlier_run(place: Path, case: str) -> None:
    """Whatever the user gets wrong, evidence with the outcome `error` about this commit is left; no companion is."""
    command, leg, argv = CASES[case]
    file = earlier(place, command, leg)
    argv = argv if "--policy" in argv else (*argv, "--policy", "policy.yml")
    done = ghmlops(place, *argv)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    evidence = content(file)
    assert (evidence["command"], evidence["leg"], evidence["outcome"]) == (command, leg, "error")
    assert evidence["provenance"]["head_sha"] == SHA
    assert {finding["outcome"] for finding in evidence["findings"]} == {"error"}
    assert not file.with_suffix(".hlog").exists()


def test_check_leaves_nothing_of_the_run_before_it(place: Path) -> None:
    """`check` with a policy that cannot be read removes the evidence of all its pillars, also those that it lost."""
    files = [earlier(place, command) for command in ("latency", "regression", "preview")]
    files += [earlier(place, "latency", leg) for leg in ("confirm", "head-policy", "head-policy-confirm")]
    (place / "evidence" / "verdict.json").write_text("{}", encoding="utf-8")
    (place / "policy.yml").write_text("version: 2\n", encoding="utf-8")
    done = ghmlops(place, "check", "--policy", "policy.yml")
    assert done.returncode == 2
    assert sorted(path.name for path in (place / "evidence").iterdir()) == ["check.json"]
    assert content(place / "evidence" / "check.json")["reason_code"] == "check-not-judged"
    assert not any(file.exists() for file in files)


@pytest.mark.parametrize("argv", [("latency", *NOWHERE, "--leg", "../x"), ("nonsense",), ("latency", "--help")])
def test_what_names_no_evidence_changes_none(place: Path, argv: tuple[str, ...]) -> None:
    """A leg that is a path, an unknown command and a help text leave other evidence alone."""
    file = earlier(place, "latency")
    before = file.read_bytes()
    ghmlops(place, *argv, "--policy", "policy.yml")
    assert file.read_bytes() == before


@pytest.mark.parametrize("argv", [("latency", *NOWHERE), ("capacity", *NOWHERE), ("regression",)])
def test_a_dry_run_changes_nothing(place: Path, argv: tuple[str, ...]) -> None:
    """A dry run keeps the evidence, with valid inputs and with malformed ones."""
    file = earlier(place, argv[0])
    before = file.read_bytes()
    for more in ((), ("--seed", "x")):
        ghmlops(place, *argv, "--policy", "policy.yml", "--dry-run", *more)
    assert file.read_bytes() == before


def test_an_unreadable_event_replaces_the_evidence(place: Path) -> None:
    """An event that is not JSON ends every command before it starts, and its evidence is an error."""
    file = earlier(place, "latency")
    (place / "event.json").write_text("{", encoding="utf-8")
    done = ghmlops(place, "latency", *NOWHERE, GITHUB_EVENT_PATH=str(place / "event.json"))
    assert (done.returncode, content(file)["outcome"]) == (2, "error")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 512
        daemon_threads = True

    class Silence(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)
            time.sleep(20)

    with Server(("127.0.0.1", 0), Silence) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_signal_leaves_an_error(place: Path, silent: int, number: int, code: int) -> None:
    """Even SIGKILL in the middle of the load leaves nothing of the earlier run."""
    file = earlier(place, "latency")
    before = file.read_bytes()
    argv = ["latency", "--url", f"http://127.0.0.1:{silent}", "--policy", "policy.yml"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ghmlops", *argv], cwd=place, env=environment(), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while file.read_bytes() == before and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1.0)
    process.send_signal(number)
    assert process.wait(20) == code
    evidence = content(file)
    assert (evidence["outcome"], evidence["reason_code"]) == ("error", "latency-not-judged")
    assert not file.with_suffix(".hlog").exists()


def test_a_bug_leaves_an_error_and_its_traceback(tmp_path: Path) -> None:
    """An exception that no command expects becomes evidence, and is raised on."""
    earlier(tmp_path, "toy")
    with pytest.raises(ZeroDivisionError), unfinished("toy", Common(), services(tmp_path)):
        _ = 1 / 0
    evidence = content(tmp_path / "evidence" / "toy.json")
    assert (evidence["outcome"], evidence["reason_code"]) == ("error", "toy-not-judged")


def test_evidence_that_the_command_wrote_is_kept(tmp_path: Path) -> None:
    """A command that writes evidence and then raises has described its error itself."""

    def fail_after_writing() -> None:
        with unfinished("toy", Common(), services(tmp_path)):
            earlier(tmp_path, "toy")
            raise DataError("no file")

    with pytest.raises(DataError):
        fail_after_writing()
    assert content(tmp_path / "evidence" / "toy.json")["outcome"] == "pass"


def test_a_command_without_a_result_leaves_none(tmp_path: Path) -> None:
    """The placeholder is removed if the command ends well and writes no evidence."""
    with unfinished("toy", Common(), services(tmp_path)):
        assert content(tmp_path / "evidence" / "toy.json")["outcome"] == "error"
    assert list((tmp_path / "evidence").iterdir()) == []


def test_a_file_that_is_read_is_not_replaced(tmp_path: Path) -> None:
    """Evidence that a command reads cannot be the evidence that it writes; it is kept."""
    file = earlier(tmp_path, "latency", "confirm")
    before = file.read_bytes()
    reads = ("evidence/latency-confirm.json",)
    with pytest.raises(InputError), unfinished("latency", Common(), services(tmp_path), leg="confirm", reads=reads):
        pytest.fail("the block must not run")
    assert file.read_bytes() == before


def test_evidence_without_a_commit_is_removed(tmp_path: Path) -> None:
    """If a workflow run has no commit, no evidence can be written, so that the old one is removed."""
    file = earlier(tmp_path, "latency")
    with pytest.raises(InputError), unfinished("latency", Common(), services(tmp_path, sha="")):
        pytest.fail("the block must not run")
    assert not file.exists()
    assert not file.with_suffix(".hlog").exists()
