"""What every target does alike: the table of targets, each with its weights changed and read back."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from envoy_router import ENVOY, PREFIX, running_envoy
from ghmlops.act.targets import TARGETS, apply_shares, arm_weights, open_target, read_shares
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import (
    CommandTarget,
    DryRunTarget,
    EnvoyTarget,
    HaproxyTarget,
    KubernetesTarget,
    NginxTarget,
    TargetSettings,
)
from ghmlops.core.promotion.weights import ARMS, BASELINE_ONLY, Shares, rung_shares
from haproxy_router import HAPROXY, running_haproxy
from kubernetes_api import FOLDER, KUBECTL
from kubernetes_scene import shop
from nginx_router import NGINX, running_nginx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.act.targets import Target

_ROUTER = """
import pathlib, sys
path = pathlib.Path(sys.argv[2] + ".weight")
if sys.argv[1] == "set":
    path.write_text(sys.argv[3])
else:
    print(path.read_text() if path.exists() else (100 if sys.argv[2] == "pool" else 0))
"""


def _command(folder: Path, _stack: ExitStack) -> TargetSettings:
    (folder / "router.py").write_text(_ROUTER)
    run = f"{shlex.quote(sys.executable)} router.py"
    return CommandTarget(set=f"{run} set {{arm}} {{weight}}", get=f"{run} get {{arm}}", twin=True)


def _haproxy(folder: Path, stack: ExitStack) -> TargetSettings:
    if HAPROXY is None:
        pytest.skip("haproxy is not installed (apt-get install haproxy)")
    servers = {"v2": (9, 0), "v1t": (9, 0), "v1a": (9, 100), "v1b": (9, 100)}
    stack.enter_context(running_haproxy(folder, servers))
    return HaproxyTarget(
        socket="admin.sock", backend="scorer", candidate=("v2",), twin=("v1t",), baseline=("v1a", "v1b")
    )


def _envoy(folder: Path, stack: ExitStack) -> TargetSettings:
    if not ENVOY.is_file():
        pytest.skip("envoy is missing: `scripts/test` installs it")
    stack.enter_context(running_envoy(folder, {"v2": (9, 0), "v1t": (9, 0), "v1a": (9, 100), "v1b": (9, 100)}))
    return EnvoyTarget(
        admin=f"127.0.0.1:{(folder / 'admin').read_text()}",
        runtime_key_prefix=PREFIX,
        candidate=("v2",),
        twin=("v1t",),
        baseline=("v1a", "v1b"),
    )


def _nginx(folder: Path, stack: ExitStack) -> TargetSettings:
    if NGINX is None:
        pytest.skip("nginx is not installed (apt-get install nginx)")
    return stack.enter_context(running_nginx(folder, ("v2", "v1t", "v1a", "v1b")))[1]


def _kubernetes(folder: Path, stack: ExitStack) -> TargetSettings:
    if KUBECTL is None or not (FOLDER / "kube-apiserver").is_file():
        pytest.skip("kube-apiserver is missing: `GHMLOPS_KUBERNETES=build scripts/test` builds it")
    return stack.enter_context(shop(folder)).settings


SETTINGS: dict[type[TargetSettings], Callable[[Path, ExitStack], TargetSettings]] = {
    DryRunTarget: lambda _folder, _stack: DryRunTarget(),
    CommandTarget: _command,
    HaproxyTarget: _haproxy,
    EnvoyTarget: _envoy,
    NginxTarget: _nginx,
    KubernetesTarget: _kubernetes,
}


@pytest.fixture(params=list(TARGETS), ids=lambda kind: str(kind.__struct_config__.tag))
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """Return one target of each kind, whose pool has all traffic."""
    with ExitStack() as stack:
        yield open_target(SETTINGS[request.param](tmp_path, stack), tmp_path)


def test_before_a_promotion_the_pool_has_all_traffic(target: Target) -> None:
    """Weights are read, not remembered."""
    assert read_shares(target) == BASELINE_ONLY
    assert set(target.servers()) == set(ARMS)


def test_a_ladder_up_and_back(target: Target) -> None:
    """After every change the router has the shares of the rung; all are exact with the weights of these targets."""
    for share in (0.01, 0.05, 0.25, 0.5, 1.0, 0.5, 0.0):
        shares = rung_shares(share, with_twin=share > 0)
        result = apply_shares(target, shares)
        assert [result.share(arm) for arm in ARMS] == pytest.approx([shares.share(arm) for arm in ARMS], abs=1e-9)
        assert read_shares(target) == result
    assert read_shares(target) == BASELINE_ONLY


def test_the_same_shares_again_change_nothing(target: Target) -> None:
    """A change that was interrupted is repeated."""
    shares = rung_shares(0.25, with_twin=True)
    assert apply_shares(target, shares) == apply_shares(target, shares)


def test_no_weight_is_above_the_limit(target: Target) -> None:
    """Shares that the router cannot represent exactly come close, and never above the rung."""
    result = apply_shares(target, Shares(candidate=1 / 3, twin=1 / 3, pool=1 / 3))
    assert all(0 < weight <= target.limit for weight in arm_weights(target).values())
    assert result.candidate == pytest.approx(1 / 3, abs=0.01)


class Stubborn:
    """A router that acknowledges every weight and keeps its own."""

    limit = 256

    def __init__(self, weights: dict[str, int]) -> None:
        self._weights = weights

    def servers(self) -> dict[str, int]:
        """Return one server per arm."""
        return dict.fromkeys(self._weights, 1)

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights of the start."""
        return {arm: (weight,) for arm, weight in self._weights.items()}

    def ready(self) -> dict[str, int]:
        """Return no state."""
        return {}

    def set_weight(self, arm: str, weight: int) -> None:
        """Acknowledge."""


def test_a_weight_that_is_acknowledged_and_not_kept_is_an_error() -> None:
    """The error names the arm and both weights."""
    with pytest.raises(ServiceError) as caught:
        apply_shares(Stubborn({"candidate": 0, "pool": 3}), rung_shares(0.5, with_twin=False))
    assert caught.value.reason_code == "weight-not-accepted"
    assert "candidate" in caught.value.message


def test_a_router_without_any_weight_serves_nothing() -> None:
    """That is an error before a promotion, not a share."""
    with pytest.raises(ServiceError) as caught:
        read_shares(Stubborn({"candidate": 0, "pool": 0}))
    assert caught.value.reason_code == "no-weights"
