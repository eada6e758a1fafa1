"""What every service with replicas offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Replicas(NamedTuple):
    """Replicas that a service should have, and those that are ready; `None` if that is not known."""

    desired: int
    ready: int | None


class ScaledService(Protocol):
    """A service with replicas. Every method raises `ServiceError` if it cannot be reached or refuses."""

    def read(self) -> Replicas:
        """Return the replicas now."""

    def check(self) -> None:
        """Raise `ServiceError` if somebody else sets the replicas, or a rollout is in progress."""

    def set(self, replicas: int) -> None:
        """Set the replicas, and read them back; a change by somebody else since `read` is a conflict."""
