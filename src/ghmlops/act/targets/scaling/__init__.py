"""What `scale` sets the replicas of: one class per kind, one line in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.targets.scaling.base import Replicas, ScaledService
from ghmlops.act.targets.scaling.command import CommandService
from ghmlops.act.targets.scaling.deployment import DeploymentService
from ghmlops.act.targets.scaling.haproxy import BackendService
from ghmlops.core.policy.production.scale import ScaledBackend, ScaledCommand, ScaledDeployment, ScaledTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["SERVICES", "Replicas", "ScaledService", "open_service"]

SERVICES: dict[type[ScaledTarget], Callable[..., ScaledService]] = {
    ScaledDeployment: DeploymentService,
    ScaledBackend: BackendService,
    ScaledCommand: CommandService,
}
"""The table of kinds: type of the settings to the class that reads and sets replicas."""


def open_service(settings: ScaledTarget, root: Path) -> ScaledService:
    """Return the service whose replicas are read and set.

    Args:
        settings: The value `scale.target` of the policy.
        root: Folder of the repository.
    """
    return SERVICES[type(settings)](settings, root)
