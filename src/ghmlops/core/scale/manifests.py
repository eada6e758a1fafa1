"""Manifests for the platform's own autoscaler, with the measured capacity as their target.

Sources: Kubernetes documentation, "HorizontalPodAutoscaler" (autoscaling/v2); KEDA documentation, "ScaledObject" and
"Prometheus" scaler.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from ghmlops.core.context import is_sha

if TYPE_CHECKING:
    from ghmlops.core.policy.production.scale import Limits, Scale

_STEP_SECONDS = 60


class Named(NamedTuple):
    """Names in the manifests."""

    deployment: str
    namespace: str
    metric: str


class Origin(NamedTuple):
    """Where the target comes from, for a comment: files of the evidence and the commit that was measured."""

    files: str
    commit: str


def manifests(scale: Scale, named: Named, usable: float, origin: Origin) -> dict[str, str]:
    """Return the name of each manifest and its YAML; KEDA only for demands that are queries.

    Args:
        scale: the section of the policy.
        named: names of the objects.
        usable: requests per second of one replica with its headroom.
        origin: where that number comes from.
    """
    commit = origin.commit[:12] if is_sha(origin.commit) else "unknown"
    comment = (
        f"# {usable:.4g} requests per second and replica: {scale.headroom:.0%} below the measured capacity\n"
        f"# ({origin.files}, commit {commit}). Written by `ghmlops scale`.\n"
    )
    result = {"hpa": comment + _yaml(_hpa(scale.limits, named, usable))}
    if any(demand.prometheus for demand in scale.demand) and scale.prometheus is not None:
        result["keda"] = comment + _yaml(_keda(scale, named, usable))
    return result


def _hpa(limits: Limits, named: Named, usable: float) -> dict[str, Any]:
    metric = {
        "type": "External",
        "external": {
            "metric": {"name": named.metric},
            # A quantity in thousandths: Kubernetes writes no decimal fractions of requests per second.
            "target": {"type": "AverageValue", "averageValue": f"{max(1, math.floor(usable * 1000))}m"},
        },
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": named.deployment, "namespace": named.namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": named.deployment},
            # 0 replicas are a feature gate of Kubernetes; KEDA has them without.
            "minReplicas": max(1, limits.min),
            "maxReplicas": limits.max,
            "behavior": _behavior(limits),
            "metrics": [metric],
        },
    }


def _behavior(limits: Limits) -> dict[str, Any]:
    def rule(percent: float, seconds: float) -> dict[str, Any]:
        policies = [
            {"type": "Percent", "value": max(1, round(percent * 100)), "periodSeconds": _STEP_SECONDS},
            {"type": "Pods", "value": 1, "periodSeconds": _STEP_SECONDS},
        ]
        # The API accepts at most an hour.
        return {"stabilizationWindowSeconds": min(3600, round(seconds)), "selectPolicy": "Max", "policies": policies}

    return {"scaleUp": rule(limits.step_up - 1.0, 0.0), "scaleDown": rule(limits.step_down, limits.settle_down)}


def _keda(scale: Scale, named: Named, usable: float) -> dict[str, Any]:
    address = scale.prometheus.url if scale.prometheus else ""
    triggers = []
    for demand in scale.demand:
        if not demand.prometheus:
            continue
        query = demand.prometheus
        if demand.queue:
            query = f"{_summed(query)} + {_summed(demand.queue.prometheus)} / {demand.queue.drain:g}"
        metadata = {
            "serverAddress": address,
            "query": query,
            "threshold": f"{usable:.6g}",
            # Without it a query without a result counts as 0, and replicas are removed.
            "ignoreNullValues": "false",
        }
        triggers.append({"type": "prometheus", "name": demand.name, "metadata": metadata})
    annotations = {"annotations": {"autoscaling.keda.sh/paused": "true"}} if scale.pause else {}
    spec: dict[str, Any] = {
        "scaleTargetRef": {"name": named.deployment},
        "minReplicaCount": scale.limits.min,
        "maxReplicaCount": scale.limits.max,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior(scale.limits)}},
        "triggers": triggers,
    }
    if scale.zero is not None:
        spec["cooldownPeriod"] = round(scale.zero.idle)
    if scale.fallback is not None:
        spec["fallback"] = {"failureThreshold": 3, "replicas": scale.fallback}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": named.deployment, "namespace": named.namespace, **annotations},
        "spec": spec,
    }


def _summed(query: str) -> str:
    """Return a query without labels: only series of equal labels are added, and a queue has others than requests."""
    # A scalar has no labels, and `sum` refuses it.
    return f"({query})" if query.lstrip().startswith("scalar(") else f"sum({query})"


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
