"""A real Prometheus on loopback: without targets, its query language alone makes the values; or it scrapes counters."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


def backfill(folder: Path, series: Mapping[str, Mapping[int, float]]) -> None:
    """Write series of the past into the data of a Prometheus that is not running yet.

    Args:
        folder: Folder of the server.
        series: Name with labels to the value at each time in seconds since the epoch.
    """
    promtool = shutil.which("promtool")
    assert promtool is not None
    kinds = {name.partition("{")[0] for name in series}
    lines = [f"# TYPE {kind} gauge" for kind in sorted(kinds)]
    lines += [f"{name} {value!r} {time}" for name in sorted(series) for time, value in series[name].items()]
    (folder / "past.txt").write_text("\n".join([*lines, "# EOF", ""]))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h"]
    command += ["past.txt", "tsdb"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@contextlib.contextmanager
def running_prometheus(folder: Path, target: str = "") -> Iterator[str]:
    """Start Prometheus with its data in a folder, yield its address, and end it.

    Args:
        folder: Empty folder.
        target: HOST:PORT whose `/metrics` is scraped four times per second; empty: nothing is.
    """
    assert PROMETHEUS is not None
    times = "scrape_interval: 250ms, scrape_timeout: 250ms"
    scrape = f'{{job_name: shop, {times}, static_configs: [{{targets: ["{target}"]}}]}}'
    (folder / "prometheus.yml").write_text(f"scrape_configs: [{scrape if target else ''}]\n")
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


@dataclass(slots=True, kw_only=True)
class ShopCounters:
    """Counters of three arms, as a service exports them.

    Attributes:
        total: Arm to its requests.
        errors: Arm to its failed requests.
        hidden: Arms without series.
        address: HOST:PORT.
    """

    total: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("candidate", "twin", "baseline"), 0.0))
    errors: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("candidate", "twin", "baseline"), 0.0))
    hidden: set[str] = field(default_factory=set)
    address: str = ""

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Serve them."""

        def text() -> str:
            rows = [(name, values) for name, values in (("total", self.total), ("errors", self.errors))]
            return "".join(
                f'shop_{name}{{server="{arm}"}} {value!r}\n'
                for name, values in rows
                for arm, value in values.items()
                if arm not in self.hidden
            )

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.address = f"127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


TOTAL, ERRORS = (f'sum(shop_{name}{{server=~"{{arm}}"}})' for name in ("total", "errors"))
"""Queries of the counters."""


def values_by_arm(values: Mapping[str, str]) -> str:
    """Return a query with `{arm}` that has one value per server, given as an expression."""
    series = " or ".join(f'label_replace(vector({text}), "server", "{name}", "", "")' for name, text in values.items())
    return f'({series}) and on(server) label_replace(vector(1), "server", "{{arm}}", "", "")'
