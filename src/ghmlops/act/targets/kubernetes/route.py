"""The rule of an HTTPRoute that a promotion changes: its weights, and whether the Gateways follow it.

Source: Gateway API v1, `HTTPRoute`: a backend without a weight has 1, and the sum of the weights need not be 100.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.act.targets.kubernetes.kubectl import Operation
    from ghmlops.act.targets.kubernetes.objects import Condition, Route

REQUIRED = ("Accepted", "ResolvedRefs", "Programmed")
"""Conditions that may not be false; `Accepted` must be there."""


def rule_index(route: Route, rule: str) -> int:
    """Return the index of the rule of a name or index; without either, of the only rule.

    Raises:
        ServiceError: There is no such rule, or the route has several.
    """
    rules = route.spec.rules
    listed = ", ".join(f"{index} ({r.name})" if r.name else str(index) for index, r in enumerate(rules)) or "none"
    if not rule and len(rules) != 1:
        raise _refused(route, f"has {len(rules)} rules", f"set `rule` to the name or index of one of them: {listed}")
    names = [r.name for r in rules]
    index = names.index(rule) if rule in names else int(rule or "0") if (rule or "0").isdecimal() else -1
    if not 0 <= index < len(rules):
        raise _refused(route, f'has no rule "{rule}"', f"its rules are {listed}")
    return index


def arm_places(route: Route, rule: int, arms: Mapping[str, str], namespace: str) -> dict[str, int]:
    """Return the index of the backend of each arm.

    Args:
        route: The route.
        rule: Index of its rule.
        arms: Arm to its Service.
        namespace: Namespace of the Services.

    Raises:
        ServiceError: A Service is no backend of the rule, or is there twice; or another backend has a weight.
    """
    backends = route.spec.rules[rule].backend_refs
    names = [
        b.name if (b.kind, b.group) == ("Service", "") and b.namespace in ("", namespace) else "" for b in backends
    ]
    places = {}
    for arm, service in arms.items():
        if names.count(service) != 1:
            listed = ", ".join(sorted({name for name in names if name})) or "no Service"
            times = "no backend" if service not in names else "a backend more than once"
            raise _refused(
                route, f"has the Service {service} of the {arm} as {times} of its rule {rule}", f"it has: {listed}"
            )
        places[arm] = names.index(service)
    for index, backend in enumerate(backends):
        if index not in places.values() and backend.weight:
            raise _refused(
                route,
                f"gives the backend {short(backend.name, 80)} a weight of {backend.weight}, and it belongs to no arm",
                "set its weight to 0: its requests would be nobody's",
            )
    return places


def weight_operations(rule: int, places: Mapping[str, int], weights: Mapping[str, int]) -> list[Operation]:
    """Return the operations of a JSON patch that set the weights of arms; `add` replaces a weight that exists."""
    return [
        {"op": "add", "path": f"/spec/rules/{rule}/backendRefs/{places[arm]}/weight", "value": weight}
        for arm, weight in weights.items()
    ]


def check_followed(route: Route, *, observed: bool) -> None:
    """Check that a Gateway has accepted the route as it is.

    Args:
        route: The route.
        observed: Whether its controllers must have seen the newest version.

    Raises:
        ServiceError: No Gateway has accepted it, or one refuses it.
    """
    if not route.status.parents:
        raise _not_accepted(route, "is accepted by no Gateway: it has no status")
    for parent in route.status.parents:
        who, conditions = short(parent.controller_name, 80), {c.type: c for c in parent.conditions}
        for kind in REQUIRED:
            condition = conditions.get(kind)
            if (condition is None and kind == "Accepted") or (condition and condition.status != "True"):
                raise _not_accepted(route, f"is not {kind} by {who}{_reason(condition)}")
        partial = conditions.get("PartiallyInvalid")
        if partial and partial.status == "True":
            raise _not_accepted(route, f"is partly invalid for {who}{_reason(partial)}")
        accepted = conditions["Accepted"].observed_generation
        if observed and accepted is not None and accepted < route.metadata.generation:
            raise _not_accepted(
                route,
                f"has generation {route.metadata.generation}, of which {who} has observed {accepted} only",
                "wait until the controller of the Gateway follows, then start again",
            )


def _reason(condition: Condition | None) -> str:
    if condition is None:
        return ""
    return f" ({short(condition.reason, 60)}: {short(condition.message, 120)})"


def _not_accepted(route: Route, what: str, hint: str = "repair the route or its Gateway first") -> ServiceError:
    return ServiceError(f"HTTPRoute {route.metadata.name} {what}", hint=hint, reason_code="route-not-accepted")


def _refused(route: Route, what: str, hint: str) -> ServiceError:
    return ServiceError(f"HTTPRoute {route.metadata.name} {what}", hint=hint, reason_code="target-refused")
