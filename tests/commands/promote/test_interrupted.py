"""A promotion that is killed at any command on the router leaves something that the next run finishes or undoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.core.policy.target import HaproxyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares
from haproxy_router import needs_haproxy
from interrupted_promotion import MOMENTS, Proxy, Watcher, last_record, run_promotion
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.targets import Target

pytestmark = needs_haproxy
POLICY = """
version: 1
service: shop
promote:
  target:
    haproxy: {socket: proxy.sock, backend: scorer, candidate: v2, twin: v1t, baseline: [v1a, v1b]}
  ladder: [20%, 100%]
  rung: {min-requests: 0, max-duration: 20s, settle: 2s, bake: 0s}
  judge: {errors: 1%, latency: off}
  observe: {access-log: haproxy.log, format: haproxy}
  watch: 0s
"""
UP, BACK = 8, 3
"""Changes of one server on the way up and on the way back from 20 %."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return one router for all cases, whose baseline has all traffic."""
    folder = tmp_path_factory.mktemp("router")
    (folder / "policy.yml").write_text(POLICY)
    with routed_service(folder, {"v2": 0, "v1t": 0, "v1a": 100, "v1b": 100}) as running:
        yield running


@pytest.fixture
def target(scene: Scene) -> Iterator[Target]:
    """Return the router, with all traffic at the baseline and nothing remembered."""
    folder = scene.router.folder
    settings = HaproxyTarget(
        socket="admin.sock", backend="scorer", candidate=("v2",), twin=("v1t",), baseline=("v1a", "v1b")
    )
    router = open_target(settings, folder)
    apply_shares(router, BASELINE_ONLY)
    (folder / "evidence" / "promotion.json").unlink(missing_ok=True)
    scene.arms["v2"].errors = 0.0
    scene.statuses.clear()
    yield router
    assert 0 not in scene.statuses


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(1, UP + 1))
def test_killed_on_the_way_up(scene: Scene, target: Target, moment: str, number: int) -> None:
    """The next run completes the ladder, rung by rung; the candidate never has more, and something always serves."""
    folder = scene.router.folder
    proxy, watcher = Proxy(folder=folder, moment=moment, number=number), Watcher(folder=folder, candidate="v2")
    with proxy.running(), watcher.running():
        assert run_promotion(folder, proxy=proxy) == -9
        rung = 0.2 if number <= UP // 2 else 1.0
        assert min(watcher.shares) >= 0.0
        assert max(watcher.shares) <= rung + 1e-9
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
    apply_shares(target, rung_shares(0.2, with_twin=True))
    scene.arms["v2"].errors = 1.0
    proxy, watcher = Proxy(folder=folder, moment=moment, number=number), Watcher(folder=folder, candidate="v2")
    with proxy.running(), watcher.running():
        assert run_promotion(folder, "--resume", proxy=proxy) == -9
        proxy.number = 0
        assert run_promotion(folder, "--resume") == 1
    assert read_shares(target) == BASELINE_ONLY
    record = last_record(folder)
    assert (record["decision"], record["reason_code"]) == ("rollback", "errors-above-objective")
    assert min(watcher.shares) >= 0.0
    assert max(watcher.shares) <= 0.2 + 1e-9


@pytest.mark.parametrize(("write", "errors"), [(1, 0.0), (2, 0.0), (3, 0.0), (5, 0.0), (2, 1.0), (3, 1.0)])
def test_killed_before_the_record_is_written(scene: Scene, target: Target, write: int, errors: float) -> None:
    """The weights say where the ladder is: the next run completes or returns the traffic."""
    folder = scene.router.folder
    scene.arms["v2"].errors = errors
    proxy, watcher = Proxy(folder=folder, moment="none"), Watcher(folder=folder, candidate="v2")
    with proxy.running(), watcher.running():
        assert run_promotion(folder, killed_write=write) == -9
        assert run_promotion(folder, "--resume") == (1 if errors else 0)
    assert read_shares(target) == (BASELINE_ONLY if errors else Shares(candidate=1.0))
    assert last_record(folder)["decision"] == ("rollback" if errors else "complete")
    assert min(watcher.shares) >= 0.0


def test_a_router_that_acknowledges_and_ignores(scene: Scene, target: Target) -> None:
    """The first change is read back: hold, and nothing was changed."""
    folder = scene.router.folder
    with Proxy(folder=folder, moment="ignore").running():
        assert run_promotion(folder) == 1
    record = last_record(folder)
    assert (record["decision"], record["reason_code"]) == ("hold", "weight-not-accepted")
    assert read_shares(target) == BASELINE_ONLY
