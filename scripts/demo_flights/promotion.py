"""The last act: a good commit walks the traffic ladder, and one that is slow only under load is stopped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from demo_flights.children import DemoError, interpreter
from demo_flights.router import ARMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POLICY = """\
version: 1
service: late-flights
promote:
  target:
    command: {{set: "sh {folder}/weights set {{arm}} {{weight}}", get: "sh {folder}/weights get {{arm}}", twin: true}}
  ladder: [5%, 25%, 100%]
  rung: {{min-requests: 20, max-duration: 60s, settle: 30s, bake: 2.5s}}
  judge: {{errors: 1%, latency: "off"}}
  observe: {{access-log: "{folder}/access.jsonl", format: jsonl}}
  watch: 1s
"""
WEIGHTS = """\
case $1 in
  get) cat "${0%/*}/$2.weight" ;;
  set) echo "$3" >"${0%/*}/$2.weight.new" && mv "${0%/*}/$2.weight.new" "${0%/*}/$2.weight" ;;
esac
"""
READY_SECONDS = 30.0


class Promotion(NamedTuple):
    """A finished promotion."""

    record: dict[str, Any]
    harmed: int
    """Requests of the candidate that failed."""
    seconds: float
    """Seconds from the first failed request to the last request at the candidate; 0 if none failed."""


def prepare(folder: Path) -> Path:
    """Write the weights, their command and the policy; return the path of the policy."""
    folder.mkdir(parents=True, exist_ok=True)
    for arm in ARMS:
        (folder / f"{arm}.weight").write_text("100\n" if arm == "pool" else "0\n")
    (folder / "weights").write_text(WEIGHTS)
    (folder / "access.jsonl").touch()
    policy = folder / "ghmlops.yml"
    policy.write_text(POLICY.format(folder=folder))
    return policy


@contextlib.contextmanager
def running_router(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run the router with its load.

    Raises:
        DemoError: It did not start.
    """
    program = [str(interpreter()), "-m", "demo_flights.router", str(folder)]
    variables = {**environment, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(program, cwd=folder, env=variables, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not (folder / "ready").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoError("the router of the last act did not start")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def promote(folder: Path, commit: str, run: Callable[[list[str]], int], expected: str) -> Promotion:
    """Promote a commit, and return what was recorded.

    Args:
        folder: Folder of the router.
        commit: Full SHA.
        run: Runs `ghmlops promote` with these arguments and returns its exit code.
        expected: The expected decision.

    Raises:
        DemoError: The promotion ended in another way.
    """
    evidence = folder / commit[:12]
    start = len((folder / "access.jsonl").read_text().splitlines())
    code = run(["--policy", str(folder / "ghmlops.yml"), "--commit", commit, "--evidence-dir", str(evidence)])
    file = evidence / "promotion.json"
    record = json.loads(file.read_text()) if file.exists() else {"decision": "none", "reason": f"exit code {code}"}
    if record["decision"] != expected:
        raise DemoError(f"the promotion of {commit[:7]} ended with {record['decision']}: {record['reason']}")
    rows = [json.loads(line) for line in (folder / "access.jsonl").read_text().splitlines()[start:]]
    own = [row for row in rows if row["arm"] == "candidate"]
    failed = [row["at"] for row in own if row["status"] >= 500]
    seconds = max(row["at"] for row in own) - min(failed) if failed else 0.0
    return Promotion(record, len(failed), seconds)
