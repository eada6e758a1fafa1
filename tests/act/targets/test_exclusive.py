"""One promotion per target on a machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ghmlops.act.targets.exclusive import exclusive
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.policy.target import (
    DryRunTarget,
    EnvoyTarget,
    HaproxyTarget,
    KubernetesTarget,
    NginxTarget,
    TargetSettings,
)

HAPROXY = HaproxyTarget(socket="admin.sock", backend="scorer", candidate=("v2",), baseline=("v1",))
OTHER_ARMS = HaproxyTarget(socket="admin.sock", backend="scorer", candidate=("v3",), baseline=("v1",), twin=("v1t",))
OTHER_BACKEND = HaproxyTarget(socket="admin.sock", backend="other", candidate=("v2",), baseline=("v1",))
ENVOY = EnvoyTarget(admin="127.0.0.1:9", runtime_key_prefix="p", candidate=("a",), baseline=("b",))
NGINX = NginxTarget(servers="f", candidate=("a:1",), baseline=("b:1",))
KUBERNETES = KubernetesTarget(route="r", namespace="n", candidate="a", baseline="b")


@pytest.mark.parametrize("settings", [HAPROXY, ENVOY, NGINX, KUBERNETES, DryRunTarget()])
def test_a_second_promotion_is_refused_until_the_first_ends(settings: TargetSettings, tmp_path: Path) -> None:
    """The refusal changes nothing for the first one."""
    with exclusive(settings, tmp_path):
        for _ in range(2):
            with pytest.raises(NeedsPerson) as caught, exclusive(settings, tmp_path):
                pass
            assert caught.value.reason_code == "target-busy"
    with exclusive(settings, tmp_path):
        pass


def test_the_router_counts_and_not_its_arms(tmp_path: Path) -> None:
    """Another candidate on the same backend is refused; another backend and another socket are free."""
    with exclusive(HAPROXY, tmp_path):
        with pytest.raises(NeedsPerson), exclusive(OTHER_ARMS, tmp_path):
            pass
        with exclusive(OTHER_BACKEND, tmp_path), exclusive(HAPROXY, tmp_path / "elsewhere"):
            pass


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    """The system releases its lock."""
    code = (
        "import pathlib, sys, time\n"
        "from ghmlops.act.targets.exclusive import exclusive\n"
        "from ghmlops.core.policy.target import DryRunTarget\n"
        "with exclusive(DryRunTarget(), pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(120)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(NeedsPerson), exclusive(DryRunTarget(), tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with exclusive(DryRunTarget(), tmp_path):
        pass
