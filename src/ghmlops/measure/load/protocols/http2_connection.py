"""Connections of HTTP/2, which carry many requests at once; the library `h2` implements the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from time import monotonic
from typing import TYPE_CHECKING, cast

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import NoAvailableStreamIDError, ProtocolError, StreamClosedError, TooManyStreamsError

from ghmlops.core.latency.kind import Kind
from ghmlops.measure.load.connecting.dial import open_socket
from ghmlops.measure.load.protocols.base import MAX_CONCURRENT_REQUESTS, UnusableConnection
from ghmlops.measure.load.protocols.http2_machine import client_connection
from ghmlops.measure.load.protocols.http2_stream import Stream

if TYPE_CHECKING:
    from ghmlops.measure.load.protocols.base import ArmInterface

_CONNECTION_WINDOW = 16 << 20
"""Bytes by which the flow-control window of the connection is enlarged."""
_NO_HTTP2 = "the service does not support HTTP/2"
_RESPONSE_EVENTS = (events.ResponseReceived, events.DataReceived, events.StreamEnded, events.StreamReset)


async def connect(arm: ArmInterface) -> None:
    """Open one connection, and add as many streams to `arm` as it may carry at once.

    HTTP/2 is negotiated by ALPN over TLS, and assumed by prior knowledge otherwise (RFC 9113, section 3.3).

    Raises:
        OSError: It cannot be opened, the certificate is not trusted, or the service does not support HTTP/2.
    """
    target, loop = arm.target, asyncio.get_running_loop()
    if target.tls is not None:
        target.tls.set_alpn_protocols(["h2"])
    name = target.host if target.tls is not None else None
    plain = await open_socket(target, arm.next_address())
    try:
        _, connection = await loop.create_connection(
            lambda: Http2Connection(arm), sock=plain, ssl=target.tls, server_hostname=name
        )
    except ssl.SSLError as error:
        if "no application protocol" in str(error):  # `reason` is empty for an alert
            raise UnusableConnection(Kind.GARBAGE, f"{_NO_HTTP2}: ALPN offers another protocol") from None
        raise
    try:
        await connection.ready
    except BaseException:
        connection.close()
        raise
    connection.add_streams()


class Http2Connection(asyncio.Protocol):
    """One connection and its streams.

    Attributes:
        ready: Completed once the service has sent its settings.
        receive_time: Time at which its last data arrived, in seconds of `time.monotonic`.
    """

    def __init__(self, arm: ArmInterface) -> None:
        self._arm = arm
        self._h2 = client_connection()
        self._streams: set[Stream] = set()
        self._active: dict[int, Stream] = {}
        self._retired = self._has_served = False
        self._fd = -1
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.receive_time = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface and the settings."""
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            self._fd = transport.get_extra_info("socket").fileno()
        elif tls.selected_alpn_protocol() != "h2":
            self._fail_all(Kind.GARBAGE, f"{_NO_HTTP2}: ALPN did not select it")
            return
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW)
        self._flush()

    def add_streams(self) -> None:
        """Add a slot to the arm for each request that may be carried at once.

        Raises:
            UnusableConnection: The service allows no stream.
        """
        allowed = min(MAX_CONCURRENT_REQUESTS, self._h2.remote_settings.max_concurrent_streams)
        if allowed < 1:
            self.close()
            raise UnusableConnection(
                Kind.THROTTLED, "the service allows no stream (SETTINGS_MAX_CONCURRENT_STREAMS is 0)"
            )
        self._streams = {Stream(self._arm, self) for _ in range(min(allowed, self._arm.free_capacity))}
        for stream in list(self._streams):
            if self._retired:
                stream.drop()
            else:
                self._arm.add(stream)
        self._close_unused()

    def begin(self, stream: Stream, index: int) -> None:
        """Send request `index` on a new stream; requeue it if the connection accepts no more."""
        headers, body = self._arm.requests[index]
        sent = monotonic()
        try:
            stream_id = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream_id, headers, end_stream=not body)
        except (NoAvailableStreamIDError, TooManyStreamsError):
            stream.requeue()
            return
        self._arm.sent[index] = sent
        stream.stream_id, stream.unsent_body = stream_id, memoryview(body)
        self._active[stream_id] = stream
        self._send_body(stream)
        self._flush()

    def release(self, stream: Stream) -> None:
        """Let `stream` carry the next request, unless the connection is retired."""
        if self._retired:
            stream.drop()
        else:
            self._arm.release(stream)

    def cancel(self, stream_id: int, since: float) -> None:
        """Reset a stream; retire the connection if it has received nothing after `since`."""
        if self._active.pop(stream_id, None) is not None:
            with contextlib.suppress(ProtocolError):  # the service may have ended the stream in the meantime
                self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
            self._flush()
        if self.receive_time < since:
            self._retire()

    def remove(self, stream: Stream) -> None:
        """Remove a slot; the connection closes after its last one."""
        self._active.pop(stream.stream_id, None)
        self._streams.discard(stream)
        self._close_unused()

    def close(self) -> None:
        """Close for good; may be called twice."""
        self._fd = -1
        self._retired = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process data of the service."""
        self.receive_time = monotonic()
        if not self.ready.done() and data.startswith(b"HTTP/"):
            self._fail_all(Kind.GARBAGE, f"{_NO_HTTP2}: it responded with {str(data[:40].splitlines()[0], 'latin-1')}")
            return
        try:
            received = self._h2.receive_data(data)
        except ProtocolError as error:
            self._flush()
            self._fail_all(Kind.GARBAGE, f"violation of HTTP/2: {str(error) or type(error).__name__}")
            return
        for event in received:
            self._handle(event)
        self._flush()

    def _handle(self, event: events.Event) -> None:
        if isinstance(event, events.DataReceived) and event.flow_controlled_length:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if isinstance(event, _RESPONSE_EVENTS):
            self._handle_response(event)
        elif isinstance(event, events.WindowUpdated):
            for stream in list(self._active.values()) if event.stream_id == 0 else self._find(event.stream_id):
                self._send_body(stream)
        elif isinstance(event, events.RemoteSettingsChanged):
            if not self.ready.done():
                self.ready.set_result(None)
            for stream in list(self._active.values()):  # the settings may have enlarged the windows
                self._send_body(stream)
        elif isinstance(event, events.ConnectionTerminated):
            self._handle_goaway(event)

    def _find(self, stream_id: int | None) -> list[Stream]:
        """Return the active stream with this identifier; empty if it is not active."""
        return [self._active[stream_id]] if stream_id in self._active else []

    def _handle_response(self, event: events.Event) -> None:
        stream_id = cast("int", getattr(event, "stream_id"))  # noqa: B009 (their common base class has no such field)
        for stream in self._find(stream_id):
            if isinstance(event, events.ResponseReceived):
                stream.receive_headers(event.headers)
            elif isinstance(event, events.DataReceived):
                stream.receive_data(event.data)
            elif isinstance(event, events.StreamEnded):
                self._has_served = True
                if stream.unsent_body:  # the response ended before the request
                    self.cancel(stream_id, 0.0)
                self._active.pop(stream_id, None)
                stream.receive_end()
            elif isinstance(event, events.StreamReset):
                self._active.pop(stream_id)
                stream.receive_reset(_code_name(event.error_code))

    def _send_body(self, stream: Stream) -> None:
        """Send as much of the body as the flow-control windows allow."""
        try:
            while stream.unsent_body:
                size = min(self._h2.local_flow_control_window(stream.stream_id), self._h2.max_outbound_frame_size)
                if size <= 0:
                    return
                piece, stream.unsent_body = stream.unsent_body[:size], stream.unsent_body[size:]
                self._h2.send_data(stream.stream_id, piece, end_stream=not stream.unsent_body)
        except StreamClosedError:  # the service has ended the stream; its event follows
            stream.unsent_body = memoryview(b"")

    def _handle_goaway(self, event: events.ConnectionTerminated) -> None:
        """Process GOAWAY: streams after the last one that it names were not processed; the others may be completed."""
        last = event.last_stream_id or 0
        self._retired = True
        for stream_id, stream in list(self._active.items()):
            if stream_id > last:
                del self._active[stream_id]
                if self._has_served or event.error_code == ErrorCodes.NO_ERROR:
                    stream.requeue()
                else:
                    stream.fail(Kind.CLOSED, f"GOAWAY {_code_name(event.error_code)} before any response")
        self._retire()

    def _retire(self) -> None:
        """Accept no more requests, and close once the active streams have ended."""
        self._retired = True
        for stream in [stream for stream in self._streams if stream.index < 0]:
            stream.drop()

    def _flush(self) -> None:
        """Write pending data now, directly to the socket if the transport has none buffered, as for HTTP/1.1."""
        data = self._h2.data_to_send()
        if self._fd >= 0 and data and not self._transport.get_write_buffer_size():
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                pass
            except OSError as error:
                self._fail_all(Kind.RESET, f"{error.strerror} while writing a request")
                return
        if data:
            self._transport.write(data)

    def eof_received(self) -> bool:
        """Close the connection, which the service has closed."""
        self._fail_all(Kind.CLOSED, "")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the requests that were being carried."""
        why = "" if exc is None else str(exc) or type(exc).__name__
        self._fail_all(Kind.CLOSED if exc is None else Kind.RESET, why)

    def _fail_all(self, kind: Kind, why: str) -> None:
        """Close, and fail every request that is being carried, or that waits for the connection to become ready."""
        self.close()
        if not self.ready.done():
            early_end = "the connection was closed before the HTTP/2 settings; does the service support HTTP/2?"
            self.ready.set_exception(UnusableConnection(kind, why or early_end))
        active = list(self._active.values())
        self._active.clear()
        for stream in active:
            stream.connection_ended(kind, why, reused=self._has_served)
        self._retire()

    def _close_unused(self) -> None:
        if not self._streams:
            self.close()


def _code_name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"
