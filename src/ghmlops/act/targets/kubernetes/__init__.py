"""The target `kubernetes`: an HTTPRoute of the Gateway API and the Deployments behind it, through `kubectl`."""

from __future__ import annotations

from ghmlops.act.targets.kubernetes.target import Kubernetes

__all__ = ["Kubernetes"]
