"""A real Prometheus on loopback without targets: its query language alone makes the values."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from haproxy_router import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROMETHEUS = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None, reason="prometheus is not installed (apt-get install prometheus)"
)


@contextlib.contextmanager
def running_prometheus(folder: Path) -> Iterator[str]:
    """Start Prometheus with its data in a folder, yield its address, and end it."""
    assert PROMETHEUS is not None
    (folder / "prometheus.yml").write_text("global: {}\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    command.append(f"--web.listen-address={url.removeprefix('http://')}")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not _is_ready(url):
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/-/ready")
        with connection.getresponse() as answer:
            answer.read()
            return answer.status == 200
    except OSError:
        return False
    finally:
        connection.close()


def values_by_arm(values: Mapping[str, str]) -> str:
    """Return a query with `{arm}` that has one value per server, given as an expression."""
    series = " or ".join(f'label_replace(vector({text}), "server", "{name}", "", "")' for name, text in values.items())
    return f'({series}) and on(server) label_replace(vector(1), "server", "{{arm}}", "", "")'
