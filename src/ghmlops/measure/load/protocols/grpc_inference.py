"""The Open Inference Protocol over gRPC: `ModelInfer`, by the library `grpcio`."""

from __future__ import annotations

import asyncio
import re
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.latency.answers import Kind
from ghmlops.measure.load.protocols.http1_exchange import MAX_ANSWER, NOTHING

try:
    import grpc
    import grpc.aio

    from ghmlops.measure.load.protocols import inference_messages as messages
except ModuleNotFoundError as error:
    raise InputError(
        f"protocol `grpc` needs a package that is not installed: {error.name}",
        hint="install the extra: `pip install 'ghmlops[grpc]'`",
    ) from None

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.arm import Arm
    from ghmlops.measure.load.target import Target

MOST_CALLS = 32
"""Requests that one connection carries at once."""
_PATH = re.compile(r"/v2/models/(?P<model>[^/?]+)(/versions/(?P<version>[^/?]+))?/infer")
_FORBIDDEN = ("connection", "content-length", "grpc-timeout", "host", "te", "transfer-encoding", "upgrade")
_OURS = ("content-type", "accept")
_KEY, _VALUE = re.compile(r"[0-9a-z_.-]+"), re.compile(r"[ -~]*")
"""What the library takes; anything else it would log, request by request, and never send."""
_TRANSPORT = (
    ("onnection refused", Kind.REFUSED),
    ("onnection reset", Kind.RESET),
    ("roken pipe", Kind.RESET),
    ("failed to connect", Kind.CONNECT),
    ("ocket closed", Kind.CLOSED),
    ("GOAWAY", Kind.CLOSED),
)
"""What the library says of connections, in this order: its status for all of them is UNAVAILABLE."""

Prepared = tuple[bytes, tuple[tuple[str, str], ...]]


def prepare(endpoints: Sequence[Request], target: Target, calls: Sequence[Call]) -> list[Prepared]:
    """Return the message and the metadata of each call, whose body is a request in the JSON form of the protocol.

    Raises:
        DataError: a body is not of that form.
        InputError: the address has a path.
        PolicyError: the path of a request names no model, or a header has no place in gRPC.
    """
    if target.prefix:
        raise InputError(f"gRPC knows no paths, got {target.url}", hint="give host and port alone")
    metadata = [_metadata(endpoint) for endpoint in endpoints]
    made: dict[tuple[str, bytes], bytes] = {}
    prepared = []
    for place, call in enumerate(calls):
        key = call.path, call.body or b""
        if key not in made:
            made[key] = _message(call, place)
        prepared.append((made[key], metadata[call.endpoint]))
    return prepared


def _message(call: Call, place: int) -> bytes:
    found = _PATH.fullmatch(call.path)
    if found is None:
        raise PolicyError(
            f"`latency.request.path`: protocol `grpc` takes the model from a path like /v2/models/NAME/infer, "
            f'got "{call.path}"',
            hint="leave `path` out: `preset: open-inference` and `model` say it",
        )
    try:
        model, version = (unquote(found[name] or "") for name in ("model", "version"))
        return messages.request_message(model, version, call.body or b"")
    except ValueError as error:
        raise DataError(f"request {place + 1} of the payloads: {error}", hint="see `preset: open-inference`") from None


def _metadata(endpoint: Request) -> tuple[tuple[str, str], ...]:
    for name, value in endpoint.headers.items():
        if name not in _OURS and not (_KEY.fullmatch(name) and _VALUE.fullmatch(value)):
            raise PolicyError(
                f"`latency.request.headers.{name}`: cannot be sent as metadata of gRPC",
                hint="names are lower-case letters, digits, `-`, `_` and `.`; values are printable ASCII",
            )
        if name in _FORBIDDEN or name.startswith("grpc-") or name.endswith("-bin"):
            raise PolicyError(
                f"`latency.request.headers.{name}`: gRPC has no such metadata, or the library sets it itself",
                hint="take it out of the policy",
            )
    return tuple((name, value) for name, value in endpoint.headers.items() if name not in _OURS)


async def connect(arm: Arm) -> None:
    """Open a channel of `arm`: one connection, which the library makes when the first request needs it."""
    channel = _Channel(arm, _open_channel(arm.target))
    channel.open_calls()


def _open_channel(target: Target) -> grpc.aio.Channel:
    address = f"ipv6:[{target.address}]" if ":" in target.address else f"ipv4:{target.address}"
    options: list[tuple[str, Any]] = [
        ("grpc.default_authority", target.authority),
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_receive_message_length", MAX_ANSWER),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.max_send_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if target.tls is None:
        return grpc.aio.insecure_channel(f"{address}:{target.port}", options=options)
    trusted = "".join(ssl.DER_cert_to_PEM_cert(der) for der in target.tls.get_ca_certs(binary_form=True))
    credentials = grpc.ssl_channel_credentials(root_certificates=trusted.encode() or None)
    options.append(("grpc.ssl_target_name_override", target.host))
    return grpc.aio.secure_channel(f"{address}:{target.port}", credentials, options=options)


class _Channel:
    """One connection, shared by as many requests as it carries at once."""

    def __init__(self, arm: Arm, channel: grpc.aio.Channel) -> None:
        self._arm, self._channel = arm, channel
        self.loop = asyncio.get_running_loop()
        self.infer: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(messages.METHOD)
        self._calls: set[InferCall] = set()
        self._closing: asyncio.Task[None] | None = None

    def open_calls(self) -> None:
        """Report for work, once for each request that may be carried at once."""
        self._calls = {InferCall(self._arm, self) for _ in range(min(MOST_CALLS, self._arm.room))}
        for call in list(self._calls):
            self._arm.opened(call)
        self._close_unused()

    def forget(self, call: InferCall) -> None:
        """Take a carrier out of use; the channel closes after its last one."""
        if call in self._calls:
            self._calls.discard(call)
            self._close_unused()

    def _close_unused(self) -> None:
        if not self._calls:
            self._closing = self.loop.create_task(self._channel.close(None))


class InferCall:
    """Carries one request of an arm after the other. `index` is the one that it carries, or `NOTHING`."""

    __slots__ = ("_arm", "_channel", "_task", "index")

    def __init__(self, arm: Arm, channel: _Channel) -> None:
        self._arm, self._channel = arm, channel
        self.index = NOTHING
        self._task: asyncio.Task[None] | None = None

    def send(self, index: int) -> None:
        """Hand request `index` to the library, which writes it in one of the next turns of the loop."""
        self.index = index
        self._task = self._channel.loop.create_task(self._infer(index))

    async def _infer(self, index: int) -> None:
        arm = self._arm
        message, metadata = arm.requests[index]
        arm.sent[index] = monotonic()
        try:
            answer: bytes = await self._channel.infer(message, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            now = monotonic()
            kind = kind_of(error.code(), error.details() or "")
            self._ended(index, now, kind, 0, f"{error.code().name}: {error.details()}")
            return
        now = monotonic()
        arm.first[index] = now  # the library hands out whole answers
        missed = self._misses(index, answer)
        self._ended(index, now, Kind.CHECK if missed else Kind.OK, 200, missed)

    def _misses(self, index: int, answer: bytes) -> str:
        check = self._arm.check(index)
        try:
            if not messages.answer_outputs(answer):
                return "expected `outputs` in the answer, and there are none"
            return check.body(messages.answer_json(answer)) if check.asks else ""
        except ValueError as error:
            return str(error)

    def _ended(self, index: int, now: float, kind: Kind, status: int, example: str) -> None:
        if self.index == index:
            self.index, self._task = NOTHING, None
            self._arm.finish(index, now, kind, status, example)
            self._arm.released(self)

    def time_out(self, limit: float) -> None:
        """Give up on the request that is being carried."""
        index, task = self.index, self._task
        if index >= 0 and task is not None:
            self._ended(index, monotonic(), Kind.TIMEOUT, 0, f"not done {limit:g} s after its scheduled send")
            task.cancel()

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self.index = NOTHING
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._channel.forget(self)
        self._arm.dropped(self)


def kind_of(code: grpc.StatusCode, details: str) -> Kind:
    """Return how a request ended that the service, or the library in its place, answered with `code`."""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Kind.TIMEOUT
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Kind.TOO_LARGE if "eceived message larger than max" in details else Kind.THROTTLED
    if code is grpc.StatusCode.UNAVAILABLE:
        return next((kind for words, kind in _TRANSPORT if words in details), Kind.STATUS)
    return Kind.STATUS
