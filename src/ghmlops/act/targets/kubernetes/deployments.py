"""The Deployments behind the arms: which replicas are ready, rollouts in progress, and scaling.

How many replicas a Deployment had before a promotion scaled it up is kept in an annotation of the route, because the
right to scale is `patch` on `deployments/scale` alone, which cannot write annotations of the Deployment.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.targets.kubernetes.kubectl import AnswerLost, Conflict
from ghmlops.act.targets.kubernetes.objects import Autoscaler, Deployment, decode_objects
from ghmlops.act.targets.kubernetes.owners import check_replica_owners
from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ghmlops.act.targets.kubernetes.kubectl import Kubectl, Operation
    from ghmlops.act.targets.kubernetes.objects import Route

KIND, AUTOSCALERS = "deployments.apps", "horizontalpodautoscalers.autoscaling"
ANNOTATION = "ghmlops/scaled-from"
ATTEMPTS = 5
"""Attempts to change an object whose status changes at the same time."""
OBSERVE_LOOKS, OBSERVE_SECONDS = 4, 0.25
"""Looks at Deployments whose newest version is not observed yet, and seconds between two of them."""
_REVISION = "deployment.kubernetes.io/revision"


class ScaledFrom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Deployment that was scaled up: its replicas before, and those that it was scaled to."""

    before: int
    after: int


class Deployments:
    """The Deployments of the arms.

    Args:
        kubectl: Calls of `kubectl`.
        names: Arm to its Deployment.
        tolerated: Controllers that leave replicas alone.
    """

    def __init__(self, kubectl: Kubectl, names: Mapping[str, str], tolerated: Collection[str]) -> None:
        self._kubectl, self._names, self._tolerated = kubectl, dict(names), tolerated
        self._revisions: dict[str, str] = {}

    def read(self) -> dict[str, Deployment]:
        """Return the Deployment of each arm.

        Raises:
            ServiceError: The API server cannot be reached or refuses, or a Deployment does not exist.
        """
        if not self._names:
            return {}
        by_name = {
            d.metadata.name: d for d in decode_objects(self._kubectl.get(KIND, *self._names.values()), Deployment)
        }
        return {arm: by_name[name] for arm, name in self._names.items() if name in by_name}

    def check(self, *, scale: bool) -> None:
        """Check that no rollout is in progress or has begun since the first check, and that the replicas may be set.

        Args:
            scale: Whether the promotion sets replicas.

        Raises:
            ServiceError: A rollout is in progress, another controller sets the replicas, or a Deployment is missing.
        """
        deployments = self._read_observed()
        for arm, deployment in deployments.items():
            check_rolled_out(deployment)
            revision = deployment.metadata.annotations.get(_REVISION, "")
            first = self._revisions.setdefault(arm, revision)
            if revision != first:
                raise ServiceError(
                    f"Deployment {deployment.metadata.name} has revision {revision or 'none'} now, and the promotion "
                    f"began with {first or 'none'}",
                    hint="what was judged is not what runs: start again with the new revision",
                    reason_code="revision-changed",
                )
        if scale:
            autoscalers = decode_objects(self._kubectl.get(AUTOSCALERS), Autoscaler)
            for deployment in deployments.values():
                check_replica_owners(deployment, autoscalers, self._tolerated)

    def _read_observed(self) -> dict[str, Deployment]:
        """Return the Deployments, after a moment if their controller is about to see a new number of replicas."""
        for _ in range(OBSERVE_LOOKS):
            deployments = self.read()
            if all(d.status.observed_generation >= d.metadata.generation for d in deployments.values()):
                break
            time.sleep(OBSERVE_SECONDS)
        return deployments

    def scale(self, arm: str, replicas: int, first: Deployment) -> None:
        """Set the replicas of an arm.

        Args:
            arm: The arm.
            replicas: Its new number of replicas.
            first: The Deployment as it was read; a change of its replicas since then is a conflict.

        Raises:
            ServiceError: The API server cannot be reached or refuses, or the replicas were changed at the same time.
        """
        name = self._names[arm]
        deployment = first
        operations: list[Operation] = [{"op": "replace", "path": "/spec/replicas", "value": replicas}]
        for _ in range(ATTEMPTS):
            problem: ServiceError | None = None
            try:
                self._kubectl.patch(KIND, name, deployment.metadata.resource_version, operations, subresource="scale")
            except (Conflict, AnswerLost) as error:
                problem = error
            deployment = self.read()[arm]
            present = deployment.spec.replicas
            if present == replicas:
                return
            if problem is None or present != first.spec.replicas:
                raise ServiceError(
                    f"Deployment {name} should go from {first.spec.replicas} to {replicas} replicas and has {present}",
                    hint="does somebody else scale it too?",
                    reason_code="target-conflict",
                )
        raise problem or AssertionError("unreachable: the loop returns or has a problem")


def check_rolled_out(deployment: Deployment) -> None:
    """Check that all pods of a Deployment are those of its newest version; their number may still change.

    Raises:
        ServiceError: A rollout is in progress, or its controller has not seen the newest version.
    """
    meta, status = deployment.metadata, deployment.status
    if status.observed_generation < meta.generation:
        what = f"has generation {meta.generation}, of which {status.observed_generation} is observed"
    elif status.replicas > status.updated_replicas:
        what = f"is being rolled out: {status.updated_replicas} of {status.replicas} pods are of its newest version"
    else:
        return
    raise ServiceError(
        f"Deployment {meta.name} {what}",
        hint=f"wait for `kubectl rollout status deployment/{meta.name}`, then start again",
        reason_code="rollout-in-progress",
    )


def ready_replicas(deployment: Deployment) -> int:
    """Return how many pods of the newest version are ready at least; 0 if it was not observed yet."""
    status = deployment.status
    if status.observed_generation < deployment.metadata.generation:
        return 0
    old = max(0, status.replicas - status.updated_replicas)
    return max(0, status.ready_replicas - old)


def read_scaled_from(route: Route) -> dict[str, ScaledFrom]:
    """Return what the annotation of a route says: Deployment to how it was scaled; a damaged one says nothing."""
    try:
        return msgspec.json.decode(route.metadata.annotations.get(ANNOTATION, "{}"), type=dict[str, ScaledFrom])
    except (msgspec.DecodeError, RecursionError):
        return {}


def scaled_from_operations(route: Route, scaled: Mapping[str, ScaledFrom]) -> list[Operation]:
    """Return the operations of a JSON patch that write the annotation, or remove it if nothing is scaled."""
    path = f"/metadata/annotations/{ANNOTATION.replace('/', '~1')}"
    if not scaled:
        return [{"op": "remove", "path": path}] if ANNOTATION in route.metadata.annotations else []
    content = msgspec.json.encode(dict(sorted(scaled.items()))).decode()
    if not route.metadata.annotations:
        return [{"op": "add", "path": "/metadata/annotations", "value": {ANNOTATION: content}}]
    return [{"op": "add", "path": path, "value": content}]
