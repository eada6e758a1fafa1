"""Several generator processes are one generator: every request once, blocks in order, and none is left behind."""

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
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring_service
from ghmlops.core.errors import GhmlopsError, PolicyError
from ghmlops.core.latency.answers import Answers, Kind, Tokens
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.merge_processes import join, merge_notes, weave
from ghmlops.measure.load.processes import run_processes
from ghmlops.measure.load.target import parse_target, probe
from ghmlops.measure.load.worker import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 30.0


def load(url: str, n: int = 200, *, arms: int = 1, headers: dict[str, str] | None = None, **more: Any) -> Load:
    targets = [probe(parse_target(url, "url"), "url")] * arms if url else []
    calls = [Call(endpoint=0, path="/predict", body=b"%d" % i) for i in range(n)]
    given: dict[str, Any] = {
        "targets": targets, "calls": calls,
        "warmup": 23, "block": 50, "connections": 8, "timeout": PATIENCE, "second_first": [i % 2 for i in range(n)],
        "order": list(range(n)), "times": np.arange(n) / 500.0,
    }  # fmt: skip
    endpoints = [Request(path="/predict", headers=headers or {}, timeout=PATIENCE)]
    return Load(endpoints=endpoints, **(given | more))


def test_every_request_is_sent_once(tmp_path: Path) -> None:
    """Counts are those of one generator: each payload arrives once, and blocks come whole and in order.

    There are no more processes than connections.
    """
    log = tmp_path / "log"
    seen: list[int] = []
    ticks: list[int] = []
    with scoring_service.started("--log", str(log)) as url:
        given = load(url, connections=3)
        found = run_processes(
            given,
            5,
            lambda block: not seen.append(len(block[0])),  # type: ignore[func-returns-value]
            lambda sent, _seconds: ticks.append(sent),
        )
    bodies = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert sorted(bodies) == list(range(200))
    assert seen == [50, 50, 50, 27]
    (answers,) = found.arms
    assert (len(answers), answers.count([Kind.OK]), len(found.dispatched)) == (177, 177, 177)
    assert bool((found.dispatched >= answers.scheduled).all())
    assert found.notes["processes"] == 3
    assert found.notes["requests_sent"] == 200
    assert max(ticks) <= 200
    # each process keeps the gaps of its part; between them lies the skew of their starts
    steps = np.abs(answers.scheduled - answers.scheduled[0] - np.arange(177) / 500.0)
    assert float(steps.max()) <= found.notes["start_skew"] + 1e-9


def test_both_arms_get_the_same(service: str) -> None:
    """With two arms, each request goes to both at its one scheduled time."""
    found = run_processes(load(service, arms=2), 2, lambda _: True)
    first, second = found.arms
    assert np.array_equal(first.scheduled, second.scheduled)
    assert (first.count([Kind.OK]), second.count([Kind.OK])) == (177, 177)


def test_enough_is_enough(service: str) -> None:
    """When `on_block` has seen enough, the processes stop, and the recording holds what it has seen."""
    seen: list[int] = []

    def on_block(block: Sequence[Answers]) -> bool:
        seen.append(len(block[0]))
        return len(seen) < 2

    given = load(service, 20_000, times=np.arange(20_000) / 300.0)
    found = run_processes(given, 2, on_block)
    assert seen == [50, 50]
    assert len(found.arms[0]) == len(found.dispatched) == 100
    assert found.notes["requests_sent"] < 20_000


def test_one_connection_is_one_process(service: str) -> None:
    """It is this one; the run is the same."""
    found = run_processes(load(service, connections=1), 4, lambda _: True)
    assert "processes" not in found.notes
    assert len(found.arms[0]) == 177


def test_a_process_that_dies_is_an_error(service: str) -> None:
    """Killed from outside, one process ends the run as an error that names it, and the others with it."""
    killed: list[int] = []

    def on_tick(_sent: int, _seconds: float) -> None:
        if not killed:
            killed.append(children(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    given = load(service, 20_000, times=np.arange(20_000) / 300.0)
    with pytest.raises(GhmlopsError, match=r"generator process \d died") as caught:
        run_processes(given, 2, lambda _: True, on_tick)
    assert (caught.value.reason_code, children(os.getpid())) == ("generator-died", [])


def test_an_error_of_the_user_stays_one(service: str) -> None:
    """A header that breaks the framing is the same error from a process as from this one."""
    with pytest.raises(PolicyError, match="ghmlops sets this header itself") as caught:
        run_processes(load(service, headers={"content-length": "5"}), 2, lambda _: True)
    assert caught.value.hint
    assert children(os.getpid()) == []


def test_a_bug_in_the_caller_leaves_no_process(service: str) -> None:
    """An exception of `on_block` comes through, and every process is ended."""

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
    given = load({url!r}, 20_000, times=np.arange(20_000) / 300.0)
    def on_block(block):
        print("block", flush=True)
        return True
    try:
        run_processes(given, 2, on_block)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_no_process(service: str, tmp_path: Path, number: signal.Signals) -> None:
    """Interrupted, terminated or killed: the generator's processes end too."""
    script = tmp_path / "run.py"
    here = Path(__file__)
    script.write_text(SCRIPT.format(path=[str(here.parent), str(here.parents[2])], url=service))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "block\n"
        below = children(process.pid)
        assert len(below) >= 2
        process.send_signal(number)
        code = process.wait(PATIENCE)
    assert code == (-9 if number is signal.SIGKILL else 130)
    end = time.monotonic() + PATIENCE
    while (left := [pid for pid in below if alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []


class Says(BaseHTTPRequestHandler):
    """Answers ok to every GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_tls_is_verified_in_every_process(tmp_path: Path) -> None:
    """A context cannot be sent to a process: there it trusts what the target's context trusts, and nothing else."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True, timeout=60)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as server:
        server.daemon_threads = False
        server.socket = server_side.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            plain = parse_target(f"https://localhost:{server.server_address[1]}", "url")
            trusting = replace(plain, tls=ssl.create_default_context(cafile=str(certificate)))
            given = replace(
                load(
                    "", targets=[probe(trusting, "url")], n=60, warmup=0, calls=[Call(endpoint=0, path="/", body=None)]
                ),
                endpoints=[Request(method="GET", path="/")],
                order=[0] * 60,
            )
            found = run_processes(given, 2, lambda _: True)
        finally:
            server.shutdown()
            thread.join(PATIENCE)
    assert found.arms[0].count([Kind.OK]) == 60
    none = Trust(authorities=b"", flags=ssl.VerifyFlags.VERIFY_DEFAULT, oldest=ssl.TLSVersion.TLSv1_2).context()
    assert (none.get_ca_certs(), none.verify_mode, none.check_hostname) == ([], ssl.CERT_REQUIRED, True)


@settings(deadline=None)
@given(n=st.integers(1, 60), processes=st.integers(1, 5), streams=st.booleans())
def test_weaving_is_the_inverse_of_thinning(n: int, processes: int, streams: bool) -> None:
    """Answers cut into shares and woven again are the answers, tokens and gaps included."""
    whole = answers(n, streams=streams)
    places = [np.arange(k, n, processes) for k in range(processes)]
    woven = weave([pick(whole, where) for where in places], places)
    assert same(woven, whole)
    assert same(join([whole.part(0, n // 2), whole.part(n // 2, n)]), whole)


def test_notes_are_merged() -> None:
    """Counts are added, flags are true where all are, what differs is listed."""
    one = {"timer": "timerfd", "priority_raised": True, "requests_sent": 3, "connections": [1, 2], "kind": "a"}
    two = {"timer": "timerfd", "priority_raised": False, "requests_sent": 4, "connections": [3, 4], "kind": "b"}
    assert merge_notes([one, two]) == {
        "timer": "timerfd",
        "priority_raised": False,
        "requests_sent": 7,
        "connections": [4, 6],
        "kind": ["a", "b"],
    }


def answers(n: int, *, streams: bool) -> Answers:
    rng = np.random.default_rng(n)
    columns: dict[str, Any] = {name: rng.uniform(size=n) for name in ("scheduled", "sent", "first", "done")}
    tokens = None
    if streams:
        count = rng.integers(0, 4, n).astype(np.uint32)
        gap_of = np.repeat(np.arange(n, dtype=np.uint32), count)
        gap = rng.uniform(size=len(gap_of)).astype(np.float32)
        tokens = Tokens(first=rng.uniform(size=n), last=rng.uniform(size=n), count=count, gap=gap, gap_of=gap_of)
    return Answers(
        **columns,
        status=rng.integers(0, 600, n).astype(np.uint16),
        kind=rng.integers(0, 5, n).astype(np.uint8),
        endpoint=rng.integers(0, 3, n).astype(np.uint8),
        tokens=tokens,
    )


def pick(whole: Answers, where: Any) -> Answers:
    return join([whole.part(int(k), int(k) + 1) for k in where]) if len(where) else whole.part(0, 0)


def same(one: Answers, two: Answers) -> bool:
    names = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
    equal = all(np.array_equal(getattr(one, name), getattr(two, name)) for name in names)
    if one.tokens is None or two.tokens is None:
        return equal and one.tokens is two.tokens
    a, b = one.tokens, two.tokens
    return (
        equal
        and np.array_equal(a.count, b.count)
        and np.array_equal(a.first, b.first)
        and sorted(zip(a.gap_of.tolist(), a.gap.tolist(), strict=True))
        == sorted(zip(b.gap_of.tolist(), b.gap.tolist(), strict=True))
    )


def children(pid: int) -> list[int]:
    """Return the processes below `pid` that generate load: those that multiprocessing spawned."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
            except (OSError, ValueError, IndexError):
                continue
            if parent == pid and b"spawn_main" in command and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False
