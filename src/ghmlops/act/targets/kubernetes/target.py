"""A rule of an HTTPRoute whose backends are the Services of the arms, and the Deployments behind them.

All weights change in one patch, which holds only for the version of the route that was read: nothing is ever half
changed, and a change by somebody else in between is a conflict and not overwritten. A change of the status or of
annotations alone is none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ghmlops.act.targets.kubernetes.deployments import (
    ATTEMPTS,
    Deployments,
    ScaledFrom,
    read_scaled_from,
    ready_replicas,
    scaled_from_operations,
)
from ghmlops.act.targets.kubernetes.kubectl import AnswerLost, Conflict, Kubectl
from ghmlops.act.targets.kubernetes.objects import Route, decode_object
from ghmlops.act.targets.kubernetes.owners import check_route_owners
from ghmlops.act.targets.kubernetes.route import arm_places, check_followed, rule_index, weight_operations
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ghmlops.act.targets.kubernetes.kubectl import Operation
    from ghmlops.core.policy.target import KubernetesTarget

KIND = "httproutes.gateway.networking.k8s.io"
FRESH_SECONDS = 1.0
"""Age up to which a route that was read counts as present; a change within this time is found by the next patch."""


class Kubernetes:
    """One rule of a route.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; not used.
    """

    limit = 1000

    def __init__(self, settings: KubernetesTarget, root: Path) -> None:
        del root
        self._settings = settings
        self._kubectl = Kubectl(namespace=settings.namespace, context=settings.context, timeout=settings.timeout)
        arms = {CANDIDATE: settings.candidate, TWIN: settings.twin, POOL: settings.baseline}
        self._arms = {arm: name for arm, name in arms.items() if name}
        behind = settings.deployments
        names = {CANDIDATE: behind.candidate, TWIN: behind.twin, POOL: behind.baseline} if behind else {}
        self._names = {arm: name for arm, name in names.items() if name}
        self._deployments = Deployments(self._kubectl, self._names, settings.coexists_with)
        self._route: Route | None = None
        self._read_at = 0.0
        self._changed = False
        """Whether this process has changed the weights: then their effect shows whether the Gateway follows."""

    def servers(self) -> dict[str, int]:
        """Return one server per arm: the Service, whose weight its replicas share."""
        return dict.fromkeys(self._arms, 1)

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weight of the Service of each arm.

        Raises:
            ServiceError: The API server cannot be reached or refuses, or the rule has no such backends.
        """
        route = self._fresh_route()
        return {arm: (weight,) for arm, weight in self._weights(route).items()}

    def ready(self) -> dict[str, int]:
        """Return the number of ready replicas of the newest version of each arm; nothing without `deployments`.

        Raises:
            ServiceError: The API server cannot be reached or refuses.
        """
        return {arm: ready_replicas(deployment) for arm, deployment in self._deployments.read().items()}

    def desired(self) -> dict[str, int]:
        """Return the number of replicas that each arm should have; nothing without `deployments`.

        Raises:
            ServiceError: The API server cannot be reached or refuses.
        """
        return {arm: deployment.spec.replicas for arm, deployment in self._deployments.read().items()}

    def check(self) -> None:
        """Check that traffic may move to the candidate: see `check_climb`.

        Raises:
            ServiceError: A Gateway does not follow the route, another controller owns what would be changed, or a
                rollout is in progress.
        """
        route = self._read()
        self._weights(route)
        check_route_owners(route, self._settings.coexists_with)
        check_followed(route, observed=not self._changed)
        self._deployments.check(scale=self._settings.scale)

    def set_weight(self, arm: str, weight: int) -> None:
        """Set the weight of one arm; see `set_weights`."""
        self.set_weights({arm: weight})

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Set the weights of arms at once.

        Raises:
            ServiceError: The API server cannot be reached or refuses, or somebody else changed the route after it was
                read.
        """
        self._changed = True
        self._patch(
            self._fresh_route(),
            lambda route: weight_operations(rule := self._rule(route), self._places(route, rule), weights),
            lambda route: weights.items() <= self._weights(route).items(),
        )

    def scale(self, arm: str, replicas: int) -> None:
        """Set the replicas of an arm; before it is scaled up, the route keeps how many it had.

        Raises:
            ServiceError: The API server cannot be reached or refuses, or somebody else scaled it at the same time.
        """
        deployment, name = self._deployments.read()[arm], self._names[arm]
        scalings = read_scaled_from(self._read())
        if replicas > deployment.spec.replicas:
            valid = name in scalings and scalings[name].after == deployment.spec.replicas
            before = scalings[name].before if valid else deployment.spec.replicas
            self._keep({**scalings, name: ScaledFrom(before=before, after=replicas)})
        self._deployments.scale(arm, replicas, deployment)
        if name in scalings and replicas <= scalings[name].before:
            self._keep({other: scaled for other, scaled in scalings.items() if other != name})

    def scaled_from(self) -> dict[str, int]:
        """Return the replicas that arms had before a promotion scaled them up, also one that was killed.

        Raises:
            ServiceError: The API server cannot be reached or refuses.
        """
        scalings, present = read_scaled_from(self._read()), self.desired()
        return {
            arm: scalings[name].before
            for arm, name in self._names.items()
            if name in scalings and scalings[name].after == present.get(arm)
        }

    def forget_scaled(self) -> None:
        """Forget how many replicas the arms had: what they have is right from now on.

        Raises:
            ServiceError: The API server cannot be reached or refuses.
        """
        self._keep({})

    def _keep(self, scaled: Mapping[str, ScaledFrom]) -> None:
        route = self._read()
        if read_scaled_from(route) != dict(scaled):
            self._patch(
                route,
                lambda present: scaled_from_operations(present, scaled),
                lambda present: read_scaled_from(present) == dict(scaled),
            )

    def _patch(
        self, route: Route, operations: Callable[[Route], list[Operation]], is_done: Callable[[Route], bool]
    ) -> None:
        """Patch the route as it was read; again if only its status or its annotations changed meanwhile.

        Args:
            route: The route that was read.
            operations: Returns the operations for a version of the route.
            is_done: Returns whether a version of the route has the change.
        """
        first, problem = route, None
        for _ in range(ATTEMPTS):
            self._route = None
            try:
                self._kubectl.patch(KIND, self._settings.route, route.metadata.resource_version, operations(route))
            except (Conflict, AnswerLost) as error:
                problem, route = error, self._read()
            else:
                return
            if is_done(route):
                return  # it was made, and its answer lost
            if route.metadata.generation != first.metadata.generation:
                break
        raise ServiceError(
            f"HTTPRoute {self._settings.route} was not changed: {problem.message if problem else ''}",
            hint="a person or another controller changes it too; look at it, then pass `resume`",
            reason_code=problem.reason_code if problem else "target-conflict",
        )

    def _weights(self, route: Route) -> dict[str, int]:
        rule = self._rule(route)
        backends = route.spec.rules[rule].backend_refs
        return {arm: backends[place].weight for arm, place in self._places(route, rule).items()}

    def _rule(self, route: Route) -> int:
        return rule_index(route, self._settings.rule)

    def _places(self, route: Route, rule: int) -> dict[str, int]:
        return arm_places(route, rule, self._arms, self._settings.namespace)

    def _fresh_route(self) -> Route:
        if self._route is not None and time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._route
        return self._read()

    def _read(self) -> Route:
        moment = time.monotonic()
        route = decode_object(self._kubectl.get(KIND, self._settings.route), Route)
        self._route, self._read_at = route, moment
        return route
