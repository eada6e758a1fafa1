"""Servers of a backend of HAProxy: those that are not in maintenance are the replicas.

The processes behind all of them are the user's. One that is taken out answers what it has begun, and receives nothing
new; with `on-marked-down shutdown-sessions` HAProxy would cut its requests off.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ghmlops.act.targets.haproxy_socket import AnswerLost, RuntimeSocket, refusal, server_states
from ghmlops.act.targets.scaling.base import Replicas
from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.targets.haproxy_socket import ServerState
    from ghmlops.core.policy.production.scale import ScaledBackend


class BackendService:
    """The servers of a backend that the policy names, in their order: the first ones serve.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; a relative path of the socket starts there.
    """

    def __init__(self, settings: ScaledBackend, root: Path) -> None:
        self._settings, self._socket = settings, RuntimeSocket(settings.socket, root)
        self._first: frozenset[str] | None = None

    def read(self) -> Replicas:
        """Return how many servers are not in maintenance, and how many of these HAProxy takes to be running."""
        states = self._states()
        self._first = _serving(states)
        return Replicas(len(self._first), sum(states[name].is_running for name in self._first))

    def check(self) -> None:
        """Check that nobody drains a server.

        Raises:
            ServiceError: A server is in drain.
        """
        for name, state in self._states().items():
            if state.is_draining:
                raise _conflict(f"server {name} of backend {self._settings.backend} is in drain")

    def set(self, replicas: int) -> None:
        """Take servers out from the end of the list, or add them from its start, and read the states back.

        Raises:
            ServiceError: There are not so many servers, HAProxy refuses, or the servers are other ones than before.
        """
        names = self._settings.servers
        if replicas > len(names):
            raise ServiceError(
                f"{replicas} replicas are needed, and `scale.target` names {len(names)} servers",
                hint="name more servers, or lower `scale.limits.max`",
                reason_code="target-refused",
            )
        serving = _serving(self._states())
        if self._first is not None and serving != self._first:
            raise _conflict(f"{len(self._first)} servers of {self._settings.backend} served, and {len(serving)} do now")
        selection = set(serving)
        for name in names:
            if len(selection) < replicas:
                selection.add(name)
        for name in reversed(names):
            if len(selection) > replicas:
                selection.discard(name)
        for name in sorted(selection - serving) + sorted(serving - selection):
            self._set_state(name, "ready" if name in selection else "maint")
        self._first = _serving(self._states())
        if self._first != selection:
            raise _conflict(f"HAProxy accepted {replicas} servers, and {len(self._first)} serve")

    def _set_state(self, name: str, state: str) -> None:
        # An answer that was lost is looked up afterwards, and the command is not repeated.
        with contextlib.suppress(AnswerLost):
            if answer := self._socket.ask(f"set server {self._settings.backend}/{name} state {state}"):
                raise refusal(answer, name, self._settings.backend)

    def _states(self) -> dict[str, ServerState]:
        names, backend = self._settings.servers, self._settings.backend
        states = server_states(self._socket, backend, names)
        for name in names:
            if name not in states:
                raise refusal("No such server.", name, backend)
        return {name: states[name] for name in names}


def _serving(states: dict[str, ServerState]) -> frozenset[str]:
    return frozenset(name for name, state in states.items() if not state.is_in_maintenance)


def _conflict(what: str) -> ServiceError:
    return ServiceError(what, hint="does somebody else take servers out?", reason_code="target-conflict")
