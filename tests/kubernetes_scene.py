"""A service on a real API server: an HTTPRoute, the Deployments of its arms, and what controllers would write."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from ghmlops.core.policy.target import Deployments, KubernetesTarget
from kubernetes_api import ADMIN, KUBECTL, ROUTES, Cluster, shared_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ARMS = {"candidate": "scorer-v2", "twin": "scorer-v1t", "pool": "scorer-v1"}
"""Arm to its Service; its Deployment has the same name."""
_ROUTE = "/namespaces/{}/httproutes/scorer"
_APPS = "/apis/apps/v1/namespaces/{}/deployments"


@dataclass(slots=True, kw_only=True)
class Scene:
    """A namespace with the route `scorer`.

    Attributes:
        cluster: The API server.
        namespace: The namespace.
        folder: Empty folder of the test.
    """

    cluster: Cluster
    namespace: str
    folder: Path

    @property
    def settings(self) -> KubernetesTarget:
        """The target with its Deployments."""
        return KubernetesTarget(
            route="scorer",
            namespace=self.namespace,
            candidate=ARMS["candidate"],
            twin=ARMS["twin"],
            baseline=ARMS["pool"],
            deployments=Deployments(candidate=ARMS["candidate"], twin=ARMS["twin"], baseline=ARMS["pool"]),
            context="test",
            timeout=20.0,
        )

    def route(self) -> Any:
        """Return the route."""
        return self.cluster.call("GET", ROUTES + _ROUTE.format(self.namespace))

    def weights(self) -> dict[str, int]:
        """Return Service to weight of the first rule."""
        return {ref["name"]: ref.get("weight", 1) for ref in self.route()["spec"]["rules"][0]["backendRefs"]}

    def set_weights(self, *weights: int, rule: int = 0) -> None:
        """Set the weights of candidate, twin and pool as a person would."""
        operations = [
            {"op": "add", "path": f"/spec/rules/{rule}/backendRefs/{index}/weight", "value": weight}
            for index, weight in enumerate(weights)
        ]
        self.cluster.call("PATCH", ROUTES + _ROUTE.format(self.namespace), operations, patch="json")

    def create_route(self, rules: Sequence[object], *, manager: str = "test", **metadata: object) -> None:
        """Create the route in place of the present one; a Gateway accepts it.

        Args:
            rules: Its rules.
            manager: Program that creates it.
            metadata: More of its metadata.
        """
        collection = f"{ROUTES}/namespaces/{self.namespace}/httproutes"
        if any(item["metadata"]["name"] == "scorer" for item in self.cluster.call("GET", collection)["items"]):
            self.cluster.call("DELETE", f"{collection}/scorer")
        body = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "scorer", **metadata},
            "spec": {"parentRefs": [{"name": "shop"}], "rules": rules},
        }
        self.cluster.call("POST", f"{collection}?fieldManager={manager}", body)
        self.accept_route()

    def accept_route(self, **conditions: str) -> None:
        """Write the status of the route as the controller of a Gateway does; by default it accepts the newest version.

        Args:
            conditions: Type to status, e.g. `Accepted="False"`; `observed` is the generation.
        """
        observed = int(conditions.pop("observed", 0)) or self.route()["metadata"]["generation"]
        rows = {"Accepted": "True", "ResolvedRefs": "True", **conditions}
        listed = [
            {
                "type": kind,
                "status": status,
                "reason": "Tested",
                "message": "by a test",
                "observedGeneration": observed,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind, status in rows.items()
            if status
        ]
        parent = {"parentRef": {"name": "shop"}, "controllerName": "example.com/gateway", "conditions": listed}
        path = ROUTES + _ROUTE.format(self.namespace) + "/status"
        self.cluster.call("PATCH", path, {"status": {"parents": [parent] if listed else []}})

    def create_deployment(self, name: str, replicas: int, *, manager: str = "test", **metadata: object) -> None:
        """Create a Deployment whose replicas are ready."""
        labels = {"app": name}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "scorer", "image": "scorer"}]}}
        body = {
            "metadata": {"name": name, "annotations": {"deployment.kubernetes.io/revision": "1"}, **metadata},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod},
        }
        self.cluster.call("POST", f"{_APPS.format(self.namespace)}?fieldManager={manager}", body)
        self.roll_out(name)

    def deployment(self, name: str) -> Any:
        """Return a Deployment."""
        return self.cluster.call("GET", f"{_APPS.format(self.namespace)}/{name}")

    def replicas(self) -> list[int]:
        """Return the replicas that candidate, twin and pool should have."""
        return [self.deployment(name)["spec"]["replicas"] for name in ARMS.values()]

    def change_deployment(self, name: str, **changes: object) -> None:
        """Change a Deployment as a person would."""
        self.cluster.call("PATCH", f"{_APPS.format(self.namespace)}/{name}", changes)

    def roll_out(self, name: str, **status: int) -> None:
        """Write the status of a Deployment as its controller does; by default all its replicas are ready.

        Args:
            name: Its name.
            status: Other values, e.g. `readyReplicas=0`.
        """
        deployment = self.deployment(name)
        replicas = deployment["spec"]["replicas"]
        complete = {
            "observedGeneration": deployment["metadata"]["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas),
        }
        values = complete | status
        values["availableReplicas"] = min(values["availableReplicas"], values["readyReplicas"])
        self.cluster.call("PATCH", f"{_APPS.format(self.namespace)}/{name}/status", {"status": values})

    def create(self, path: str, body: Mapping[str, object]) -> None:
        """Create an object of the namespace in a collection, e.g. `/apis/autoscaling/v2/…/horizontalpodautoscalers`."""
        self.cluster.call("POST", path.replace("NAMESPACE", self.namespace), body)

    def bind(self, rules: Sequence[object], user: str) -> None:
        """Give a user of the API server the rights of a Role of the namespace."""
        path, group = "/apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/", "rbac.authorization.k8s.io"
        self.create(f"{path}roles", {"metadata": {"name": user}, "rules": rules})
        role = {"apiGroup": group, "kind": "Role", "name": user}
        subjects = [{"apiGroup": group, "kind": "User", "name": user}]
        self.create(f"{path}rolebindings", {"metadata": {"name": user}, "roleRef": role, "subjects": subjects})

    @contextlib.contextmanager
    def acting_as(self, user: str, *, port: int | None = None) -> Iterator[None]:
        """Have `kubectl` act as a user, or talk to another port."""
        with mock.patch.dict(os.environ, {"KUBECONFIG": str(self.cluster.kubeconfig(user, port=port))}):
            yield

    @contextlib.contextmanager
    def wrapped(self, script: str) -> Iterator[Path]:
        """Put a program in front of `kubectl`; in its text, `KUBECTL` is the real one. Yield its folder."""
        folder = self.folder / f"bin-{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "kubectl").write_text(f"#!/bin/sh\n{script.replace('KUBECTL', shlex.quote(str(KUBECTL)))}\n")
        (folder / "kubectl").chmod(0o755)
        with mock.patch.dict(os.environ, {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}):
            yield folder


def rule(*weights: int | None, **more: object) -> dict[str, object]:
    """Return a rule whose backends are candidate, twin and pool; `None`: without a weight."""
    refs = [
        {"name": name, "port": 80, **({} if weight is None else {"weight": weight})}
        for name, weight in zip(ARMS.values(), weights, strict=False)
    ]
    return {"backendRefs": refs, **more}


@contextlib.contextmanager
def shop(folder: Path, *weights: int, replicas: tuple[int, int, int] = (1, 1, 2)) -> Iterator[Scene]:
    """Yield a namespace of its own with a route and Deployments; `kubectl` acts with all rights.

    Args:
        folder: Empty folder.
        weights: Weights of candidate, twin and pool; default: the pool has all traffic.
        replicas: Their ready replicas.
    """
    cluster = shared_cluster()
    scene = Scene(cluster=cluster, namespace=cluster.namespace(), folder=folder)
    scene.create_route([rule(*(weights or (0, 0, 100)))])
    for name, count in zip(ARMS.values(), replicas, strict=True):
        scene.create_deployment(name, count)
    with scene.acting_as(ADMIN):
        yield scene
