"""A promotion on a real Envoy that is killed at any change leaves what the next run finishes or undoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envoy_router import PREFIX, needs_envoy, running_envoy
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.core.policy.target import EnvoyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares
from haproxy_router import free_port
from interrupted_promotion import MOMENTS, AdminProxy, RuntimeWatcher, last_record, run_promotion
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
    envoy: {admin: "127.0.0.1:PROXY", runtime-key-prefix: PREFIX, candidate: v2, twin: v1t, baseline: [v1a, v1b]}
  ladder: [20%, 100%]
  rung: {min-requests: REQUESTS, max-duration: 20s, settle: 2s, bake: 0s}
  judge: {errors: 1%, latency: off}
  observe: {access-log: access.log, format: envoy-json}
  watch: 0s
"""
UP, BACK = 6, 3
"""Changes of an arm on the way up and on the way back from 20 %."""


def write_policy(folder: Path, requests: int) -> None:
    """Write the policy with a least number of requests per rung."""
    values = {"PROXY": (folder / "proxy").read_text(), "PREFIX": PREFIX, "REQUESTS": str(requests)}
    text = POLICY
    for name, value in values.items():
        text = text.replace(name, value)
    (folder / "policy.yml").write_text(text)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return one router for all cases, whose baseline has all traffic."""
    folder = tmp_path_factory.mktemp("envoy")
    (folder / "proxy").write_text(str(free_port()))
    with routed_service(folder, {"v2": 0, "v1t": 0, "v1a": 100, "v1b": 100}, start=running_envoy) as running:
        yield running


@pytest.fixture
def target(scene: Scene) -> Iterator[Target]:
    """Return the router, with all traffic at the baseline and nothing remembered."""
    folder = scene.router.folder
    settings = EnvoyTarget(
        admin=f"127.0.0.1:{(folder / 'admin').read_text()}",
        runtime_key_prefix=PREFIX,
        candidate=("v2",),
        twin=("v1t",),
        baseline=("v1a", "v1b"),
    )
    router = open_target(settings, folder)
    for arm, weight in (("pool", 100), ("twin", 0), ("candidate", 0)):  # a runtime value of each cluster
        router.set_weight(arm, weight)
    (folder / "evidence" / "promotion.json").unlink(missing_ok=True)
    write_policy(folder, 0)
    scene.arms["v2"].errors = 0.0
    scene.statuses.clear()
    yield router
    assert not {0, 404}.intersection(scene.statuses)  # Envoy answers 404 if all weights are 0


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(1, UP + 1))
def test_killed_on_the_way_up(scene: Scene, target: Target, moment: str, number: int) -> None:
    """The next run completes the ladder, rung by rung; the candidate never has more, and something always serves."""
    folder = scene.router.folder
    proxy = AdminProxy(folder=folder, moment=moment, number=number)
    watcher = RuntimeWatcher(folder=folder, candidate="v2", prefix=PREFIX)
    with proxy.running(), watcher.running():
        assert run_promotion(folder, proxy=proxy) == -9
        assert min(watcher.shares) >= 0.0
        assert max(watcher.shares) <= (0.2 if number <= UP // 2 else 1.0) + 1e-9
        watcher.shares.clear()
        proxy.number = 0
        assert run_promotion(folder, "--resume") == 0
    assert read_shares(target) == Shares(candidate=1.0)
    assert last_record(folder)["decision"] == "complete"
    assert min(watcher.shares) >= 0.0
    above = next(index for index, share in enumerate(watcher.shares) if share > 0.2 + 1e-9)
    assert number > UP // 2 or 0.2 in watcher.shares[:above]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(1, BACK + 1))
def test_killed_on_the_way_back(scene: Scene, target: Target, moment: str, number: int) -> None:
    """The next run finishes the rollback with the reason of the first one."""
    folder = scene.router.folder
    write_policy(folder, 50)  # the log of Envoy is late, and a rung without requests would pass before its errors show
    apply_shares(target, rung_shares(0.2, with_twin=True))
    scene.arms["v2"].errors = 1.0
    proxy = AdminProxy(folder=folder, moment=moment, number=number)
    watcher = RuntimeWatcher(folder=folder, candidate="v2", prefix=PREFIX)
    with proxy.running(), watcher.running():
        assert run_promotion(folder, "--resume", proxy=proxy) == -9
        proxy.number = 0
        assert run_promotion(folder, "--resume") == 1
    assert read_shares(target) == BASELINE_ONLY
    record = last_record(folder)
    assert (record["decision"], record["reason_code"]) == ("rollback", "errors-above-objective")
    assert min(watcher.shares) >= 0.0
    assert max(watcher.shares) <= 0.2 + 1e-9


def test_an_admin_interface_that_acknowledges_and_ignores(scene: Scene, target: Target) -> None:
    """The first change is read back: hold, and nothing was changed."""
    folder = scene.router.folder
    with AdminProxy(folder=folder, moment="ignore").running():
        assert run_promotion(folder) == 1
    record = last_record(folder)
    assert (record["decision"], record["reason_code"]) == ("hold", "weight-not-accepted")
    assert read_shares(target) == BASELINE_ONLY
