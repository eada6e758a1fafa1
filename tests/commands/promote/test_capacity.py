"""Servers before traffic, on a router behind own commands whose arms are scaled."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_evidence import write_capacity
from ghmlops.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target:
    command:
      set: ./router set {arm} {weight}
      get: ./router get {arm}
      ready: ./router ready {arm}
      scale: ./router scale {arm} {replicas}
      twin: true
  ladder: [25%, 100%]
  rung: {min-requests: 20, max-duration: 30s, settle: 30s, bake: 0s}
  judge: {errors: 1%, latency: "off"}
  capacity: {from: capacity.json, headroom: 0%, CAPACITY}
  rollback: {limit: ready-capacity}
  observe: {access-log: log.jsonl, format: jsonl}
  watch: WATCH
"""
ROUTER = """\
#!/bin/sh
case $1 in
  get) cat "$2.weight" ;;
  ready) cat "$2.ready" ;;
  set) echo "$3" >"$2.weight" ;;
  scale) [ -e stuck ] || echo "$3" >"$2.ready" ;;
esac
case $1 in set | scale) echo "$*" >>changes ;; esac
"""
RATE, CAPACITY = 150.0, 100.0
"""Requests per second: 25 % need one server, all traffic two."""


class Scene:
    """A folder with the router, and requests by its weights.

    Attributes:
        failing: Whether the candidate fails every request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.failing = folder, False

    def state(self, candidate: int, twin: int, pool: int, kind: str = "ready") -> None:
        """Write the weights or the ready servers of the arms."""
        for arm, value in (("candidate", candidate), ("twin", twin), ("pool", pool)):
            (self.folder / f"{arm}.{kind}").write_text(f"{value}\n")

    def numbers(self, kind: str) -> list[int]:
        """Return the weights or ready servers of candidate, twin and pool."""
        return [int((self.folder / f"{arm}.{kind}").read_text() or 0) for arm in ("candidate", "twin", "pool")]

    def changes(self) -> list[str]:
        """Return the changes of the router so far."""
        path = self.folder / "changes"
        return path.read_text().splitlines() if path.exists() else []

    def promote(
        self, *arguments: str, capacity: str = "max-servers: 9", watch: str = "0s", longest: str = "30s"
    ) -> tuple[int, dict[str, Any]]:
        """Run the command; return the exit code and the record."""
        policy = (
            POLICY.replace("CAPACITY", capacity)
            .replace("WATCH", watch)
            .replace("max-duration: 30s", f"max-duration: {longest}")
        )
        (self.folder / "policy.yml").write_text(policy)
        code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
        path = self.folder / "evidence" / "promotion.json"
        return code, json.loads(path.read_text()) if path.exists() else {}

    def serve(self, stop: threading.Event) -> None:
        """Write the requests that have become due since the last look, until the end."""
        owed, last = dict.fromkeys(("candidate", "twin", "pool"), 0.0), time.monotonic()
        while not stop.is_set():
            time.sleep(0.02)
            now, weights = time.monotonic(), []
            try:
                weights = self.numbers("weight")
            except ValueError:  # a file in mid-change
                continue
            lines = []
            for arm, weight in zip(owed, weights, strict=True):
                owed[arm] += RATE * (now - last) * weight / max(1, sum(weights))
                status = 500 if self.failing and arm == "candidate" else 200
                row = {"at": time.time(), "arm": arm, "seconds": 0.01, "status": status}
                lines += [json.dumps(row) + "\n"] * int(owed[arm])
                owed[arm] -= int(owed[arm])
            last = now
            with (self.folder / "log.jsonl").open("a") as log:
                log.writelines(lines)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a router whose pool has all traffic and two servers; candidate and twin have none."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    write_capacity(tmp_path, CAPACITY)
    (tmp_path / "router").write_text(ROUTER)
    (tmp_path / "router").chmod(0o755)
    (tmp_path / "log.jsonl").touch()
    scene, stop = Scene(tmp_path), threading.Event()
    scene.state(0, 0, 100, "weight")
    scene.state(0, 0, 2)
    thread = threading.Thread(target=scene.serve, args=(stop,))
    thread.start()
    yield scene
    stop.set()
    thread.join()


def test_servers_come_before_traffic_and_are_given_back(scene: Scene) -> None:
    """One server for a quarter, two for all; the baseline and its twin keep one each at the end."""
    code, record = scene.promote(capacity="keep: 1")
    assert (code, record["decision"]) == (0, "complete")
    changes = scene.changes()
    assert changes.index("scale candidate 1") < changes.index("scale candidate 2")
    first_weight = next(index for index, line in enumerate(changes) if line.startswith("set candidate"))
    assert {"scale candidate 1", "scale twin 1"} <= set(changes[:first_weight])
    assert changes.index("scale candidate 2") < changes.index("set twin 0")
    assert changes[-1] == "scale pool 1"
    assert scene.numbers("ready") == [2, 1, 1]


def test_a_candidate_that_never_becomes_ready(scene: Scene) -> None:
    """A hold before the first weight, with the numbers."""
    (scene.folder / "stuck").touch()
    code, record = scene.promote(capacity="ready-within: 0.5s")
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "not-ready")
    assert scene.numbers("weight") == [0, 0, 100]
    assert record["rungs"] == []


def test_more_servers_than_the_policy_allows(scene: Scene) -> None:
    """The second rung needs two: the first one stays."""
    code, record = scene.promote(capacity="max-servers: 1")
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "capacity-limit")
    assert [rung["passed"] for rung in record["rungs"]] == [True]
    assert not any(line.endswith(" 2") and line.startswith("scale") for line in scene.changes())


def test_a_rollback_scales_the_baseline_first(scene: Scene) -> None:
    """The candidate has all traffic and fails; the baseline was scaled to one server, and needs two."""
    scene.state(100, 0, 0, "weight")
    scene.state(2, 0, 1)
    scene.failing = True
    code, record = scene.promote("--resume", watch="60s")
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    changes = scene.changes()
    assert changes.index("scale pool 2") < min(i for i, line in enumerate(changes) if line.startswith("set pool"))
    assert scene.numbers("weight")[0] == 0
    assert scene.numbers("ready") == [2, 0, 2]


def test_a_rollback_follows_the_servers_that_are_ready(scene: Scene) -> None:
    """The baseline does not grow: it receives two thirds, the candidate keeps the rest, and a person decides."""
    scene.state(100, 0, 0, "weight")
    scene.state(2, 0, 1)
    scene.failing = True
    (scene.folder / "stuck").touch()
    code, record = scene.promote("--resume", watch="60s", longest="2s")
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "capacity-missing")
    candidate, _, pool = scene.numbers("weight")
    assert 0.15 < candidate / (candidate + pool) < 0.55
