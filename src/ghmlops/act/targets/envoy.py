"""A route of Envoy with weighted clusters, whose weights are overridden at run time through the admin interface.

The route has `runtime_key_prefix`: the weight of a cluster is the runtime value `<prefix>.<cluster>`, and the one of
the configuration if there is none. The runtime values are lost when Envoy restarts. If all weights are 0, Envoy answers
every request with 404.

Source: Envoy documentation, "Administration interface" and "config.route.v3.WeightedCluster".
"""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.policy.target import EnvoyTarget

TIMEOUT = 5.0
"""Seconds for one exchange."""
MAX_ANSWER_BYTES = 64 * 1024**2
"""Bytes of one answer; the dump of a configuration with thousands of routes has some megabytes."""
_UNHEALTHY = ("failed_active_health_check", "failed_outlier_check", "failed_active_degraded_check", "pending_active_hc")
"""Flags of a host that Envoy does not send requests to, or does not know yet."""


class Envoy:
    """One route.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; not used.
    """

    limit = 1000

    def __init__(self, settings: EnvoyTarget, root: Path) -> None:
        del root
        self._admin, self._prefix = settings.admin, settings.runtime_key_prefix
        arms = {CANDIDATE: settings.candidate, TWIN: settings.twin, POOL: settings.baseline}
        self._arms = {arm: names for arm, names in arms.items() if names}

    def servers(self) -> dict[str, int]:
        """Return the number of clusters of each arm."""
        return {arm: len(names) for arm, names in self._arms.items()}

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weight of each cluster of an arm: the runtime value, or that of the configuration.

        Raises:
            ServiceError: Envoy does not answer, no route has these clusters, or a cluster of no arm has a weight.
        """
        runtime = self._runtime()
        names = [name for names in self._arms.values() for name in names]
        weights = {name: runtime[key] for name in names if (key := self._key(name)) in runtime}
        if len(weights) < len(names):
            # After a restart, and before the first change, the configuration counts.
            weights = self._configured(names, runtime) | weights
        return {arm: tuple(weights[name] for name in names) for arm, names in self._arms.items()}

    def ready(self) -> dict[str, int]:
        """Return the number of clusters of each arm that have a healthy host.

        Without health checks in its configuration, a host is always healthy.

        Raises:
            ServiceError: Envoy does not answer.
        """
        answer = self._json("/clusters?format=json")
        healthy = set()
        for cluster in _objects(answer.get("cluster_statuses")):
            if any(_is_healthy(host.get("health_status")) for host in _objects(cluster.get("host_statuses"))):
                healthy.add(cluster.get("name"))
        return {arm: len(healthy.intersection(names)) for arm, names in self._arms.items()}

    def set_weight(self, arm: str, weight: int) -> None:
        """Set the weight of all clusters of an arm, in one request.

        An answer that was lost is no failure if the weight is what it should be.

        Raises:
            ServiceError: Envoy cannot be reached, or refuses it.
        """
        query = urlencode({self._key(name): weight for name in self._arms[arm]})
        with contextlib.suppress(_AnswerLost):
            status, body = self._ask("POST", f"/runtime_modify?{query}")
            if status != 200 or body.strip() != b"OK":
                raise self._error(f"the change of the weight of the {arm}", status, body)

    def _key(self, cluster: str) -> str:
        return f"{self._prefix}.{cluster}"

    def _runtime(self) -> dict[str, int]:
        """Return the runtime values of the clusters that are weights; Envoy ignores others too."""
        entries = self._json("/runtime?format=json").get("entries")
        if not isinstance(entries, dict):
            raise self._error("the list of runtime values", 200, b"no `entries`")
        values = {key: value.get("final_value") for key, value in entries.items() if isinstance(value, dict)}
        start = f"{self._prefix}."
        return {k: int(str(v)) for k, v in values.items() if k.startswith(start) and _is_weight(v)}

    def _configured(self, names: list[str], runtime: dict[str, int]) -> dict[str, int]:
        weights: dict[str, int] = {}
        for route in _weighted(self._json("/config_dump")):
            if route.get("runtime_key_prefix") == self._prefix:
                for cluster in _objects(route.get("clusters")):
                    weight = cluster.get("weight") or 0
                    if type(weight) is not int or weight < 0:
                        raise self._error("a weight of the configuration", 200, str(weight)[:100].encode())
                    weights[str(cluster.get("name"))] = weight
        for name in names:
            if name not in weights:
                listed = ", ".join(sorted(weights)) or "no cluster"
                raise ServiceError(
                    f"no route of Envoy with the runtime key prefix {self._prefix} has the cluster {name}: {listed}",
                    hint="compare `target.envoy` with `weighted_clusters` in the configuration of Envoy",
                    reason_code="target-refused",
                )
        for name, weight in weights.items():
            if name not in names and runtime.get(self._key(name), weight):
                raise ServiceError(
                    f"the cluster {name} has a weight and belongs to no arm",
                    hint="name it in `baseline`, or set its weight to 0",
                    reason_code="target-refused",
                )
        return weights

    def _json(self, path: str) -> dict[str, Any]:
        status, body = self._ask("GET", path)
        try:
            answer = json.loads(body) if status == 200 else None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._error(path.partition("?")[0], status, body)
        return answer

    def _error(self, what: str, status: int, body: bytes) -> ServiceError:
        text = short(body[:1000].decode(errors="replace"), 120)
        hint = "is this the admin address of Envoy?"
        if "admin layer" in text.lower():
            hint = "add `layered_runtime: {layers: [{name: admin, admin_layer: {}}]}` to the configuration of Envoy"
        return ServiceError(
            f'Envoy answers {what} with status {status}: "{text}"', hint=hint, reason_code="target-refused"
        )

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        """Send one request to the admin interface and return status and body.

        Raises:
            ServiceError: Envoy cannot be reached.
            _AnswerLost: The request was sent, and no complete answer came.
        """
        host, _, port = self._admin.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise ServiceError(
                    f"the admin interface of Envoy {self._admin} cannot be reached: {error.strerror or error}",
                    hint="is Envoy running, and does this runner reach its admin address?",
                    reason_code="target-unreachable",
                ) from None
            try:
                connection.request(method, path, headers={"Content-Length": "0"} if method == "POST" else {})
                with connection.getresponse() as answer:
                    status, body = answer.status, answer.read(MAX_ANSWER_BYTES + 1)
            except (OSError, http.client.HTTPException) as error:
                reason = short(getattr(error, "strerror", None) or str(error) or "no answer", 120)
                raise _AnswerLost(
                    f"Envoy does not answer on {self._admin}: {reason}",
                    hint="is Envoy overloaded, or was it restarted?",
                    reason_code="target-unreachable",
                ) from None
        finally:
            connection.close()
        if len(body) > MAX_ANSWER_BYTES:
            raise self._error(path.partition("?")[0], status, b"more than 64 MiB")
        return status, body


class _AnswerLost(ServiceError):
    """The request was sent, and whether it had an effect is unknown."""


def _weighted(value: object) -> Iterator[dict[str, Any]]:
    """Yield every `weighted_clusters` of a configuration, wherever it is."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            route = item.get("weighted_clusters")
            if isinstance(route, dict):
                yield route
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_healthy(status: object) -> bool:
    if not isinstance(status, dict) or any(status.get(flag) for flag in _UNHEALTHY):
        return False
    return status.get("eds_health_status") in (None, "HEALTHY", "DEGRADED", "UNKNOWN")


def _is_weight(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9
