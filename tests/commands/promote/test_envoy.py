"""`promote` on a real Envoy with real servers under steady load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envoy_router import PREFIX, needs_envoy, running_envoy
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.cli import main
from ghmlops.core.policy.target import EnvoyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares
from ghmlops.measure.telemetry.envoy_log import parse_envoy
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.act.targets import Target

pytestmark = needs_envoy
POLICY = """
version: 1
service: shop
promote:
  target:
    envoy: {admin: "127.0.0.1:ADMIN", runtime-key-prefix: PREFIX, candidate: v2, twin: v1t, baseline: v1}
  ladder: [10%, 50%, 100%]
  rung: {min-requests: 60, max-duration: 30s, settle: 10s, bake: 0.3s}
  judge: {errors: 1%, latency: "off"}
  observe: {access-log: access.log, format: envoy-json}
  watch: 0.5s
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return an Envoy whose baseline has all traffic, 300 requests per second, and the policy beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with routed_service(tmp_path, {"v2": 0, "v1t": 0, "v1": 100}, start=running_envoy) as running:
        policy = POLICY.replace("ADMIN", (tmp_path / "admin").read_text()).replace("PREFIX", PREFIX)
        (tmp_path / "policy.yml").write_text(policy)
        yield running


def promote(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40])
    return code, json.loads((folder / "evidence" / "promotion.json").read_text())


def router_target(folder: Path) -> Target:
    """Return the target of the policy."""
    settings = EnvoyTarget(
        admin=f"127.0.0.1:{(folder / 'admin').read_text()}",
        runtime_key_prefix=PREFIX,
        candidate=("v2",),
        twin=("v1t",),
        baseline=("v1",),
    )
    return open_target(settings, folder)


def test_a_good_candidate_is_promoted_and_every_request_is_answered(scene: Scene, tmp_path: Path) -> None:
    """100 % at the end, no request lost, and what the candidate answered is what the record counts, or later."""
    code, record = promote(tmp_path)
    assert (code, record["decision"]) == (0, "complete")
    assert read_shares(router_target(tmp_path)) == Shares(candidate=1.0)
    assert [rung["share"] for rung in record["rungs"]] == [0.1, 0.5, 1.0]
    assert set(scene.statuses) == {200}
    counts = sum(rung["requests"]["candidate"] for rung in record["rungs"])
    assert 180 <= counts <= scene.arms["v2"].answered


def test_a_candidate_that_fails_is_rolled_back(scene: Scene, tmp_path: Path) -> None:
    """Half of its requests fail: the traffic returns at the first rung."""
    scene.arms["v2"].errors = 0.5
    code, record = promote(tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert read_shares(router_target(tmp_path)) == BASELINE_ONLY
    assert 0 not in scene.statuses


@pytest.mark.parametrize("keep_alive", [True, False])
def test_no_request_is_lost_and_none_goes_to_an_arm_without_weight(
    scene: Scene, tmp_path: Path, *, keep_alive: bool
) -> None:
    """Ladders up and down under load: every request is answered, and none by an arm whose weight was 0 before it."""
    scene.keep_alive = keep_alive
    target, ladders = router_target(tmp_path), 3
    for _ in range(ladders):
        for share in (0.1, 0.5, 1.0, 0.5, 0.0):
            apply_shares(target, rung_shares(share, with_twin=share > 0))
            scene.wait_for(20)
    apply_shares(target, BASELINE_ONLY)
    scene.wait_for(20)  # requests that arrived before the change
    before = scene.arms["v2"].answered, scene.arms["v1t"].answered
    scene.wait_for(100)
    assert (scene.arms["v2"].answered, scene.arms["v1t"].answered) == before
    assert set(scene.statuses) == {200}
    lines = [parse_envoy(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    assert {line.server for line in lines if line} == {"v2", "v1t", "v1"}
