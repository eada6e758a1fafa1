"""`promote` on a real HAProxy with real servers under steady load."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import apply_shares, open_target
from ghmlops.cli import main
from ghmlops.core.policy.target import HaproxyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from haproxy_router import needs_haproxy, start_haproxy, wait_until_listening
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = needs_haproxy
SHA = "a" * 40
POLICY = """
version: 1
service: shop
promote:
  target:
    haproxy: {socket: admin.sock, backend: scorer, candidate: v2, twin: v1t, baseline: [v1a, v1b]}
  ladder: [10%, 50%, 100%]
  rung: {min-requests: 60, max-duration: 20s, settle: 2s, bake: 0.3s}
  judge: {errors: 1%, latency: LATENCY}
  observe: {access-log: haproxy.log, format: haproxy}
  watch: 0.5s
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a router whose baseline has all traffic, 300 requests per second, and the policy beside it."""
    (tmp_path / "policy.yml").write_text(POLICY.replace("LATENCY", "off"))
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with routed_service(tmp_path, {"v2": 0, "v1t": 0, "v1a": 100, "v1b": 100}) as running:
        yield running


def promote(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", SHA, *arguments])
    path = folder / "evidence" / "promotion.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


def shares(folder: Path) -> Shares:
    """Return the shares that the router has."""
    from ghmlops.act.targets import read_shares

    return read_shares(router_target(folder))


@contextlib.contextmanager
def once_at(folder: Path, share: float, act: Callable[[], object]) -> Iterator[None]:
    """Act beside the promotion as soon as the candidate has a share; give up after 30 s."""

    def wait() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if shares(folder).candidate >= share:
                act()
                return
            time.sleep(0.02)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def router_target(folder: Path) -> Any:
    """Return the target of the policy."""
    settings = HaproxyTarget(
        socket="admin.sock", backend="scorer", candidate=("v2",), twin=("v1t",), baseline=("v1a", "v1b")
    )
    return open_target(settings, folder)


def test_a_good_candidate_is_promoted_and_every_request_is_answered(scene: Scene, tmp_path: Path) -> None:
    """100 % at the end, no request lost, and the record accounts for the requests of each rung."""
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (0, "complete", "promotion-complete")
    assert shares(tmp_path) == Shares(candidate=1.0)
    assert [rung["share"] for rung in record["rungs"]] == [0.1, 0.5, 1.0]
    assert all(rung["passed"] and rung["requests"]["candidate"] >= 60 for rung in record["rungs"])
    assert set(scene.statuses) == {200}


def test_a_candidate_that_fails_is_rolled_back(scene: Scene, tmp_path: Path) -> None:
    """Half of its requests fail: the traffic returns at the first rung, within seconds."""
    scene.arms["v2"].errors = 0.5
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert shares(tmp_path) == Shares(candidate=0.0, pool=1.0)
    assert len(record["rungs"]) == 1
    failed = scene.statuses.count(500)
    time.sleep(0.5)
    assert scene.statuses.count(500) == failed
    assert 0 not in scene.statuses


def test_a_candidate_that_fails_at_a_higher_rung(scene: Scene, tmp_path: Path) -> None:
    """Good at 10 %, failing at 50 %: rolled back from there."""
    with once_at(tmp_path, 0.4, lambda: setattr(scene.arms["v2"], "errors", 0.3)):
        code, record = promote(tmp_path)
    assert (code, record["decision"], len(record["rungs"])) == (1, "rollback", 2)
    assert record["rungs"][0]["passed"]
    assert shares(tmp_path).candidate == 0.0


def test_a_sick_environment_is_held(scene: Scene, tmp_path: Path) -> None:
    """All arms fail alike: the weights stay for a person, and nothing is rolled back."""
    for arm in scene.arms.values():
        arm.errors = 0.3
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "environment")
    assert shares(tmp_path).candidate == pytest.approx(0.1, abs=0.001)


def test_a_slow_candidate_is_rolled_back(scene: Scene, tmp_path: Path) -> None:
    """Ten times slower than its twin."""
    (tmp_path / "policy.yml").write_text(POLICY.replace("LATENCY", "margins"))
    scene.arms["v2"].delay = 0.02
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "slower-than-twin")
    assert shares(tmp_path).candidate == 0.0


def test_a_weight_that_a_person_sets_is_left_alone(scene: Scene, tmp_path: Path) -> None:
    """The promotion holds, and does not write over it."""

    def set_by_hand() -> None:
        time.sleep(0.1)
        router_target(tmp_path).set_weight("pool", 7)

    with once_at(tmp_path, 0.05, set_by_hand):
        code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "weights-changed")
    assert router_target(tmp_path).server_weights()["pool"] == (7, 7)
    assert set(scene.statuses) == {200}


def test_a_router_that_restarts_in_mid_ladder(scene: Scene, tmp_path: Path) -> None:
    """Its weights are those of the configuration again: a hold, and the run that continues starts at the first rung."""
    started = list[subprocess.Popen[bytes]]()

    def restart() -> None:
        scene.router.process.kill()
        scene.router.process.wait()
        started.append(start_haproxy(tmp_path))
        wait_until_listening(tmp_path, scene.router.port, started[0])

    try:
        with once_at(tmp_path, 0.4, restart):
            code, record = promote(tmp_path)
        assert (code, record["decision"]) == (1, "hold")
        assert record["reason_code"] in ("weights-changed", "target-unreachable")
        assert shares(tmp_path) == Shares(candidate=0.0, pool=1.0)
        code, record = promote(tmp_path, "--resume")
        assert (code, record["decision"]) == (0, "complete")
        assert [rung["share"] for rung in record["rungs"]] == [0.1, 0.5, 1.0]
        assert 503 not in scene.statuses
    finally:
        for process in started:
            process.terminate()
            process.wait(10)


def test_a_log_that_disappears_is_held(scene: Scene, tmp_path: Path) -> None:
    """Nothing is promoted that is not observed."""
    with once_at(tmp_path, 0.05, (tmp_path / "haproxy.log").unlink):
        code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "no-telemetry")
    assert 0 not in scene.statuses


@pytest.mark.parametrize("keep_alive", [True, False])
def test_no_request_is_lost_and_none_goes_to_an_arm_without_weight(
    scene: Scene, tmp_path: Path, keep_alive: bool
) -> None:
    """Ladders up and back: the candidate answers nothing that arrived while its weight was 0."""
    scene.keep_alive, target = keep_alive, router_target(tmp_path)
    without, began = list[tuple[float, float]](), time.time()
    for _ in range(3):
        without.append((began, time.time()))
        for share in (0.05, 0.5, 1.0):
            apply_shares(target, rung_shares(share, with_twin=True))
            time.sleep(0.1)
        apply_shares(target, BASELINE_ONLY)
        began = time.time()
        time.sleep(0.1)
    without.append((began, time.time()))
    time.sleep(0.2)
    lines = [line for text in (tmp_path / "haproxy.log").read_text().splitlines() if (line := parse_haproxy(text))]
    candidates = [line.at for line in lines if line.server == "v2"]
    assert len(candidates) > 50
    # The log has whole milliseconds.
    assert not [at for at in candidates if any(start + 0.001 < at < end - 0.001 for start, end in without)]
    assert set(scene.statuses) == {200}


def test_a_router_that_splits_otherwise_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts every weight and sends all requests of this client to one server: nothing passes."""
    (tmp_path / "policy.yml").write_text(
        POLICY.replace("LATENCY", "off").replace("min-requests: 60", "min-requests: 0")
    )
    monkeypatch.chdir(tmp_path)
    weights = {"v2": 0, "v1t": 0, "v1a": 100, "v1b": 100}
    with routed_service(tmp_path, weights, balance="source\n    hash-type consistent") as scene:
        code, record = promote(tmp_path)
        assert 0 not in scene.statuses
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "split-not-in-effect")
    assert [rung["passed"] for rung in record["rungs"]] == [False]


def test_a_ladder_in_progress_needs_a_person(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--resume` nothing changes; with it, the ladder continues at the rung that the router has."""
    apply_shares(router_target(tmp_path), rung_shares(0.5, with_twin=True))
    code, record = promote(tmp_path)
    assert (code, record) == (1, {})
    assert "resume" in capsys.readouterr().err
    code, record = promote(tmp_path, "--resume")
    assert (code, record["decision"]) == (0, "complete")
    assert [rung["share"] for rung in record["rungs"]] == [0.5, 1.0]
    assert set(scene.statuses) == {200}


def test_a_share_that_is_no_rung_needs_a_person(scene: Scene, tmp_path: Path) -> None:
    """Somebody set it by hand."""
    apply_shares(router_target(tmp_path), rung_shares(0.3, with_twin=True))
    assert promote(tmp_path, "--resume") == (1, {})
    assert shares(tmp_path).candidate == pytest.approx(0.3, abs=0.001)
    assert 500 not in scene.statuses


def test_a_rehearsal_changes_nothing(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the weights of each rung as the router represents them."""
    assert promote(tmp_path, "--dry-run") == (0, {})
    assert shares(tmp_path) == Shares(candidate=0.0, pool=1.0)
    assert "10.00%" in capsys.readouterr().out
    assert 500 not in scene.statuses


@pytest.mark.parametrize(
    ("change", "code", "facts"),
    [
        (("admin.sock", "absent.sock"), 2, ["absent.sock"]),
        (("backend: scorer", "backend: scorers"), 2, ["scorers"]),
        (("candidate: v2", "candidate: v9"), 2, ["v9"]),
        (("haproxy.log, format", "absent.log, format"), 2, ["absent.log"]),
        (("observe: {access-log: haproxy.log, format: haproxy}", "compare: twin"), 2, ["access-log"]),
        (("admin.sock", "user.sock"), 2, ["level admin"]),
    ],
)
def test_bad_input(
    scene: Scene,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    code: int,
    facts: list[str],
) -> None:
    """One clear line each, and the router is as before."""
    text = (tmp_path / "policy.yml").read_text()
    assert change[0] in text
    (tmp_path / "policy.yml").write_text(text.replace(*change))
    assert promote(tmp_path)[0] == code
    error = capsys.readouterr().err
    assert all(fact in error for fact in facts)
    assert "Traceback" not in error
    assert shares(tmp_path) == Shares(candidate=0.0, pool=1.0)
    assert 0 not in scene.statuses
