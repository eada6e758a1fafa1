"""What a mirror costs the live path (goal S3): two real routers in front of one live service, one of which mirrors.

The routers are Envoy, or HAProxy with the Lua script of `actions/shadow/README.md`.

Each request goes through both, one directly after the other, in random order; the intervals are bootstraps over these
pairs. The mirrored copies go to a candidate in a process of its own, which answers, never answers, resets each
connection, or is dead.
"""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import re
import resource
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psutil

from answering_service import RESET, STALL, ReceivedRequest, Reply, answering
from envoy_router import running_envoy
from haproxy_router import free_port, start_haproxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

README = Path(__file__).resolve().parents[3] / "actions" / "shadow" / "README.md"
GOALS = {"p50": 0.02, "p99": 0.10}
MEAN_SECONDS, SPREAD = 0.004, 0.3
"""Median and log standard deviation of the time that the live service takes for a request."""
BODY = b'{"row": [' + b", ".join(b"0.125" for _ in range(100)) + b"]}"
PAUSE = 0.012
"""Mean seconds between two pairs of requests."""
LATE = 1.0
"""Seconds from which on a live request counts as delayed: a time limit of a candidate would show as such."""
RESAMPLES = 1000
DEAD = "dead"
MODES = {"answering": 200, "stalled": STALL, "resetting": RESET, DEAD: None}


class Times(NamedTuple):
    """Response times of one router in seconds, and its requests without a 200."""

    seconds: np.ndarray
    lost: int


@contextlib.contextmanager
def _service(status: int | None) -> Iterator[tuple[int, int]]:
    """Serve in another process; yield its port and process id. Without a status nothing listens at the port."""
    if status is None:
        yield free_port(), 0
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, status), daemon=True)
    process.start()
    try:
        yield ours.recv(), process.pid or 0
    finally:
        ours.send(None)
        process.join(10)
        process.kill()


def _serve(connection: Connection, status: int) -> None:
    rng = np.random.default_rng(3)

    def answer(_: ReceivedRequest) -> Reply:
        if status == 200:
            time.sleep(float(MEAN_SECONDS * np.exp(rng.normal(0, SPREAD))))
        return Reply(status=status, body=b'{"score": 0.5}')

    with answering(answer) as (service,):
        connection.send(service.server_port)
        connection.recv()


@contextlib.contextmanager
def _envoys(folder: Path, live: int, candidate: int) -> Iterator[tuple[int, int]]:
    """Start both routers; yield the ports of the plain one and of the mirroring one."""
    plain = {"match": {"prefix": "/"}, "route": {"cluster": "live", "timeout": "10s"}}
    policies = {"request_mirror_policies": [{"cluster": "shadow"}]}
    mirroring = {"match": {"prefix": "/"}, "route": {"cluster": "live", "timeout": "10s", **policies}}
    with contextlib.ExitStack() as stack:
        ports = []
        for name, route in (("plain", plain), ("mirroring", mirroring)):
            (folder / name).mkdir()
            servers = {"live": (live, 1), "shadow": (candidate, 0)}
            router = stack.enter_context(running_envoy(folder / name, servers, routes=[route]))
            ports.append(router.port)
        yield ports[0], ports[1]


@contextlib.contextmanager
def _haproxies(folder: Path, live: int, candidate: int) -> Iterator[tuple[int, int]]:
    """Start both routers, which differ in the lines of the mirror; yield their ports."""
    recipe = README.read_text(encoding="utf-8").partition("### Recipe: HAProxy mirrors")[2]
    script, mirroring = (re.findall(rf"```{name}\n(.*?)```", recipe, re.DOTALL)[0] for name in ("lua", "haproxy"))
    shadows = f'local shadows = {{ "http://127.0.0.1:{candidate}" }}'
    (folder / "mirror.lua").write_text(re.sub("^local shadows = .*$", shadows, script, flags=re.MULTILINE))
    mirroring = mirroring.replace("mirror.lua", str(folder / "mirror.lua")).replace(":8081", f":{live}")
    plain = "".join(line for line in mirroring.splitlines(keepends=True) if "lua" not in line)
    with contextlib.ExitStack() as stack:
        ports = []
        for name, configuration in (("plain", plain), ("mirroring", mirroring)):
            (folder / name).mkdir()
            ports.append(free_port())
            (folder / name / "haproxy.cfg").write_text(configuration.replace(":8080", f":{ports[-1]}"))
            process = start_haproxy(folder / name)
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
            _wait(ports[-1])
        yield ports[0], ports[1]


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens at port {port}")
        time.sleep(0.02)


class _Client:
    """One kept connection to a router."""

    def __init__(self, port: int) -> None:
        self._port, self._connection = port, http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.lost = 0
        self.seconds: list[float] = []

    def ask(self) -> None:
        started = time.perf_counter()
        try:
            self._connection.request("POST", "/predict", BODY, {"content-type": "application/json"})
            with self._connection.getresponse() as reply:
                reply.read()
                self.lost += reply.status != 200
        except (OSError, http.client.HTTPException):
            self.lost += 1
            self._connection.close()
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        self.seconds.append(time.perf_counter() - started)


def _pairs(ports: tuple[int, int], requests: int, seed: int) -> tuple[Times, Times]:
    """Send each request through both routers in random order; return the times of both."""
    rng, clients = np.random.default_rng(seed), [_Client(port) for port in ports]
    for _ in range(50):
        for client in clients:
            client.ask()
    for client in clients:
        client.seconds.clear()
    for _ in range(requests):
        for index in rng.permutation(2):
            clients[index].ask()
        time.sleep(float(rng.exponential(PAUSE)))
    first, second = (Times(np.array(client.seconds), client.lost) for client in clients)
    return first, second


def _change(plain: Times, mirroring: Times, q: float, seed: int) -> tuple[float, float, float]:
    """Return the relative change of a quantile with its 95 % interval, from resampled pairs."""
    rng, n = np.random.default_rng(seed), len(plain.seconds)
    picks = [rng.integers(n, size=n) for _ in range(RESAMPLES)]
    ratios = [np.quantile(mirroring.seconds[pick], q) / np.quantile(plain.seconds[pick], q) for pick in picks]
    low, high = np.quantile(ratios, [0.025, 0.975])
    estimate = np.quantile(mirroring.seconds, q) / np.quantile(plain.seconds, q)
    return float(estimate) - 1, float(low) - 1, float(high) - 1


def live_path(router: str, requests: int, seed: int) -> bool:
    """Goal S3: what the mirror costs, and what a candidate that does not answer costs."""
    good, start = True, {"envoy": _envoys, "haproxy": _haproxies}[router]
    print(f"{router}:")
    for mode, status in MODES.items():
        count = requests if mode == "answering" else max(1, requests // 4)
        with (
            tempfile.TemporaryDirectory() as name,
            _service(200) as (live, _),
            _service(status) as (candidate, _),
            start(Path(name), live, candidate) as ports,
        ):
            used, began = _processor_seconds(), time.monotonic()
            plain, mirroring = _pairs(ports, count, seed)
            share = (_processor_seconds() - used) / (time.monotonic() - began) / (psutil.cpu_count() or 1)
        good &= _report(mode, plain, mirroring, share)
    return good


def _processor_seconds() -> float:
    """Return the processor time of this process and of all its children so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    seconds = own.ru_utime + own.ru_stime
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = child.cpu_times()
            seconds += times.user + times.system
    return seconds


def _report(mode: str, plain: Times, mirroring: Times, share: float) -> bool:
    late = [int((times.seconds > LATE).sum()) for times in (plain, mirroring)]
    print(f"candidate {mode}: {len(plain.seconds):,} requests through each router, {share:.0%} of the processors used")
    print(f"  lost {mirroring.lost}, slower than {LATE:g} s {late[1]} (goal 0); without {plain.lost}, {late[0]}")
    good = mirroring.lost == 0 and late[1] == 0
    for name, goal in GOALS.items():
        q = int(name[1:]) / 100
        values = [1e3 * float(np.quantile(times.seconds, q)) for times in (plain, mirroring)]
        change, low, high = _change(plain, mirroring, q, 1)
        print(
            f"  {name}: {values[0]:.2f} ms without, {values[1]:.2f} ms with the mirror; change {change:+.1%} "
            f"(95 % interval {low:+.1%} to {high:+.1%}{f'; goal {goal:+.0%}' if mode == 'answering' else ''})",
            flush=True,
        )
        good &= mode != "answering" or change <= goal
    return good
