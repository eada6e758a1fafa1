"""Several generator processes behave as one generator, and none of them survives the run."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scoring_service
from ghmlops.core.errors import GhmlopsError, PolicyError
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.processes import run_processes
from ghmlops.measure.load.target import parse_target
from ghmlops.measure.load.worker import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 30.0


def load(url: str, n: int = 200, *, arms: int = 1, headers: dict[str, str] | None = None, **more: Any) -> Load:
    targets = [probe(parse_target(url, "url"), "url")] * arms if url else []
    calls = [Call(endpoint=0, path="/predict", body=b"%d" % i) for i in range(n)]
    options: dict[str, Any] = {
        "targets": targets, "calls": calls,
        "warmup": 23, "block": 50, "connections": 8, "timeout": PATIENCE, "write_order": [i % 2 for i in range(n)],
        "order": list(range(n)), "times": np.arange(n) / 500.0,
    }  # fmt: skip
    endpoints = [Request(path="/predict", headers=headers or {}, timeout=PATIENCE)]
    return Load(endpoints=endpoints, **(options | more))


def test_every_request_is_sent_once(tmp_path: Path) -> None:
    """Each payload arrives once, blocks are complete and in order, and there are no more processes than connections."""
    log = tmp_path / "log"
    block_sizes: list[int] = []
    ticks: list[int] = []
    with scoring_service.started("--log", str(log)) as url:
        recording = run_processes(
            load(url, connections=3),
            5,
            lambda block: not block_sizes.append(len(block[0])),  # type: ignore[func-returns-value]
            lambda sent, _seconds: ticks.append(sent),
        )
    bodies = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert sorted(bodies) == list(range(200))
    assert block_sizes == [50, 50, 50, 27]
    (answers,) = recording.arms
    assert (len(answers), answers.count([Kind.OK]), len(recording.dispatch_times)) == (177, 177, 177)
    assert bool((recording.dispatch_times >= answers.scheduled).all())
    assert recording.notes["processes"] == 3
    assert recording.notes["requests_sent"] == 200
    assert max(ticks) <= 200
    # Each process keeps the gaps of its share; shares are shifted by the skew of the starts.
    steps = np.abs(answers.scheduled - answers.scheduled[0] - np.arange(177) / 500.0)
    assert float(steps.max()) <= recording.notes["start_skew"] + 1e-9


def test_both_arms_receive_each_request_at_the_same_time(service: str) -> None:
    """With two arms, each request is scheduled once and sent to both."""
    first, second = run_processes(load(service, arms=2), 2, lambda _: True).arms
    assert np.array_equal(first.scheduled, second.scheduled)
    assert (first.count([Kind.OK]), second.count([Kind.OK])) == (177, 177)


def test_on_block_can_stop_the_run(service: str) -> None:
    """When `on_block` returns False, the processes stop, and the recording contains exactly the reported blocks."""
    block_sizes: list[int] = []

    def on_block(block: Sequence[Answers]) -> bool:
        block_sizes.append(len(block[0]))
        return len(block_sizes) < 2

    recording = run_processes(load(service, 20_000, times=np.arange(20_000) / 300.0), 2, on_block)
    assert block_sizes == [50, 50]
    assert len(recording.arms[0]) == len(recording.dispatch_times) == 100
    assert recording.notes["requests_sent"] < 20_000


def test_one_connection_needs_one_process(service: str) -> None:
    """With a single connection the run takes place in this process, with the same result."""
    recording = run_processes(load(service, connections=1), 4, lambda _: True)
    assert "processes" not in recording.notes
    assert len(recording.arms[0]) == 177


def test_a_process_that_dies_is_an_error(service: str) -> None:
    """If one process is killed, the run ends with an error that names it, and the other processes end too."""
    killed: list[int] = []

    def on_tick(_sent: int, _seconds: float) -> None:
        if not killed:
            killed.append(children(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    long_load = load(service, 20_000, times=np.arange(20_000) / 300.0)
    with pytest.raises(GhmlopsError, match=r"process \d") as caught:
        run_processes(long_load, 2, lambda _: True, on_tick)
    assert (caught.value.reason_code, children(os.getpid())) == ("generator-died", [])


def test_an_error_of_the_user_keeps_its_type(service: str) -> None:
    """An error of the policy in a process is raised as the same error in this one."""
    with pytest.raises(PolicyError, match="content-length") as caught:
        run_processes(load(service, headers={"content-length": "5"}), 2, lambda _: True)
    assert caught.value.hint
    assert children(os.getpid()) == []


def test_a_bug_in_the_caller_leaves_no_process(service: str) -> None:
    """An exception of `on_block` is raised by the run, and every process has ended."""

    def on_block(_block: Sequence[Answers]) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_processes(load(service), 2, on_block)
    assert children(os.getpid()) == []


SCRIPT = """
import sys
sys.path[:0] = {path!r}
if __name__ == "__main__":
    import numpy as np
    from test_processes import load
    from ghmlops.measure.load.processes import run_processes
    long_load = load({url!r}, 20_000, times=np.arange(20_000) / 300.0)
    def on_block(block):
        print("block", flush=True)
        return True
    try:
        run_processes(long_load, 2, on_block)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_no_process(service: str, tmp_path: Path, number: signal.Signals) -> None:
    """When the parent is interrupted, terminated or killed, its generator processes end too."""
    script = tmp_path / "run.py"
    here = Path(__file__)
    script.write_text(SCRIPT.format(path=[str(here.parent), str(here.parents[2])], url=service))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "block\n"
        workers = children(process.pid)
        assert len(workers) >= 2
        process.send_signal(number)
        code = process.wait(PATIENCE)
    assert code == (-9 if number is signal.SIGKILL else 130)
    end = time.monotonic() + PATIENCE
    while (survivors := [pid for pid in workers if alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert survivors == []


class Handler(BaseHTTPRequestHandler):
    """Responds with `ok` to every GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_is_verified_in_every_process(tmp_path: Path) -> None:
    """The TLS context of a process trusts the authorities of the target's context, and no others."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True, timeout=60)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        server.socket = server_side.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            plain = parse_target(f"https://localhost:{server.server_address[1]}", "url")
            trusting = replace(plain, tls=ssl.create_default_context(cafile=str(certificate)))
            tls_load = replace(
                load(
                    "", targets=[probe(trusting, "url")], n=60, warmup=0, calls=[Call(endpoint=0, path="/", body=None)]
                ),
                endpoints=[Request(method="GET", path="/")],
                order=[0] * 60,
            )
            recording = run_processes(tls_load, 2, lambda _: True)
        finally:
            server.shutdown()
            thread.join(PATIENCE)
    assert recording.arms[0].count([Kind.OK]) == 60
    settings = TlsSettings(
        authorities=b"", flags=ssl.VerifyFlags.VERIFY_DEFAULT, minimum_version=ssl.TLSVersion.TLSv1_2
    )
    empty = settings.create_context()
    assert (empty.get_ca_certs(), empty.verify_mode, empty.check_hostname) == ([], ssl.CERT_REQUIRED, True)


def children(pid: int) -> list[int]:
    """Return the generator processes of `pid`: its children that multiprocessing has spawned."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
            except (OSError, ValueError, IndexError):
                continue
            if parent == pid and b"spawn_main" in command and alive(int(entry.name)):
                pids.append(int(entry.name))
    return pids


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False
