"""Who else owns the weights or the replicas, by the objects alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.act.targets.kubernetes.objects import Deployment, Route
from ghmlops.act.targets.kubernetes.owners import check_replica_owners, check_route_owners
from ghmlops.core.errors import ServiceError


def metadata(**more: object) -> dict[str, Any]:
    """Return the metadata of an object."""
    return {"name": "scorer", "resourceVersion": "1", **more}


def managed(manager: str, field: str) -> list[dict[str, object]]:
    """Return the fields of a manager."""
    return [{"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {field: {}}}}]


@pytest.mark.parametrize(
    ("more", "owner"),
    [
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "argo-cd"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}, "argo-cd"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "flux"),
        ({"managedFields": managed("argocd-controller", "f:rules")}, "argo-cd"),
        ({"managedFields": managed("kustomize-controller", "f:rules")}, "flux"),
        ({"managedFields": managed("rollouts-controller", "f:rules")}, "argo-rollouts"),
        ({"ownerReferences": [{"kind": "Canary", "name": "scorer", "controller": True}]}, "the Canary scorer"),
    ],
)
def test_owners_of_the_weights(more: dict[str, object], owner: str) -> None:
    """Each is named; a controller that is known to leave weights alone may be tolerated."""
    route = msgspec.convert({"metadata": metadata(**more)}, Route)
    with pytest.raises(ServiceError, match=owner) as caught:
        check_route_owners(route, ())
    assert caught.value.reason_code == "other-owner"
    if " " not in owner:
        assert f"coexists-with: {owner}" in caught.value.hint
        check_route_owners(route, (owner,))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
        {"managedFields": managed("kubectl-edit", "f:rules")},
        {"managedFields": managed("argocd-controller", "f:hostnames")},
        {"managedFields": [{"manager": "flagger", "fieldsV1": {"f:spec": "garbage"}}]},
        {"ownerReferences": [{"kind": "Shop", "name": "scorer"}]},
        {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
            "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
        },
        {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
            "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"},
        },
    ],
)
def test_no_other_owner(more: dict[str, object]) -> None:
    """Nothing would set the weights back."""
    check_route_owners(msgspec.convert({"metadata": metadata(**more)}, Route), ())


@pytest.mark.parametrize(
    ("more", "owner"),
    [
        ({"managedFields": managed("helm-controller", "f:replicas")}, "flux"),
        (
            {"ownerReferences": [{"kind": "InferenceService", "name": "m", "controller": True}]},
            "the InferenceService m",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ""),
        ({"managedFields": managed("argocd-controller", "f:template")}, ""),
    ],
)
def test_owners_of_the_replicas(more: dict[str, object], owner: str) -> None:
    """A controller that manages the Deployment without its replicas is none."""
    deployment = msgspec.convert({"metadata": metadata(**more)}, Deployment)
    if not owner:
        check_replica_owners(deployment, (), ())
        return
    with pytest.raises(ServiceError, match=owner) as caught:
        check_replica_owners(deployment, (), ())
    assert caught.value.reason_code == "other-owner"
