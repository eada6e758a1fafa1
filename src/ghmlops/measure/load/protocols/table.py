"""What a protocol is to an arm, and the table of those there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.load.protocols.base import Wire

if TYPE_CHECKING:
    from collections.abc import Callable


def _http1() -> Wire:
    from ghmlops.measure.load.protocols.http1_connection import connect
    from ghmlops.measure.load.target import serialise

    return Wire(prepare=serialise, connect=connect)


def _http2() -> Wire:
    from ghmlops.measure.load.protocols.http2_connection import MOST_STREAMS, connect
    from ghmlops.measure.load.protocols.http2_request import prepare

    return Wire(prepare=prepare, connect=connect, each=MOST_STREAMS)


def _grpc() -> Wire:
    from ghmlops.measure.load.protocols.grpc_inference import MOST_CALLS, connect, prepare

    return Wire(prepare=prepare, connect=connect, each=MOST_CALLS)


PROTOCOLS: dict[str, Callable[[], Wire]] = {
    "http/1.1": _http1,
    "http/2": _http2,
    "grpc": _grpc,
}
"""By the policy's name of a protocol; a function each, so that the packages of one are loaded only where it is used."""
