"""The runtime API of HAProxy on its stats socket: one command per connection."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import ServiceError
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT = 5.0
"""Seconds for one exchange on the socket."""
MAX_ANSWER = 1 << 20
"""Bytes of one answer."""
_COLUMNS = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state"
_MAINTENANCE, _DRAIN = 0x23, 0x18
"""Bits of `srv_admin_state`: forced, inherited, or because a name has no address; forced or inherited. That the
configuration says `disabled` has another bit, which stays when the server is made ready."""
_FLAGS = re.compile(r"[0-9]{1,9}")


class AnswerLost(ServiceError):
    """The command was sent, and whether it had an effect is unknown."""


class ServerState(NamedTuple):
    """State of one server."""

    is_running: bool
    """Whether its health checks say so; a server without any is always running."""
    is_in_maintenance: bool
    is_draining: bool

    @property
    def is_enabled(self) -> bool:
        """Whether it receives new requests once it runs."""
        return not (self.is_in_maintenance or self.is_draining)


class RuntimeSocket:
    """The socket.

    Args:
        address: Path of the socket, or `host:port`.
        root: Folder at which a relative path starts.
    """

    def __init__(self, address: str, root: Path) -> None:
        self._address, self._root = address, root

    def ask(self, command: str) -> str:
        """Send one command and return the answer.

        Raises:
            ServiceError: The socket cannot be reached.
            AnswerLost: The command was sent, and no complete answer came.
        """
        try:
            connection = self._connect()
        except OSError as error:
            raise ServiceError(
                f"the socket of HAProxy {self._address} cannot be reached: {error.strerror or error}",
                hint="is HAProxy running, and may this user open the socket?",
                reason_code="target-unreachable",
            ) from None
        with connection:
            try:
                connection.sendall(command.encode() + b"\n")
                return _read_answer(connection)
            except OSError as error:
                raise AnswerLost(
                    f"HAProxy does not answer on {self._address}: {error.strerror or error}",
                    hint="is HAProxy overloaded, or was it reloaded?",
                    reason_code="target-unreachable",
                ) from None

    def _connect(self) -> socket.socket:
        host, colon, port = self._address.rpartition(":")
        if colon and port.isdigit() and "/" not in self._address:
            return socket.create_connection((host, int(port)), TIMEOUT)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(str(self._root / self._address))
        except OSError:
            connection.close()
            raise
        return connection


def server_states(runtime: RuntimeSocket, backend: str, names: Sequence[str]) -> dict[str, ServerState]:
    """Return the state of each server of a backend.

    Args:
        runtime: The socket.
        backend: Name of the backend.
        names: Servers that the message names if there is no such backend.

    Raises:
        ServiceError: There is no such backend, or the socket does not answer.
    """
    answer = runtime.ask(f"show servers state {backend}")
    if not answer.startswith(_COLUMNS):
        raise refusal(answer, ", ".join(names), backend)
    rows = [row for row in map(str.split, answer.splitlines()[2:]) if len(row) > 6 and _FLAGS.fullmatch(row[6])]
    return {
        row[3]: ServerState(row[5] == "2", bool(int(row[6]) & _MAINTENANCE), bool(int(row[6]) & _DRAIN)) for row in rows
    }


def refusal(answer: str, name: str, backend: str) -> ServiceError:
    """Return the error for an answer that is none.

    Args:
        answer: What HAProxy answered.
        name: Server that the command was about.
        backend: Its backend.
    """
    if "Permission denied" in answer:
        hint = "the line `stats socket` needs `level admin`"
    elif "static LB algorithm" in answer:
        hint = "weights change at run time with `balance roundrobin`, `leastconn`, or `hash-type consistent` only"
    elif "No such" in answer or "Require 'backend/server'" in answer:
        hint = "compare `target.haproxy` with the names in the configuration of HAProxy"
    else:
        hint = "is this the stats socket of HAProxy?"
    return ServiceError(
        f'HAProxy answers "{short(answer, 120)}" for server {name} of backend {backend}',
        hint=hint,
        reason_code="target-refused",
    )


def _read_answer(connection: socket.socket) -> str:
    parts, size = [], 0
    while chunk := connection.recv(65536):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise OSError("the answer is larger than 1 MiB")
    return b"".join(parts).decode(errors="replace").strip()
