"""A Deployment of Kubernetes, whose replicas are read and set as a promotion does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.targets.kubernetes.deployments import Deployments, ready_replicas
from ghmlops.act.targets.kubernetes.kubectl import Kubectl
from ghmlops.act.targets.scaling.base import Replicas
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import POOL

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.targets.kubernetes.objects import Deployment
    from ghmlops.core.policy.production.scale import ScaledDeployment


class DeploymentService:
    """A Deployment.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; not used.
    """

    def __init__(self, settings: ScaledDeployment, root: Path) -> None:
        del root
        kubectl = Kubectl(namespace=settings.namespace, context=settings.context, timeout=settings.timeout)
        self._name = settings.deployment
        self._deployments = Deployments(kubectl, {POOL: settings.deployment}, settings.coexists_with)
        self._first: Deployment | None = None

    def read(self) -> Replicas:
        """Return the replicas that it should have, and those of its newest version that are ready."""
        deployment = self._deployments.read().get(POOL)
        if deployment is None:
            raise ServiceError(
                f"there is no Deployment {self._name}", hint="look at `scale.target`", reason_code="target-refused"
            )
        self._first = deployment
        return Replicas(deployment.spec.replicas, ready_replicas(deployment))

    def check(self) -> None:
        """Check that no rollout is in progress, and that no autoscaler and no controller sets the replicas."""
        self._deployments.check(scale=True)

    def set(self, replicas: int) -> None:
        """Set the replicas of the Deployment as it was read."""
        if self._first is None:
            self.read()
        if self._first is not None:
            self._deployments.scale(POOL, replicas, self._first)
