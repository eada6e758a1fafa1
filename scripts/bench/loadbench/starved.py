"""A generator with too little processor time must report it: runs the command while other processes use its core."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from . import child
from .child import BenchError
from .truth import BODY, PATH

RATE, SECONDS = 40_000, 4
SPINNERS = 4
SPIN_SECONDS = 8.0
_SPIN = """
import sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
"""
_POLICY = f"""\
version: 1
service: bench
latency:
  request: {{method: POST, path: {PATH}, headers: {{content-type: application/json}}, timeout: 2s}}
  payloads: payloads.jsonl
  arrivals: {{constant: {RATE}/s, duration: {SECONDS}s, warmup: 1s}}
  slo: {{p99: 60s, errors: 100%}}
"""
"""Objectives that every service meets, so that only the checks of the generator can fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Outcome and exit code of the command, and the ids of the checks of the generator that failed."""

    outcome: str
    code: int
    guards: tuple[str, ...]


def outcome(url: str, core: int) -> Result:
    """Run `ghmlops latency` against `url` on `core`, and occupy that core once it has opened its first connection.

    Raises:
        BenchError: The command wrote no evidence.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yml").write_text(_POLICY)
        (folder / "payloads.jsonl").write_text(BODY + "\n")
        stop = threading.Event()
        watcher = threading.Thread(target=_occupy, args=(urlsplit(url).port, core, stop))
        watcher.start()
        try:
            words = [sys.executable, "-m", "ghmlops", "latency", "--policy", "policy.yml"]
            words += ["--url", url.removesuffix(PATH), "--evidence-dir", "evidence"]
            done = child.run(words, timeout=120, core=core, cwd=folder, environment={"GITHUB_SHA": "0" * 40})
        finally:
            stop.set()
            watcher.join()
        try:
            evidence = json.loads((folder / "evidence" / "latency.json").read_text())
        except (OSError, ValueError):
            raise BenchError(f"no evidence, exit code {done.code}: {done.err.strip()[-300:]}") from None
    tripped = tuple(f["id"] for f in evidence["findings"] if f["id"].startswith("guard-") and f["outcome"] == "error")
    return Result(outcome=evidence["outcome"], code=done.code, guards=tripped)


def _occupy(port: int, core: int, stop: threading.Event) -> None:
    """Wait for a connection to `port`, then occupy `core` for a limited time."""
    while not stop.wait(0.02):
        if is_connected(Path("/proc/net/tcp").read_text(), port):
            break
    if stop.is_set():
        return
    words = child.pinned([sys.executable, "-c", _SPIN, str(SPIN_SECONDS)], core)
    spinners = [subprocess.Popen(words, start_new_session=True) for _ in range(SPINNERS)]
    for spinner in spinners:
        child.raise_session(spinner.pid, -20)
    stop.wait(SPIN_SECONDS + 30)
    for spinner in spinners:
        child.end(spinner)


def is_connected(table: str, port: int) -> bool:
    """Return whether the kernel's table of TCP sockets contains an established connection to `port`."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
