"""HTTP/2: a connection that carries many requests at once; the library `h2` frames them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from time import monotonic
from typing import TYPE_CHECKING, cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.exceptions import NoAvailableStreamIDError, ProtocolError, StreamClosedError, TooManyStreamsError
from h2.settings import SettingCodes, Settings

from ghmlops.core.latency.answers import Kind
from ghmlops.measure.load.protocols.base import CannotCarry
from ghmlops.measure.load.protocols.http2_stream import Stream

if TYPE_CHECKING:
    from ghmlops.measure.load.arm import Arm

MOST_STREAMS = 32
"""Requests that one connection carries at once, where the service allows as many."""
_WINDOW = 1 << 20
_CONNECTION_WINDOW = 16 << 20
_NO_HTTP2 = "the service does not speak HTTP/2"
_ANSWERED = (events.ResponseReceived, events.DataReceived, events.StreamEnded, events.StreamReset)


async def connect(arm: Arm) -> None:
    """Open one connection of `arm`, and report as many streams by `opened` as it may carry at once.

    Over TLS by ALPN, otherwise with prior knowledge (RFC 9113, section 3.3).

    Raises:
        OSError: it cannot be opened, the certificate is not trusted, or the service does not speak HTTP/2.
    """
    target, loop = arm.target, asyncio.get_running_loop()
    if target.tls is not None:
        target.tls.set_alpn_protocols(["h2"])
    name = target.host if target.tls is not None else None
    try:
        _, session = await loop.create_connection(
            lambda: Session(arm), target.address, target.port, ssl=target.tls, server_hostname=name
        )
    except ssl.SSLError as error:
        if "no application protocol" in str(error):  # `reason` is not filled in for an alert
            raise CannotCarry(Kind.GARBAGE, f"{_NO_HTTP2}: it offers another protocol (ALPN)") from None
        raise
    try:
        await session.ready
    except BaseException:
        session.close()
        raise
    session.open_streams()


class _Machine(H2ConnectionStateMachine):
    """`h2` takes GOAWAY for the end of the connection; streams that the service still answers may end well."""

    _transitions = H2ConnectionStateMachine._transitions | {
        (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN)
    }


class Session(asyncio.Protocol):
    """One connection.

    Attributes:
        ready: done once the service has sent its settings.
        heard: when its last bytes came.
        now: when the bytes came that are being taken.
    """

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        # The fields were made lower-case and checked by `prepare`, once for each call and not for each request.
        self._h2 = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding=None,
                normalize_outbound_headers=False,
                validate_outbound_headers=False,
            )
        )
        self._h2.state_machine = _Machine()
        own = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW}
        self._h2.local_settings = Settings(client=True, initial_values=own)
        self._streams: set[Stream] = set()
        self._carried: dict[int, Stream] = {}
        self._retired = self._served = False
        self._fd = -1
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = self.now = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface and the settings."""
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            self._fd = transport.get_extra_info("socket").fileno()
        elif tls.selected_alpn_protocol() != "h2":
            self._lost(Kind.GARBAGE, f"{_NO_HTTP2}: it did not agree to it (ALPN)")
            return
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW)
        self._flush()

    def open_streams(self) -> None:
        """Report for work, once for each request that may be carried at once."""
        allowed = min(MOST_STREAMS, self._h2.remote_settings.max_concurrent_streams)
        if allowed < 1:
            self.close()
            raise CannotCarry(Kind.THROTTLED, "the service allows no stream (SETTINGS_MAX_CONCURRENT_STREAMS is 0)")
        self._streams = {Stream(self._arm, self) for _ in range(min(allowed, self._arm.room))}
        for stream in list(self._streams):
            if self._retired:
                stream.drop()
            else:
                self._arm.opened(stream)
        self._close_unused()

    def begin(self, stream: Stream, index: int) -> None:
        """Send request `index` on a new stream; it goes back to the arm where this connection takes no more."""
        headers, body = self._arm.requests[index]
        sent = monotonic()
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, headers, end_stream=not body)
        except (NoAvailableStreamIDError, TooManyStreamsError):
            stream.hand_back()
            return
        self._arm.sent[index] = sent
        stream.number, stream.left = number, memoryview(body)
        self._carried[number] = stream
        self._go_on(stream)
        self._flush()

    def free(self, stream: Stream) -> None:
        """Let a stream carry the next request, unless the connection is to end."""
        if self._retired:
            stream.drop()
        else:
            self._arm.released(stream)

    def cancel(self, number: int, since: float) -> None:
        """Break off stream `number`; a connection that was silent `since` then takes no more requests."""
        if self._carried.pop(number, None) is not None:
            with contextlib.suppress(ProtocolError):  # the service may have ended it meanwhile
                self._h2.reset_stream(number, ErrorCodes.CANCEL)
            self._flush()
        if self.heard < since:
            self._retire()

    def forget(self, stream: Stream) -> None:
        """Take a stream out of use; the connection closes after its last one."""
        self._carried.pop(stream.number, None)
        self._streams.discard(stream)
        self._close_unused()

    def close(self) -> None:
        """Close for good; may be called twice."""
        self._fd = -1
        self._retired = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what the service sent."""
        self.now = self.heard = monotonic()
        if not self.ready.done() and data.startswith(b"HTTP/"):
            self._lost(Kind.GARBAGE, f"{_NO_HTTP2}: it answered {str(data[:40].splitlines()[0], 'latin-1')}")
            return
        try:
            found = self._h2.receive_data(data)
        except ProtocolError as error:
            self._flush()
            self._lost(Kind.GARBAGE, f"not HTTP/2 as it should be: {str(error) or type(error).__name__}")
            return
        for event in found:
            self._take(event)
        self._flush()

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.DataReceived) and event.flow_controlled_length:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if isinstance(event, _ANSWERED):
            self._take_answer(event)
        elif isinstance(event, events.WindowUpdated):
            for stream in list(self._carried.values()) if event.stream_id == 0 else self._of(event.stream_id):
                self._go_on(stream)
        elif isinstance(event, events.RemoteSettingsChanged):
            if not self.ready.done():
                self.ready.set_result(None)
            for stream in list(self._carried.values()):  # the windows may have grown
                self._go_on(stream)
        elif isinstance(event, events.ConnectionTerminated):
            self._told_to_go(event)

    def _of(self, number: int | None) -> list[Stream]:
        return [self._carried[number]] if number in self._carried else []

    def _take_answer(self, event: events.Event) -> None:
        number = cast("int", getattr(event, "stream_id"))  # noqa: B009 (all four have it, their base has not)
        for stream in self._of(number):
            if isinstance(event, events.ResponseReceived):
                stream.headers(event.headers)
            elif isinstance(event, events.DataReceived):
                stream.body(event.data)
            elif isinstance(event, events.StreamEnded):
                self._served = True
                if stream.left:  # answered before the request was whole
                    self.cancel(number, 0.0)
                self._carried.pop(number, None)
                stream.ended()
            elif isinstance(event, events.StreamReset):
                self._carried.pop(number)
                stream.reset(_name(event.error_code))

    def _go_on(self, stream: Stream) -> None:
        """Send as much of the body as the service's windows allow."""
        try:
            while stream.left:
                room = min(self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size)
                if room <= 0:
                    return
                piece, stream.left = stream.left[:room], stream.left[room:]
                self._h2.send_data(stream.number, piece, end_stream=not stream.left)
        except StreamClosedError:  # the service has ended the stream; the event that says so comes next
            stream.left = memoryview(b"")

    def _told_to_go(self, event: events.ConnectionTerminated) -> None:
        """GOAWAY: streams up to the last one named are still answered; the others were not looked at."""
        last = event.last_stream_id or 0
        self._retired = True
        for number, stream in list(self._carried.items()):
            if number > last:
                del self._carried[number]
                if self._served or event.error_code == ErrorCodes.NO_ERROR:
                    stream.hand_back()
                else:
                    stream.fail(Kind.CLOSED, f"GOAWAY {_name(event.error_code)} before any answer")
        self._retire()

    def _retire(self) -> None:
        """Take no more requests."""
        self._retired = True
        for stream in [stream for stream in self._streams if stream.index < 0]:
            stream.drop()

    def _flush(self) -> None:
        """Write what there is now, straight to the socket where that is possible, as HTTP/1.1 does."""
        data = self._h2.data_to_send()
        if self._fd >= 0 and data and not self._transport.get_write_buffer_size():
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                pass
            except OSError as error:
                self._lost(Kind.RESET, f"{error.strerror} while a request was written")
                return
        if data:
            self._transport.write(data)

    def eof_received(self) -> bool:
        """Stop using a connection that the service closed."""
        self._lost(Kind.CLOSED, "")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Account for the requests that were being carried."""
        self._lost(Kind.CLOSED if exc is None else Kind.RESET, "" if exc is None else str(exc) or type(exc).__name__)

    def _lost(self, kind: Kind, why: str) -> None:
        """Close; every request that is being carried has failed. Those that were waiting for the settings, too."""
        self.close()
        if not self.ready.done():
            closed = "the connection was closed before HTTP/2 began; does the service speak HTTP/2?"
            self.ready.set_exception(CannotCarry(kind, why or closed))
        carried = list(self._carried.values())
        self._carried.clear()
        for stream in carried:
            stream.fail(kind, why)
        self._retire()

    def _close_unused(self) -> None:
        if not self._streams:
            self.close()


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"
