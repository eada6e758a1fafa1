"""Strict JSON with bounded numbers, for readers of untrusted result files."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import MAX_REQUESTS

T = TypeVar("T")
MAX_MS = 3_600_000.0
"""Upper bound of a response time in ms; a longer one is damaged data."""
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_REQUESTS)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=MAX_MS)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=3_600_000_000_000)]
"""Durations of at most `MAX_MS`."""


def parse(data: bytes, kind: type[T], tool: str) -> T:
    """Decode a JSON document strictly as `kind`.

    Raises:
        DataError: The data is not JSON, is nested too deeply, or does not match the type.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _mismatch(error, tool) from None


def fit(value: Any, kind: type[T], tool: str) -> T:  # noqa: ANN401  (any part of a JSON document)
    """Convert a part of a decoded JSON document to `kind`.

    Raises:
        DataError: The value does not match the type.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _mismatch(error, tool) from None


def _mismatch(error: Exception, tool: str) -> DataError:
    reason = " ".join(str(error).split())[:200]
    return DataError(
        f"not readable as results of {tool}: {reason}", hint="check that the file is complete and from this tool"
    )
