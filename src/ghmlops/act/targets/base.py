"""What every target offers, and the change of its weights in an order that never leaves traffic without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import Shares, integer_weights, ordered_changes, served_shares

if TYPE_CHECKING:
    from collections.abc import Mapping


class Target(Protocol):
    """A router with weights. Every method raises `ServiceError` if the router cannot be reached or refuses."""

    limit: int
    """Highest weight of one server that the router accepts."""

    def servers(self) -> Mapping[str, int]:
        """Return the number of servers of each arm; every arm that exists has at least one."""

    def server_weights(self) -> Mapping[str, tuple[int, ...]]:
        """Return the weights of the servers of each arm, as the router has them now, in the order of the changes."""

    def ready(self) -> Mapping[str, int]:
        """Return the number of servers of each arm that are ready; an arm whose state is unknown is absent."""

    def set_weight(self, arm: str, weight: int) -> None:
        """Set the weight of all servers of an arm."""


class ScalableTarget(Target, Protocol):
    """A target whose arms are sets of replicas: one weight per arm, and a number of servers behind it."""

    def scale(self, arm: str, replicas: int) -> None:
        """Set the number of servers of an arm; they are ready later."""


@runtime_checkable
class AtomicTarget(Target, Protocol):
    """A target that changes the weights of several arms at once."""

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Set the weight of every arm that is named, or of none."""


@runtime_checkable
class CheckedTarget(Target, Protocol):
    """A target that tells why traffic should not move to the candidate now."""

    def check(self) -> None:
        """Raise `ServiceError` if another controller would change the target back, or the target is in mid-change."""


@runtime_checkable
class ReplicatedTarget(ScalableTarget, Protocol):
    """A target that knows how many servers an arm should have, and how many it had before a promotion."""

    def desired(self) -> Mapping[str, int]:
        """Return the number of servers that each arm should have, ready or not."""

    def scaled_from(self) -> Mapping[str, int]:
        """Return the number of servers that arms had before a promotion scaled them up, also one that was killed."""

    def forget_scaled(self) -> None:
        """Forget how many servers the arms had."""


def check_climb(target: Target) -> None:
    """Check that traffic may move to the candidate; a way back is never checked.

    Raises:
        ServiceError: Another controller would change the target back, or the target is in mid-change.
    """
    if isinstance(target, CheckedTarget):
        target.check()


def arm_weights(target: Target) -> dict[str, int]:
    """Return the weight of each server of an arm.

    Raises:
        ServiceError: The router cannot be reached, or the servers of an arm have different weights.
    """
    weights = target.server_weights()
    for arm, values in weights.items():
        if len(set(values)) > 1:
            raise ServiceError(
                f"the servers of the {arm} have different weights: {', '.join(map(str, values))}",
                hint="set them to one weight; did a person or another controller change one of them? An interrupted "
                "change is repaired by `resume`",
                reason_code="weights-differ",
            )
    return {arm: values[0] for arm, values in weights.items()}


def read_shares(target: Target) -> Shares:
    """Return the shares that a router's weights stand for.

    Raises:
        ServiceError: The router cannot be reached, the servers of an arm have different weights, or all weights are 0.
    """
    servers = target.servers()
    return served_shares({arm: float(weight * servers[arm]) for arm, weight in arm_weights(target).items()})


def apply_shares(target: Target, shares: Shares) -> Shares:
    """Change the weights of a target and return the shares that it has afterwards, as it represents them.

    Every change is read back. At no point are all weights 0, and the candidate never receives more than the larger of
    its shares before and after. If the router refuses a change, the later ones are not made: the weights stay
    between the old and the new ones. A change that was interrupted between two servers of an arm is repeated.

    Raises:
        ServiceError: The router cannot be reached, refuses a change, or keeps another weight than it acknowledged.
    """
    weights = integer_weights(shares, target.servers(), target.limit)
    changes = ordered_changes(target.server_weights(), weights)
    if isinstance(target, AtomicTarget):
        if changes:
            target.set_weights(dict(changes))
            _check_accepted(target, dict(changes))
        return read_shares(target)
    for arm, weight in changes:
        target.set_weight(arm, weight)
        _check_accepted(target, {arm: weight})
    return read_shares(target)


def _check_accepted(target: Target, weights: Mapping[str, int]) -> None:
    present = target.server_weights()
    for arm, weight in weights.items():
        if set(present[arm]) != {weight}:
            raise ServiceError(
                f"the target acknowledged the weight {weight} for the {arm}, and has "
                f"{', '.join(map(str, present[arm]))}",
                hint="does another controller, or an agent check, set weights too?",
                reason_code="weight-not-accepted",
            )
