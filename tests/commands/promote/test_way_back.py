"""The way back to a baseline that cannot take all traffic at once, and to one that fails itself."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_evidence import write_capacity
from ghmlops.act.targets import open_target, read_shares
from ghmlops.cli import main
from ghmlops.core.policy.target import HaproxyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY
from haproxy_router import needs_haproxy
from interrupted_promotion import ask
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.act.targets import Target

pytestmark = needs_haproxy
BASELINE = tuple(f"v1{letter}" for letter in "abcdefghij")
RATE, CAPACITY = 200.0, 40.0
POLICY = f"""
version: 1
service: shop
promote:
  target:
    haproxy: {{socket: admin.sock, backend: scorer, candidate: v2, baseline: [{", ".join(BASELINE)}]}}
  ladder: [50%, 100%]
  rung: {{min-requests: 0, max-duration: MAX, settle: 2s, bake: 0s}}
  judge: {{errors: 1%, latency: off}}
  compare: pool
  observe: {{access-log: haproxy.log, format: haproxy}}
  watch: 20s
  rollback: {{limit: ready-capacity}}
  capacity: {{from: capacity.json, headroom: 0%}}
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a router whose candidate has all traffic, with one of ten servers of the baseline ready."""
    write_capacity(tmp_path, CAPACITY)
    (tmp_path / "policy.yml").write_text(POLICY.replace("MAX", "20s"))
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with routed_service(tmp_path, {"v2": 100, **dict.fromkeys(BASELINE, 0)}, rate=RATE) as running:
        for name in BASELINE[1:]:
            ask(tmp_path, f"set server scorer/{name} state maint\n".encode())
        yield running


def target(folder: Path) -> Target:
    """Return the router."""
    return open_target(
        HaproxyTarget(socket="admin.sock", backend="scorer", candidate=("v2",), baseline=BASELINE), folder
    )


def promote(folder: Path) -> tuple[int, dict[str, Any]]:
    """Resume the promotion at full traffic; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, "--resume"])
    return code, json.loads((folder / "evidence" / "promotion.json").read_text())


def test_the_baseline_grows_back(scene: Scene, tmp_path: Path) -> None:
    """With a tenth of its servers it receives what it carries; each server that becomes ready takes its part."""
    arms, periods = scene.arms, list[tuple[int, int, int]]()

    def grow() -> None:
        time.sleep(1.0)  # the demand is known, and the errors begin
        arms["v2"].errors = 0.5
        time.sleep(1.5)
        for ready, name in enumerate(BASELINE[1:4], 1):
            counts = sum(arms[n].answered for n in BASELINE), arms["v2"].answered
            time.sleep(0.8)
            periods.append(
                (ready, sum(arms[n].answered for n in BASELINE) - counts[0], arms["v2"].answered - counts[1])
            )
            ask(tmp_path, f"set server scorer/{name} state ready\n".encode())
        for name in BASELINE[4:]:
            ask(tmp_path, f"set server scorer/{name} state ready\n".encode())

    thread = threading.Thread(target=grow)
    thread.start()
    code, record = promote(tmp_path)
    thread.join()
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert read_shares(target(tmp_path)) == BASELINE_ONLY
    for ready, baseline, candidate in periods:
        assert baseline / 0.8 <= ready * CAPACITY * 1.4
        assert (baseline + candidate) / 0.8 == pytest.approx(RATE, rel=0.3)
    assert periods[0][1] / 0.8 >= 0.5 * CAPACITY
    assert 0 not in scene.statuses
    assert 503 not in scene.statuses


def test_a_baseline_that_fails_stops_the_rollback(scene: Scene, tmp_path: Path) -> None:
    """What it has received stays there, and a person decides about the rest."""
    for name in (*BASELINE, "v2"):
        scene.arms[name].errors = 0.5
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "baseline-failing")
    assert 0.0 < record["shares"]["candidate"] < 1.0
    assert 0 not in scene.statuses


def test_a_baseline_that_never_grows(scene: Scene, tmp_path: Path) -> None:
    """After the longest duration of a rung the rollback holds where it is."""
    (tmp_path / "policy.yml").write_text(POLICY.replace("MAX", "1s"))
    scene.arms["v2"].errors = 0.5
    time.sleep(0.3)
    code, record = promote(tmp_path)
    assert (code, record["decision"]) == (1, "hold")
    assert record["reason_code"] == "capacity-missing"
    assert 503 not in scene.statuses


@pytest.mark.parametrize("content", ["", "{}", "no capacity"])
def test_a_capacity_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """The promotion does not begin: one line with the name of the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yml").write_text(POLICY.replace("MAX", "20s"))
    if content == "no capacity":
        write_capacity(tmp_path, None)
    elif content:
        (tmp_path / "capacity.json").write_text(content)
    assert main(["promote", "--policy", "policy.yml", "--commit", "a" * 40]) == 2
    error = capsys.readouterr().err
    assert "capacity.json" in error
    assert "Traceback" not in error
