"""Deployments on a real API server: readiness, rollouts, and scaling that a killed run is not forgotten for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.act.targets.base import ReplicatedTarget
from ghmlops.act.targets.kubernetes import Kubernetes
from ghmlops.act.targets.kubernetes.deployments import ANNOTATION
from ghmlops.core.errors import ServiceError
from kubernetes_api import needs_kubernetes
from kubernetes_scene import ARMS, Scene, shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_kubernetes
V2, TWIN, V1 = ARMS.values()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a namespace of its own, whose arms have 1, 1 and 2 replicas."""
    with shop(tmp_path) as running:
        yield running


def target(scene: Scene, *, scale: bool = True) -> Kubernetes:
    """Return the target, which has read nothing yet."""
    return Kubernetes(msgspec.structs.replace(scene.settings, scale=scale), scene.folder)


def test_only_replicas_of_the_newest_version_are_ready(scene: Scene) -> None:
    """In a rollout, the ready pods may be the old ones; an unobserved version has none."""
    router = target(scene)
    assert router.ready() == {"candidate": 1, "twin": 1, "pool": 2}
    scene.roll_out(V1, replicas=3, updatedReplicas=1, readyReplicas=2)
    assert router.ready()["pool"] == 0
    scene.roll_out(V1, replicas=3, updatedReplicas=2, readyReplicas=3)
    assert router.ready()["pool"] == 2
    scene.change_deployment(V1, spec={"template": {"metadata": {"annotations": {"new": "version"}}}})
    assert router.ready() == {"candidate": 1, "twin": 1, "pool": 0}
    assert router.desired() == {"candidate": 1, "twin": 1, "pool": 2}


def test_without_deployments_nothing_is_known(scene: Scene) -> None:
    """That is not 0 servers."""
    settings = msgspec.structs.replace(scene.settings, deployments=None)
    assert Kubernetes(settings, scene.folder).ready() == {}


def test_a_rollout_in_progress(scene: Scene) -> None:
    """Pods of an old version, or a version that is not observed, are refused; replicas that are added are none."""
    router = target(scene)
    router.check()
    scene.change_deployment(V2, spec={"replicas": 3})
    scene.roll_out(V2, replicas=1, updatedReplicas=1, readyReplicas=1)
    router.check()
    scene.roll_out(V2, replicas=2, updatedReplicas=1, readyReplicas=1)
    with pytest.raises(ServiceError, match="1 of 2") as caught:
        router.check()
    assert caught.value.reason_code == "rollout-in-progress"
    scene.change_deployment(V2, spec={"paused": True})
    with pytest.raises(ServiceError, match="generation") as caught:
        router.check()
    assert caught.value.reason_code == "rollout-in-progress"


def test_a_new_revision_in_the_middle_of_a_ladder(scene: Scene) -> None:
    """What was judged is not what runs, though the rollout is complete."""
    router = target(scene)
    router.check()
    scene.change_deployment(V2, metadata={"annotations": {"deployment.kubernetes.io/revision": "2"}})
    scene.roll_out(V2)
    with pytest.raises(ServiceError) as caught:
        router.check()
    assert caught.value.reason_code == "revision-changed"
    target(scene).check()


def test_replicas_are_set_and_the_number_before_is_kept(scene: Scene) -> None:
    """Another process knows it; after the return nothing is kept."""
    router = target(scene)
    assert isinstance(router, ReplicatedTarget)
    router.scale("candidate", 3)
    router.scale("candidate", 5)
    router.scale("pool", 4)
    assert scene.replicas() == [5, 1, 4]
    assert target(scene).scaled_from() == {"candidate": 1, "pool": 2}
    router.scale("candidate", 1)
    assert target(scene).scaled_from() == {"pool": 2}
    router.forget_scaled()
    assert scene.replicas() == [1, 1, 4]
    assert ANNOTATION not in scene.route()["metadata"].get("annotations", {})


def test_replicas_that_a_person_set_later_are_theirs(scene: Scene) -> None:
    """What was kept no longer describes them; nor does a damaged annotation."""
    target(scene).scale("candidate", 3)
    scene.change_deployment(V2, spec={"replicas": 4})
    assert target(scene).scaled_from() == {}
    scene.create_route(scene.route()["spec"]["rules"], annotations={ANNOTATION: '{"scorer-v2": [1'})
    assert target(scene).scaled_from() == {}
    target(scene).scale("candidate", 6)
    assert target(scene).scaled_from() == {"candidate": 4}


def test_two_that_scale_at_the_same_time(scene: Scene) -> None:
    """A change between reading and writing is a conflict; the other one's replicas stay."""
    script = f"""case " $* " in *" patch "*scale*)
      [ -e "${{0%/*}}/once" ] || {{ : >"${{0%/*}}/once"
        KUBECTL --context=test -n {scene.namespace} scale deployment/{V2} --replicas=9 >/dev/null; }}
    esac
    exec KUBECTL "$@" """
    with scene.wrapped(script), pytest.raises(ServiceError) as caught:
        target(scene).scale("candidate", 3)
    assert caught.value.reason_code == "target-conflict"
    assert scene.replicas() == [9, 1, 2]


def test_a_status_between_reading_and_writing_is_no_conflict(scene: Scene) -> None:
    """The controller of the Deployment writes it all the time."""
    script = f"""case " $* " in *" patch "*scale*)
      [ -e "${{0%/*}}/once" ] || {{ : >"${{0%/*}}/once"
        KUBECTL --context=test -n {scene.namespace} annotate deployment/{V2} seen=1 >/dev/null; }}
    esac
    exec KUBECTL "$@" """
    with scene.wrapped(script):
        target(scene).scale("candidate", 3)
    assert scene.replicas() == [3, 1, 2]


def test_an_autoscaler_is_named_and_nothing_is_scaled(scene: Scene) -> None:
    """A HorizontalPodAutoscaler, or a ScaledObject of KEDA behind it; without `scale` it may do its work."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": V2}
    spec = {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 9}
    path = "/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers"
    scene.create(path, {"metadata": {"name": "load"}, "spec": spec})
    with pytest.raises(ServiceError, match="HorizontalPodAutoscaler load") as caught:
        target(scene).check()
    assert caught.value.reason_code == "other-owner"
    target(scene, scale=False).check()
    scene.cluster.call("DELETE", f"{path.replace('NAMESPACE', scene.namespace)}/load")
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "uid": "1", "controller": True}
    scene.create(path, {"metadata": {"name": "keda-hpa-queue", "ownerReferences": [owner]}, "spec": spec})
    with pytest.raises(ServiceError, match="ScaledObject queue of KEDA"):
        target(scene).check()
    assert scene.replicas() == [1, 1, 2]


def test_a_deployment_that_does_not_exist(scene: Scene) -> None:
    """It is named."""
    scene.cluster.call("DELETE", f"/apis/apps/v1/namespaces/{scene.namespace}/deployments/{TWIN}")
    for call in (target(scene).ready, target(scene).check):
        with pytest.raises(ServiceError, match=TWIN) as caught:
            call()
        assert caught.value.reason_code == "target-refused"
