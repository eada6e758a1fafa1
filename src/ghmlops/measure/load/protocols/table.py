"""Table of the protocols that a policy can select."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.load.protocols.base import MAX_CONCURRENT_REQUESTS, ProtocolAdapter

if TYPE_CHECKING:
    from collections.abc import Callable


def _http1() -> ProtocolAdapter:
    from ghmlops.measure.load.protocols.http1_connection import connect
    from ghmlops.measure.load.protocols.http1_request import prepare

    return ProtocolAdapter(prepare=prepare, connect=connect)


def _http2() -> ProtocolAdapter:
    from ghmlops.measure.load.protocols.http2_connection import connect
    from ghmlops.measure.load.protocols.http2_request import prepare

    return ProtocolAdapter(
        prepare=prepare, connect=connect, slots_per_connection=MAX_CONCURRENT_REQUESTS, requests_per_process=2_000.0
    )


def _grpc() -> ProtocolAdapter:
    from ghmlops.measure.load.protocols.grpc_inference import connect, prepare

    return ProtocolAdapter(
        prepare=prepare, connect=connect, slots_per_connection=MAX_CONCURRENT_REQUESTS, requests_per_process=1_000.0
    )


PROTOCOLS: dict[str, Callable[[], ProtocolAdapter]] = {
    "http/1.1": _http1,
    "http/2": _http2,
    "grpc": _grpc,
}
"""Adapter by value of the policy key `protocol`; functions, to load only the packages of the selected one."""
