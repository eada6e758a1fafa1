"""Deploy targets: routers whose weights a promotion changes. One file per kind, one line in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.targets.base import Target, apply_shares, arm_weights, check_climb, read_shares
from ghmlops.act.targets.command import Command
from ghmlops.act.targets.dry_run import DryRun
from ghmlops.act.targets.envoy import Envoy
from ghmlops.act.targets.haproxy import Haproxy
from ghmlops.act.targets.kubernetes import Kubernetes
from ghmlops.act.targets.nginx import Nginx
from ghmlops.core.policy.target import (
    CommandTarget,
    DryRunTarget,
    EnvoyTarget,
    HaproxyTarget,
    KubernetesTarget,
    NginxTarget,
    TargetSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TARGETS", "Target", "apply_shares", "arm_weights", "check_climb", "open_target", "read_shares"]

TARGETS: dict[type[TargetSettings], Callable[..., Target]] = {
    DryRunTarget: DryRun,
    CommandTarget: Command,
    HaproxyTarget: Haproxy,
    EnvoyTarget: Envoy,
    NginxTarget: Nginx,
    KubernetesTarget: Kubernetes,
}
"""The table of targets: type of the settings to the class that changes the weights."""


def open_target(settings: TargetSettings, root: Path) -> Target:
    """Return the target of the policy.

    Args:
        settings: The value `target` of the policy.
        root: Folder of the repository.
    """
    return TARGETS[type(settings)](settings, root)
