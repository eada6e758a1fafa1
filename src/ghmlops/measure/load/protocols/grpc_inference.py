"""The call `ModelInfer` of the Open Inference Protocol over gRPC; the library `grpcio` implements the transport."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.latency.kind import Kind
from ghmlops.measure.load.protocols.base import MAX_CONCURRENT_REQUESTS, MAX_RESPONSE_BYTES, NO_REQUEST

try:
    import grpc
    import grpc.aio

    from ghmlops.measure.load.protocols import inference_messages as messages
except ModuleNotFoundError as error:
    raise InputError(
        f"protocol `grpc` needs a package that is not installed: {error.name}",
        hint='install it with `pip install "ghmlops[grpc]"`',
    ) from None

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.protocols.base import ArmInterface
    from ghmlops.measure.load.target import Target

_PATH = re.compile(r"/v2/models/(?P<model>[^/?]+)(/versions/(?P<version>[^/?]+))?/infer")
_FORBIDDEN = ("connection", "content-length", "grpc-timeout", "host", "te", "transfer-encoding", "upgrade")
_HTTP_ONLY = ("content-type", "accept")
"""Headers that have no equivalent in gRPC; they are not sent."""
_KEY, _VALUE = re.compile(r"[0-9a-z_.-]+"), re.compile(r"[ -~]*")
"""Metadata that the library accepts; it would log anything else for each request, and not send it."""
_CONNECTION_ERRORS = (
    ("onnection refused", Kind.REFUSED),
    ("onnection reset", Kind.RESET),
    ("roken pipe", Kind.RESET),
    ("failed to connect", Kind.CONNECT),
    ("ocket closed", Kind.CLOSED),
    ("GOAWAY", Kind.CLOSED),
)
"""Texts in the details of connection errors, in order of precedence: the library reports all of them as UNAVAILABLE."""

PreparedCall = tuple[bytes, tuple[tuple[str, str], ...]]
"""Serialised message and metadata."""


def prepare(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[PreparedCall]:
    """Return the message and the metadata of each call, whose body is a request in the JSON form of the protocol.

    Args:
        endpoints: Headers of each endpoint, which are sent as metadata.
        target: The service.
        calls: Endpoint, path and body of each request.

    Raises:
        DataError: A body is not a request in the JSON form of the protocol.
        InputError: The URL of the service has a path.
        PolicyError: The path of a request contains no model name, or a header is not allowed in gRPC.
    """
    if target.prefix:
        raise InputError(
            f"protocol `grpc` does not support a path in the address, got {target.url}", hint="give only host and port"
        )
    if target.proxy is not None:
        raise InputError(
            f"protocol `grpc` cannot reach {target.host} through the proxy of {target.proxy_variable}",
            hint="list the host in NO_PROXY",
        )
    metadata = [_metadata(endpoint) for endpoint in endpoints]
    messages_by_call: dict[tuple[str, bytes], bytes] = {}
    prepared = []
    for index, call in enumerate(calls):
        key = call.path, call.body or b""
        if key not in messages_by_call:
            messages_by_call[key] = _message(call, index)
        prepared.append((messages_by_call[key], metadata[call.endpoint]))
    return prepared


def _message(call: Call, index: int) -> bytes:
    match = _PATH.fullmatch(call.path)
    if match is None:
        raise PolicyError(
            f"`latency.request.path`: protocol `grpc` takes the model from a path like /v2/models/NAME/infer, "
            f'got "{call.path}"',
            hint="remove `path`: `preset: open-inference` and `model` set it",
        )
    try:
        model, version = (unquote(match[name] or "") for name in ("model", "version"))
        return messages.encode_request(model, version, call.body or b"")
    except ValueError as error:
        raise DataError(f"request {index + 1} of the payloads: {error}", hint="see `preset: open-inference`") from None


def _metadata(endpoint: Request) -> tuple[tuple[str, str], ...]:
    for name, value in endpoint.headers.items():
        if name not in _HTTP_ONLY and not (_KEY.fullmatch(name) and _VALUE.fullmatch(value)):
            raise PolicyError(
                f"`latency.request.headers.{name}`: cannot be sent as gRPC metadata",
                hint="names consist of lower-case letters, digits, `-`, `_` and `.`; values of printable ASCII",
            )
        if name in _FORBIDDEN or name.startswith("grpc-") or name.endswith("-bin"):
            raise PolicyError(
                f"`latency.request.headers.{name}`: gRPC has no such metadata, or the library sets it itself",
                hint="remove it from the policy",
            )
    return tuple((name, value) for name, value in endpoint.headers.items() if name not in _HTTP_ONLY)


async def connect(arm: ArmInterface) -> None:
    """Open a channel and add its slots to `arm`; the library connects when the first request is sent."""
    channel = _Channel(arm, _open_channel(arm.target, arm.next_address()))
    channel.add_calls()


def _open_channel(target: Target, numeric: str) -> grpc.aio.Channel:
    address = f"ipv6:[{numeric}]" if ":" in numeric else f"ipv4:{numeric}"
    options: list[tuple[str, Any]] = [
        ("grpc.default_authority", target.authority),
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.max_send_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if target.tls is None:
        return grpc.aio.insecure_channel(f"{address}:{target.dial_port}", options=options)
    authorities = "".join(ssl.DER_cert_to_PEM_cert(der) for der in target.tls.get_ca_certs(binary_form=True))
    own = Path(target.client_certificate).read_bytes() if target.client_certificate else None
    credentials = grpc.ssl_channel_credentials(
        root_certificates=authorities.encode() or None, private_key=own, certificate_chain=own
    )
    options.append(("grpc.ssl_target_name_override", target.host))
    return grpc.aio.secure_channel(f"{address}:{target.dial_port}", credentials, options=options)


class _Channel:
    """One connection, shared by the requests that it carries at once.

    Attributes:
        loop: The event loop.
        infer: The remote method; it takes and returns serialised messages.
    """

    def __init__(self, arm: ArmInterface, channel: grpc.aio.Channel) -> None:
        self._arm, self._channel = arm, channel
        self.loop = asyncio.get_running_loop()
        self.infer: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(messages.METHOD)
        self._calls: set[InferCall] = set()
        self._closing: asyncio.Task[None] | None = None

    def add_calls(self) -> None:
        """Add a slot to the arm for each request that may be carried at once."""
        self._calls = {InferCall(self._arm, self) for _ in range(min(MAX_CONCURRENT_REQUESTS, self._arm.free_capacity))}
        for call in list(self._calls):
            self._arm.add(call)
        self._close_unused()

    def remove(self, call: InferCall) -> None:
        """Remove a slot; the channel closes after its last one."""
        if call in self._calls:
            self._calls.discard(call)
            self._close_unused()

    def _close_unused(self) -> None:
        if not self._calls:
            self._closing = self.loop.create_task(self._channel.close(None))


class InferCall:
    """A slot that carries one request of an arm after the other.

    Attributes:
        index: Index of the request that it carries, or `NO_REQUEST`.
    """

    __slots__ = ("_arm", "_channel", "_task", "index")

    def __init__(self, arm: ArmInterface, channel: _Channel) -> None:
        self._arm, self._channel = arm, channel
        self.index = NO_REQUEST
        self._task: asyncio.Task[None] | None = None

    def send(self, index: int) -> None:
        """Pass request `index` to the library, which writes it in one of the next iterations of the loop."""
        self.index = index
        self._task = self._channel.loop.create_task(self._infer(index))

    async def _infer(self, index: int) -> None:
        arm = self._arm
        message, metadata = arm.requests[index]
        arm.sent[index] = monotonic()
        try:
            response: bytes = await self._channel.infer(message, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            now = monotonic()
            kind = failure_kind(error.code(), error.details() or "")
            self._finish(index, now, kind, 0, f"{error.code().name}: {error.details()}")
            return
        now = monotonic()
        arm.first[index] = now  # the library returns only complete responses
        failure = self._response_error(index, response)
        self._finish(index, now, Kind.CHECK if failure else Kind.OK, 200, failure)

    def _response_error(self, index: int, response: bytes) -> str:
        """Return why the response is a failure; "" if it passes all checks."""
        check = self._arm.check(index)
        try:
            if not messages.count_outputs(response):
                return "expected `outputs` in the response, which has none"
            return check.body_error(messages.response_to_json(response)) if check.reads_body else ""
        except ValueError as error:
            return str(error)

    def _finish(self, index: int, now: float, kind: Kind, status: int, example: str) -> None:
        if self.index == index:
            self.index, self._task = NO_REQUEST, None
            self._arm.finish(index, now, kind, status, example)
            self._arm.release(self)

    def time_out(self, limit: float) -> None:
        """Give up the current request, which has taken `limit` seconds from its scheduled send."""
        index, task = self.index, self._task
        if index >= 0 and task is not None:
            self._finish(index, monotonic(), Kind.TIMEOUT, 0, f"not complete {limit:g} s after its scheduled send")
            task.cancel()

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self.index = NO_REQUEST
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._channel.remove(self)
        self._arm.remove(self)


def failure_kind(code: grpc.StatusCode, details: str) -> Kind:
    """Return how a request ends whose status, from the service or from the library, is `code`."""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Kind.TIMEOUT
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Kind.TOO_LARGE if "eceived message larger than max" in details else Kind.THROTTLED
    if code is grpc.StatusCode.UNAVAILABLE:
        return next((kind for text, kind in _CONNECTION_ERRORS if text in details), Kind.STATUS)
    return Kind.STATUS
