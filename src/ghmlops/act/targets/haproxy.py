"""A backend of HAProxy, whose weights are read and set by the runtime API on its stats socket.

Weights are absolute integers from 0 to 256. `N%` is never used: it is relative to the weight in the configuration, so
that a server configured with 0 stays at 0 silently. A reload of HAProxy resets weights to those of the file.
"""

from __future__ import annotations

import contextlib
import re
import socket
from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.target import HaproxyTarget

TIMEOUT = 5.0
"""Seconds for one exchange on the socket."""
MAX_ANSWER = 1 << 20
"""Bytes of one answer."""
_WEIGHT = re.compile(r"(\d+) \(initial \d+\)")


class Haproxy:
    """One backend.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository; a relative path of the socket starts there.
    """

    limit = 256

    def __init__(self, settings: HaproxyTarget, root: Path) -> None:
        self._backend, self._socket, self._root = settings.backend, settings.socket, root
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
        answer = self._ask(f"show servers state {self._backend}")
        running = {row[3] for row in map(str.split, answer.splitlines()) if len(row) > 6 and row[5:7] == ["2", "0"]}
        if not answer.startswith("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state"):
            raise self._error(", ".join(self._arms[POOL]), answer)
        return {arm: len(running.intersection(names)) for arm, names in self._arms.items()}

    def set_weight(self, arm: str, weight: int) -> None:
        """Set the weight of all servers of an arm, and read it back from the router.

        An answer that was lost is no failure if the weight is what it should be.

        Raises:
            ServiceError: The router refuses it.
        """
        for name in self._arms[arm]:
            with contextlib.suppress(_AnswerLost):
                answer = self._ask(f"set weight {self._backend}/{name} {weight}")
                if answer:
                    raise self._error(name, answer)

    def _server_weight(self, name: str) -> int:
        answer = self._ask(f"get weight {self._backend}/{name}")
        match = _WEIGHT.fullmatch(answer)
        if match is None:
            raise self._error(name, answer)
        return int(match[1])

    def _error(self, name: str, answer: str) -> ServiceError:
        text = short(answer, 120)
        if "Permission denied" in answer:
            hint = "the line `stats socket` needs `level admin`"
        elif "static LB algorithm" in answer:
            hint = "weights change at run time with `balance roundrobin`, `leastconn`, or `hash-type consistent` only"
        elif "No such" in answer or "Require 'backend/server'" in answer:
            hint = "compare `target.haproxy` with the names in the configuration of HAProxy"
        else:
            hint = "is this the stats socket of HAProxy?"
        return ServiceError(
            f'HAProxy answers "{text}" for server {name} of backend {self._backend}',
            hint=hint,
            reason_code="target-refused",
        )

    def _ask(self, command: str) -> str:
        """Send one command and return the answer.

        Raises:
            ServiceError: The socket cannot be reached.
            _AnswerLost: The command was sent, and no complete answer came.
        """
        try:
            connection = self._connect()
        except OSError as error:
            raise ServiceError(
                f"the socket of HAProxy {self._socket} cannot be reached: {error.strerror or error}",
                hint="is HAProxy running, and may this user open the socket?",
                reason_code="target-unreachable",
            ) from None
        with connection:
            try:
                connection.sendall(command.encode() + b"\n")
                return _read_answer(connection)
            except OSError as error:
                raise _AnswerLost(
                    f"HAProxy does not answer on {self._socket}: {error.strerror or error}",
                    hint="is HAProxy overloaded, or was it reloaded?",
                    reason_code="target-unreachable",
                ) from None

    def _connect(self) -> socket.socket:
        host, colon, port = self._socket.rpartition(":")
        if colon and port.isdigit() and "/" not in self._socket:
            return socket.create_connection((host, int(port)), TIMEOUT)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(str(self._root / self._socket))
        except OSError:
            connection.close()
            raise
        return connection


class _AnswerLost(ServiceError):
    """The command was sent, and whether it had an effect is unknown."""


def _read_answer(connection: socket.socket) -> str:
    parts, size = [], 0
    while chunk := connection.recv(65536):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise OSError("the answer is larger than 1 MiB")
    return b"".join(parts).decode(errors="replace").strip()
