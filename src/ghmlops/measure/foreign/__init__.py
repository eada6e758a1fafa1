"""Results that other load generators wrote. One file a tool; `TOOLS` is the visible table.

A reader takes the file's bytes, which are hostile until they fit, and returns what they tell; what they cannot tell is
listed there, never guessed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError, InputError, nearest
from ghmlops.core.latency.external_results import are_contradictory
from ghmlops.measure.foreign import hdr, k6, locust, oha, vegeta, vegeta_report, wrk2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.given import Given

MAX_BYTES = 256 * 1024 * 1024
HEAD = 65_536


class Tool(NamedTuple):
    """A line of the table."""

    name: str
    recognises: Callable[[bytes], bool]
    """True where the first `HEAD` bytes of a file are this tool's."""
    read: Callable[[bytes, Given], ExternalResults]


TOOLS = (
    Tool("k6", k6.recognises, k6.read),
    Tool("vegeta-report", vegeta_report.recognises, vegeta_report.read),
    Tool("vegeta", vegeta.recognises, vegeta.read),
    Tool("oha", oha.recognises, oha.read),
    Tool("wrk2", wrk2.recognises, wrk2.read),
    Tool("hdr", hdr.recognises, hdr.read),
    Tool("locust", locust.recognises, locust.read),
)
"""In the order in which a file without a named tool is tried."""


class Read(NamedTuple):
    """What a file told, and its `sha256:<hex>`."""

    imported: ExternalResults
    fingerprint: str


def read_results(path: Path, shown: str, tool: str, given: Given) -> Read:
    """Read the file `path`, called `shown` in messages, as `tool` wrote it; an empty `tool` is known by the content.

    Raises:
        InputError: the tool is not known, or the file does not say what `given` was to.
        DataError: the file is missing, too large, damaged, or not that tool's.
    """
    known = {line.name: line for line in TOOLS}
    if tool and tool not in known:
        raise InputError(f"input `tool`: {tool[:40]!r} is not known", hint=nearest(tool, tuple(known)))
    data = _bytes(path, shown)
    found = known[tool] if tool else next((line for line in TOOLS if line.recognises(data[:HEAD])), None)
    if found is None:
        raise DataError(
            f"{shown}: not the results of a tool that is known ({', '.join(known)})",
            hint="name it with --tool; k6 and oha write JSON, vegeta `encode --to json`, Locust `_stats.csv`",
        )
    try:
        imported = found.read(data, given)
    except DataError as error:
        raise DataError(f"{shown}: {error.message}", hint=error.hint) from None
    if are_contradictory(imported.points):
        raise DataError(f"{shown}: its percentiles contradict each other", hint="is the file damaged, or edited?")
    return Read(imported, "sha256:" + hashlib.sha256(data).hexdigest())


def _bytes(path: Path, shown: str) -> bytes:
    try:
        if not path.is_file():
            what = "no such file" if not path.exists() else "not a regular file"
            raise DataError(f"{shown}: {what}", hint="name the file with --file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check its permissions") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{shown}: larger than {MAX_BYTES} bytes", hint="import a report instead of single results")
    if not data.strip():
        raise DataError(f"{shown}: the file is empty", hint="did the tool end well?")
    return data
