"""A backend of HAProxy, whose weights are read and set by the runtime API on its stats socket.

Weights are absolute integers from 0 to 256. `N%` is never used: it is relative to the weight in the configuration, so
that a server configured with 0 stays at 0 silently. A reload of HAProxy resets weights to those of the file.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from ghmlops.act.targets.haproxy_socket import AnswerLost, RuntimeSocket, refusal, server_states
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.target import HaproxyTarget

_WEIGHT = re.compile(r"([0-9]{1,9}) \(initial [0-9]{1,9}\)")


class Haproxy:
    """One backend.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; a relative path of the socket starts there.
    """

    limit = 256

    def __init__(self, settings: HaproxyTarget, root: Path) -> None:
        self._backend, self._socket = settings.backend, RuntimeSocket(settings.socket, root)
        arms = {CANDIDATE: settings.candidate, TWIN: settings.twin, POOL: settings.baseline}
        self._arms = {arm: names for arm, names in arms.items() if names}

    def servers(self) -> dict[str, int]:
        """Return the number of servers of each arm."""
        return {arm: len(names) for arm, names in self._arms.items()}

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weight of each server of an arm.

        Raises:
            ServiceError: There is no such server, or the socket does not answer.
        """
        return {arm: tuple(map(self._server_weight, names)) for arm, names in self._arms.items()}

    def ready(self) -> dict[str, int]:
        """Return the number of servers of each arm that HAProxy takes to be running and not in maintenance or drain.

        Without `check` in its configuration, a server is always running.

        Raises:
            ServiceError: There is no such backend, or the socket does not answer.
        """
        states = server_states(self._socket, self._backend, self._arms[POOL])
        running = {name for name, state in states.items() if state.is_running and state.is_enabled}
        return {arm: len(running.intersection(names)) for arm, names in self._arms.items()}

    def set_weight(self, arm: str, weight: int) -> None:
        """Set the weight of all servers of an arm, and read it back from the router.

        An answer that was lost is no failure if the weight is what it should be.

        Raises:
            ServiceError: The router refuses it.
        """
        for name in self._arms[arm]:
            with contextlib.suppress(AnswerLost):
                answer = self._socket.ask(f"set weight {self._backend}/{name} {weight}")
                if answer:
                    raise refusal(answer, name, self._backend)

    def _server_weight(self, name: str) -> int:
        answer = self._socket.ask(f"get weight {self._backend}/{name}")
        match = _WEIGHT.fullmatch(answer)
        if match is None:
            raise refusal(answer, name, self._backend)
        return int(match[1])
