"""The connection of `h2` as the load generator configures it."""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.settings import SettingCodes, Settings

_WINDOW = 1 << 20
"""Flow-control window of each stream in bytes."""


class _Machine(H2ConnectionStateMachine):
    """Keeps the connection open after GOAWAY, which `h2` treats as its end: active streams may still be completed."""

    _transitions = H2ConnectionStateMachine._transitions | {
        (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN)
    }


def client_connection() -> H2Connection:
    """Return a connection without server push and with a large window."""
    # `prepare` validates the fields once per call, so that `h2` need not do it once per request.
    connection = H2Connection(
        H2Configuration(
            client_side=True,
            header_encoding=None,
            normalize_outbound_headers=False,
            validate_outbound_headers=False,
        )
    )
    connection.state_machine = _Machine()
    settings = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW}
    connection.local_settings = Settings(client=True, initial_values=settings)
    return connection
