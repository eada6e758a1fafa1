"""A Deployment on a real API server: replicas are set once, and never those of another owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.scaling import open_service
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.production.scale import ScaledDeployment
from kubernetes_api import needs_kubernetes
from kubernetes_scene import ARMS, Scene, shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.act.targets.scaling import ScaledService

pytestmark = needs_kubernetes
NAME = ARMS["pool"]
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a namespace of its own, whose pool has 2 replicas."""
    with shop(tmp_path) as running:
        yield running


def service(scene: Scene, name: str = NAME) -> ScaledService:
    """Return the service, which has read nothing yet."""
    settings = ScaledDeployment(namespace=scene.namespace, deployment=name, context="test", timeout=20.0)
    return open_service(settings, scene.folder)


def create_autoscaler(scene: Scene, **metadata: object) -> None:
    """Create a HorizontalPodAutoscaler of the pool."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    spec = {"scaleTargetRef": reference, "maxReplicas": 9}
    scene.create(AUTOSCALERS, {"metadata": {"name": "scorer", **metadata}, "spec": spec})


def test_replicas_are_read_and_set(scene: Scene) -> None:
    """Only those of the Deployment change."""
    target = service(scene)
    assert target.read() == (2, 2)
    target.check()
    target.set(5)
    assert scene.replicas() == [1, 1, 5]
    assert target.read() == (5, 0)


@pytest.mark.parametrize("kind", ["", "ScaledObject"])
def test_an_autoscaler_is_named(scene: Scene, kind: str) -> None:
    """A HorizontalPodAutoscaler, or the ScaledObject of KEDA behind it."""
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": kind, "name": "of-keda", "uid": "1", "controller": True}
    create_autoscaler(scene, **({"ownerReferences": [owner]} if kind else {}))
    target = service(scene)
    with pytest.raises(ServiceError, match="of-keda" if kind else "scorer") as caught:
        target.check()
    assert caught.value.reason_code == "other-owner"
    assert scene.replicas() == [1, 1, 2]


def test_a_change_since_they_were_read(scene: Scene) -> None:
    """Somebody else's number stays."""
    target = service(scene)
    target.read()
    scene.change_deployment(NAME, spec={"replicas": 9})
    with pytest.raises(ServiceError) as caught:
        target.set(3)
    assert (caught.value.reason_code, scene.replicas()) == ("target-conflict", [1, 1, 9])


def test_a_lost_answer_is_looked_up(scene: Scene) -> None:
    """`kubectl` fails after the API server has set the number: it is set once."""
    target = service(scene)
    target.read()
    script = (
        'KUBECTL "$@"; status=$?; case " $* " in *" patch "*) echo x >>"${0%/*}/calls"; sleep 30;; esac; exit $status'
    )
    with scene.wrapped(script) as folder:
        settings = ScaledDeployment(namespace=scene.namespace, deployment=NAME, context="test", timeout=3.0)
        target = open_service(settings, scene.folder)
        target.read()
        target.set(4)
        assert (folder / "calls").read_text().split() == ["x"]
    assert scene.replicas() == [1, 1, 4]


def test_a_deployment_that_does_not_exist(scene: Scene) -> None:
    """It is an error, and not 0 replicas."""
    with pytest.raises(ServiceError):
        service(scene, "another").read()
