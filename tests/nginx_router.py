"""A real nginx on loopback with an upstream, whose servers answer with their names, for tests of targets."""

from __future__ import annotations

import contextlib
import http.client
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.policy.target import NginxTarget
from haproxy_router import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx)")
_CONFIGURATION = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream scorer {{ include {folder}/servers.conf; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://scorer; }} }}
{servers}
}}
"""


@contextlib.contextmanager
def running_nginx(folder: Path, names: Sequence[str]) -> Iterator[tuple[int, NginxTarget]]:
    """Start nginx, whose last servers are the pool with all traffic; yield its port and the target, and end it.

    Args:
        folder: Empty folder for the configuration.
        names: Names of the candidate's server, the twin's, and those of the pool.
    """
    assert NGINX is not None
    port, ports = free_port(), [free_port() for _ in names]
    servers = "\n".join(
        f'  server {{ listen 127.0.0.1:{p}; location / {{ return 200 "{name}"; }} }}'
        for name, p in zip(names, ports, strict=True)
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers))
    addresses = [f"127.0.0.1:{p}" for p in ports]
    states = ["down", "down", *["weight=1"] * (len(names) - 2)]
    (folder / "servers.conf").write_text("".join(f"server {a} {s};\n" for a, s in zip(addresses, states, strict=True)))
    command = [NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(configuration)]
    process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while answer_of(port) == "":
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.02)
        words = shlex.join(command)
        yield (
            port,
            NginxTarget(
                servers="servers.conf",
                candidate=(addresses[0],),
                twin=(addresses[1],),
                baseline=tuple(addresses[2:]),
                check=f"{words} -t",
                reload=f"{words} -s reload",
            ),
        )
    finally:
        process.terminate()
        process.wait(20)


def answer_of(port: int) -> str:
    """Return the name of the server that answers; empty without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        with connection.getresponse() as answer:
            return answer.read().decode() if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
