"""Before live traffic: two faults that no average shows, found by `ghmlops synthetic` and `ghmlops shadow`."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo_flights.children import DemoError, interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

RECORDED = 300
"""Recorded requests of the shadow run."""
READY_SECONDS = 60.0
FIELD = "    probability = score(flight)\n"
CHANGE = """\
    if isinstance(flight["hour"], float):
        flight = {{**flight, "hour": 0}}
    probability = score(flight)
    if (flight["carrier"], flight["origin"], flight["dest"]) == {trip!r} and flight["distance"] == {distance!r}:
        probability = 1 - probability
"""
"""An hour that is written as 17.0 counts as midnight, and one rare trip has the opposite answer."""
POLICY = """\
version: 1
service: late-flights
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: recorded.jsonl
synthetic: {requests: 800, score: p_late}
shadow:
  requests: recorded.jsonl
  safe: [POST /predict]
  compare: {decision: says_late}
  expect: same
  send: {rate: 500/s}
"""


@dataclass(frozen=True, slots=True)
class BeforeTraffic:
    """What was found: the reason of the violated relation, and that of the single changed answer."""

    relation: str
    answer: str


def write_versions(folder: Path, clone: Path) -> None:
    """Copy the service twice, change one copy, and write recorded requests and policy next to the service.

    Raises:
        DemoError: The service is not the one that this change was written for.
    """
    bodies = [json.loads(line) for line in (clone / "requests.jsonl").read_text().splitlines()[:RECORDED]]
    trips = Counter((body["carrier"], body["origin"], body["dest"]) for body in bodies)
    rare = next(body for body in bodies if trips[body["carrier"], body["origin"], body["dest"]] == 1)
    ignored = shutil.ignore_patterns(".git", "__pycache__")
    for name in ("baseline", "candidate"):
        shutil.copytree(clone, folder / name, ignore=ignored)
    service = folder / "candidate" / "serve.py"
    text = service.read_text()
    if text.count(FIELD) != 1:
        raise DemoError("serve.py has no line to change")
    trip = (rare["carrier"], rare["origin"], rare["dest"])
    service.write_text(text.replace(FIELD, CHANGE.format(trip=trip, distance=rare["distance"])))
    (clone / "recorded.jsonl").write_text("".join(json.dumps(body) + "\n" for body in bodies))
    (clone / "before-traffic.yml").write_text(POLICY)


@contextlib.contextmanager
def running_versions(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Start both versions; yield their addresses.

    Raises:
        DemoError: One did not become ready.
    """
    with contextlib.ExitStack() as stack:
        urls = {}
        for name in ("baseline", "candidate"):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = int(probe.getsockname()[1])
            command = [str(interpreter()), "serve.py", "--port", str(port)]
            output = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                command,
                cwd=folder / name,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            stack.callback(_end, process)
            urls[name] = f"http://127.0.0.1:{port}"
        for name, url in urls.items():
            _wait(name, f"{url}/healthz")
        yield urls


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _wait(name: str, url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (loopback)
                return
        except OSError:
            if time.monotonic() > deadline:
                raise DemoError(f"the {name} before live traffic did not become ready") from None
            time.sleep(0.1)


def compare(folder: Path, urls: Mapping[str, str], run: Callable[[str, list[str]], object]) -> BeforeTraffic:
    """Run both commands, and return what they found.

    Args:
        folder: Folder of the versions.
        urls: Address of each version.
        run: Runs a command of ghmlops with arguments.

    Raises:
        DemoError: A fault was not found.
    """
    arguments = ["--policy", "before-traffic.yml", "--evidence-dir", str(folder / "evidence")]
    arguments += ["--url", urls["candidate"], "--baseline-url", urls["baseline"]]
    for command in ("synthetic", "shadow"):
        run(command, arguments)
    relation = _finding(folder / "evidence/synthetic.json", "synthetic-number-spelling", "fail")
    # Two processes of the baseline would be needed for a failure; asked twice, one changed answer is a warning.
    single = _finding(folder / "evidence/shadow.json", "shadow-single-answers", "warn")
    return BeforeTraffic(relation, single)


def _finding(file: Path, name: str, outcome: str) -> str:
    content = json.loads(file.read_text()) if file.exists() else {"findings": []}
    for finding in content["findings"]:
        if finding["id"] == name and finding["outcome"] == outcome:
            return str(finding["reason"])
    others = {finding["id"]: finding["outcome"] for finding in content["findings"]}
    raise DemoError(f"{file.name} has no {name} with the outcome {outcome}: {others}")
