"""A real HAProxy on loopback with three arms, for tests of targets and promotions."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (apt-get install haproxy)")
_CONFIGURATION = """
global
    stats socket {folder}/admin.sock mode 600 level admin
    stats socket {folder}/user.sock mode 600 level user
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout client 10s
    timeout server {timeout}
    timeout connect 1s
frontend shop
    bind 127.0.0.1:{port}
    capture cookie sid= len 40
    use_backend testers if {{ req.hdr(x-release) -m found }}
    default_backend scorer
backend scorer
    balance {balance}
{servers}
backend testers
    balance roundrobin
{servers}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A running HAProxy.

    Attributes:
        folder: Folder with `admin.sock`, `user.sock` (no rights), `haproxy.log` and the configuration.
        port: Port of the frontend.
        process: Its process.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_haproxy(
    folder: Path, servers: Mapping[str, tuple[int, int]], balance: str = "roundrobin", timeout: str = "10s"
) -> Iterator[Router]:
    """Start HAProxy with the servers of backend `scorer`, and end it.

    Args:
        folder: Empty folder for sockets and configuration.
        servers: Name to (port, weight).
        balance: Algorithm by which the backend selects a server; with a line `cookie`, sessions are sticky.
        timeout: Longest wait for an answer of a server, which ends with status 504.
    """
    port = free_port()
    sticky = balance.partition("\n    cookie ")[1]
    lines = "\n".join(
        f"    server {name} 127.0.0.1:{p} weight {weight}" + (f" cookie {name}" if sticky else "")
        for name, (p, weight) in servers.items()
    )
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, port=port, servers=lines, balance=balance, timeout=timeout)
    )
    process = start_haproxy(folder)
    try:
        wait_until_listening(folder, port, process)
        yield Router(folder=folder, port=port, process=process)
    finally:
        process.terminate()
        process.wait(10)


def start_haproxy(folder: Path) -> subprocess.Popen[bytes]:
    """Start HAProxy with the configuration of a folder, whose log it continues."""
    assert HAPROXY is not None
    command = [HAPROXY, "-db", "-f", str(folder / "haproxy.cfg")]
    with (folder / "haproxy.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.DEVNULL)


def wait_until_listening(folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the frontend and the sockets."""
    deadline = time.monotonic() + 10
    while not (_answers(port) and all((folder / name).exists() for name in ("admin.sock", "user.sock"))):
        assert process.poll() is None, "HAProxy ended"
        assert time.monotonic() < deadline, "HAProxy does not listen"
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
