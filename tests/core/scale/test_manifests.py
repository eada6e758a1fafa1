"""Manifests: valid YAML with the measured target and the limits of the policy."""

from __future__ import annotations

from typing import Any

import yaml

from ghmlops.core.policy.production.scale import (
    CapacityFile,
    Demand,
    Limits,
    Queue,
    Scale,
    ScaleCapacity,
    ScaleToZero,
)
from ghmlops.core.policy.promote import Prometheus
from ghmlops.core.scale.manifests import Named, Origin, manifests

NAMED = Named("scorer", "prod", "requests_per_second")
SERVER = Prometheus(url="http://prometheus:9090")


def scale(*demand: Demand, **more: Any) -> Scale:
    """Return a section."""
    values = {"limits": Limits(min=2, max=40), "prometheus": SERVER, **more}
    return Scale(capacity=ScaleCapacity(evidence=(CapacityFile(file="c.json"),)), demand=demand, **values)


def test_the_target_is_the_measured_capacity() -> None:
    """Rounded down in thousandths, with the steps of the policy."""
    texts = manifests(scale(Demand(prometheus="rate(x[1m])")), NAMED, 35.0004999, Origin("c.json", "a" * 40))
    hpa = yaml.safe_load(texts["hpa"])
    assert hpa["spec"]["metrics"][0]["external"]["target"] == {"type": "AverageValue", "averageValue": "35000m"}
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (2, 40)
    down = hpa["spec"]["behavior"]["scaleDown"]
    assert (down["stabilizationWindowSeconds"], down["policies"][0]["value"]) == (600, 10)
    assert hpa["spec"]["behavior"]["scaleUp"]["policies"][0]["value"] == 100
    assert "aaaaaaaaaaaa" in texts["hpa"].splitlines()[1]


def test_keda_has_every_query_and_what_its_users_expect() -> None:
    """The queue, the fallback, the switch, zero replicas, and a query without a result as an error."""
    section = scale(
        Demand(name="requests", prometheus="rate(x[1m])", queue=Queue(prometheus="depth", drain=60.0)),
        Demand(name="second", prometheus="y"),
        Demand(name="contract", rate=5.0),
        fallback=6,
        pause=True,
        limits=Limits(min=0, max=40),
        zero=ScaleToZero(cold_start="p.json", within=30.0, idle=900.0),
    )
    keda = yaml.safe_load(manifests(section, NAMED, 35.0, Origin("c.json", ""))["keda"])
    spec = keda["spec"]
    assert [trigger["name"] for trigger in spec["triggers"]] == ["requests", "second"]
    assert spec["triggers"][0]["metadata"] == {
        "serverAddress": "http://prometheus:9090",
        "query": "sum(rate(x[1m])) + sum(depth) / 60",
        "threshold": "35",
        "ignoreNullValues": "false",
    }
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 6}
    assert (spec["minReplicaCount"], spec["cooldownPeriod"]) == (0, 900)
    assert keda["metadata"]["annotations"] == {"autoscaling.keda.sh/paused": "true"}


def test_a_queue_without_labels_is_added_as_it_is() -> None:
    """`sum` refuses a scalar."""
    queue = Queue(prometheus="scalar(sum(depth))", drain=60.0)
    texts = manifests(scale(Demand(prometheus="rate(x[1m])", queue=queue)), NAMED, 35.0, Origin("c.json", ""))
    (trigger,) = yaml.safe_load(texts["keda"])["spec"]["triggers"]
    assert trigger["metadata"]["query"] == "sum(rate(x[1m])) + (scalar(sum(depth))) / 60"


def test_hostile_texts_stay_values() -> None:
    """A query or a commit with YAML in it adds no key."""
    query = 'x"\n---\nkind: Secret\n#'
    texts = manifests(scale(Demand(prometheus=query)), NAMED, 1.0, Origin("c.json", "\nkind: Secret"))
    for text in texts.values():
        assert len(list(yaml.safe_load_all(text))) == 1
        assert yaml.safe_load(text)["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")
    assert yaml.safe_load(texts["keda"])["spec"]["triggers"][0]["metadata"]["query"] == query


def test_a_log_has_no_manifest_of_keda() -> None:
    """Files are no trigger."""
    assert list(manifests(scale(Demand(rate=1.0), prometheus=None), NAMED, 1.0, Origin("c.json", ""))) == ["hpa"]
