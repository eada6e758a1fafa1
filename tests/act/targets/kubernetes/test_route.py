"""The rule of a route, its backends and its status, without an API server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.act.targets.kubernetes.objects import Route
from ghmlops.act.targets.kubernetes.route import arm_places, check_followed, rule_index, weight_operations
from ghmlops.core.errors import ServiceError

ARMS = {"candidate": "v2", "pool": "v1"}


def route(*rules: dict[str, Any], generation: int = 3, **status: object) -> Route:
    """Return a route with rules and a status."""
    meta = {"name": "scorer", "resourceVersion": "7", "generation": generation}
    return msgspec.convert({"metadata": meta, "spec": {"rules": rules}, "status": status}, Route)


def backends(*names: str, **more: object) -> dict[str, Any]:
    """Return a rule with backends, all with more of the same fields."""
    return {"backendRefs": [{"name": name, **more} for name in names]}


@pytest.mark.parametrize(
    ("rules", "rule", "index"),
    [
        ([{}], "", 0),
        ([{}, {}], "1", 1),
        ([{"name": "api"}, {"name": "admin"}], "admin", 1),
        ([{"name": "1"}, {"name": "0"}], "0", 1),
    ],
)
def test_the_rule_of_a_name_or_an_index(rules: list[dict[str, Any]], rule: str, index: int) -> None:
    """A name comes first; the only rule needs neither."""
    assert rule_index(route(*rules), rule) == index


@pytest.mark.parametrize(("rules", "rule"), [([], ""), ([{}, {}], ""), ([{}, {}], "2"), ([{}], "api"), ([], "0")])
def test_no_single_rule(rules: list[dict[str, Any]], rule: str) -> None:
    """None is guessed."""
    with pytest.raises(ServiceError) as caught:
        rule_index(route(*rules), rule)
    assert caught.value.reason_code == "target-refused"


def test_backends_of_other_kinds_and_namespaces_are_no_services_of_ours() -> None:
    """A Service of the same name elsewhere is another Service."""
    assert arm_places(route(backends("v2", "v1", namespace="shop")), 0, ARMS, "shop") == {"candidate": 0, "pool": 1}
    for more in ({"namespace": "other"}, {"kind": "InferencePool"}, {"group": "inference.networking.k8s.io"}):
        with pytest.raises(ServiceError, match="v2") as caught:
            arm_places(route(backends("v2", "v1", **more)), 0, ARMS, "shop")
        assert caught.value.reason_code == "target-refused"


def test_operations_name_the_place_of_each_backend() -> None:
    """A weight that is absent is added, one that is there replaced."""
    operations = weight_operations(1, {"candidate": 2, "pool": 0}, {"pool": 9, "candidate": 1})
    assert [(o["op"], o["path"], o["value"]) for o in operations] == [
        ("add", "/spec/rules/1/backendRefs/0/weight", 9),
        ("add", "/spec/rules/1/backendRefs/2/weight", 1),
    ]


def parents(*statuses: tuple[str, str], observed: int | None = 3) -> list[dict[str, Any]]:
    """Return the status of one Gateway."""
    conditions = [{"type": kind, "status": status, "observedGeneration": observed} for kind, status in statuses]
    return [{"controllerName": "example.com/gateway", "conditions": conditions}]


def test_a_route_that_is_followed() -> None:
    """All Gateways accept it; conditions that nobody asks for do not count."""
    accepted = parents(("Accepted", "True"), ("ResolvedRefs", "True"), ("Odd", "False"))
    check_followed(route(parents=accepted * 2), observed=True)
    check_followed(route(parents=parents(("Accepted", "True"), observed=None)), observed=True)
    check_followed(route(parents=parents(("Accepted", "True"), observed=2)), observed=False)


@pytest.mark.parametrize(
    "status",
    [
        [],
        parents(),
        parents(("ResolvedRefs", "True")),
        parents(("Accepted", "Unknown")),
        parents(("Accepted", "True"), ("ResolvedRefs", "False")),
        parents(("Accepted", "True"), ("Programmed", "False")),
        parents(("Accepted", "True"), ("PartiallyInvalid", "True")),
        parents(("Accepted", "True"), observed=2),
        parents(("Accepted", "True")) + parents(("Accepted", "False")),
    ],
)
def test_a_route_that_is_not_followed(status: list[dict[str, Any]]) -> None:
    """One Gateway that does not is enough."""
    with pytest.raises(ServiceError) as caught:
        check_followed(route(parents=status), observed=True)
    assert caught.value.reason_code == "route-not-accepted"
