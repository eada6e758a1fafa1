"""Who else sets the weights of a route or the replicas of a Deployment, by what the objects say about themselves.

Sources: labels and annotations that Argo CD and Flux document for the objects they manage; `managedFields` and
`ownerReferences` of the Kubernetes API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import ManagerName

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ghmlops.act.targets.kubernetes.objects import Autoscaler, Deployment, Metadata, Route


class Owner(NamedTuple):
    """Another owner of a field."""

    name: str
    """Name as the user knows it; one of `ManagerName` may be named in `coexists-with`."""
    evidence: str
    """What shows it."""


_KEYS = {
    "argocd.argoproj.io/instance": "argo-cd",
    "argocd.argoproj.io/tracking-id": "argo-cd",
    "kustomize.toolkit.fluxcd.io/name": "flux",
    "helm.toolkit.fluxcd.io/name": "flux",
}
"""Labels and annotations of objects that a controller keeps as they are in its source."""
_MANAGERS = {
    "argocd-controller": "argo-cd",
    "argocd-application-controller": "argo-cd",
    "kustomize-controller": "flux",
    "helm-controller": "flux",
    "flagger": "flagger",
    "rollouts-controller": "argo-rollouts",
}
"""Managers of fields."""
_UNMANAGED = {
    "kustomize.toolkit.fluxcd.io/reconcile": ("disabled",),
    "kustomize.toolkit.fluxcd.io/ssa": ("ignore", "ifnotpresent"),
}
"""Annotations by which Flux leaves an object alone."""


def check_route_owners(route: Route, tolerated: Collection[str]) -> None:
    """Check that no other controller sets the weights of a route back.

    Raises:
        ServiceError: One does.
    """
    meta = route.metadata
    marks = meta.labels | meta.annotations
    left_alone = any(marks.get(key, "").lower() in values for key, values in _UNMANAGED.items())
    owners = [Owner(name, f"`{key}`") for key, name in _KEYS.items() if key in marks]
    owners += _controllers(meta) + _managers(meta, "f:rules")
    owners = [owner for owner in owners if not (left_alone and owner.name == "flux")]
    _refuse(owners, tolerated, f"HTTPRoute {meta.name}", "weights")


def check_replica_owners(deployment: Deployment, autoscalers: Sequence[Autoscaler], tolerated: Collection[str]) -> None:
    """Check that nothing else sets the replicas of a Deployment.

    Raises:
        ServiceError: An autoscaler or another controller does.
    """
    meta = deployment.metadata
    owners = [
        _autoscaler(autoscaler)
        for autoscaler in autoscalers
        if (autoscaler.spec.scale_target_ref.kind, autoscaler.spec.scale_target_ref.name) == ("Deployment", meta.name)
    ]
    owners += _controllers(meta) + _managers(meta, "f:replicas")
    _refuse(owners, tolerated, f"Deployment {meta.name}", "replicas")


def _autoscaler(autoscaler: Autoscaler) -> Owner:
    meta = autoscaler.metadata
    for reference in meta.owner_references:
        if reference.kind == "ScaledObject":
            return Owner(f"the ScaledObject {reference.name} of KEDA", f"its HorizontalPodAutoscaler {meta.name}")
    return Owner(f"the HorizontalPodAutoscaler {meta.name}", "its `scaleTargetRef`")


def _controllers(meta: Metadata) -> list[Owner]:
    return [Owner(f"the {r.kind} {r.name}", "`ownerReferences`") for r in meta.owner_references if r.controller]


def _managers(meta: Metadata, field: str) -> list[Owner]:
    return [
        Owner(_MANAGERS[entry.manager], "`managedFields`")
        for entry in meta.managed_fields
        if entry.manager in _MANAGERS and field in _keys(entry.fields.get("f:spec"))
    ]


def _keys(value: object) -> Collection[str]:
    return value.keys() if isinstance(value, dict) else ()


def _refuse(owners: Sequence[Owner], tolerated: Collection[str], what: str, fields: str) -> None:
    for owner in owners:
        if owner.name in tolerated:
            continue
        documented = owner.name in get_args(ManagerName)
        raise ServiceError(
            f"the {fields} of {what} belong to {owner.name}, by {owner.evidence}",
            hint=f"have it leave the {fields} alone, then add `coexists-with: {owner.name}` to the target"
            if documented
            else f"two owners would set the {fields} of each other: remove one",
            reason_code="other-owner",
        )
