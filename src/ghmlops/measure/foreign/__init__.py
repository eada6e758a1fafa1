"""Reads result files of other load generators: one module per tool; `TOOLS` is the table.

A reader receives the bytes of an untrusted file and returns what the file contains. What it does not contain is listed
as not measured and never guessed.
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
    from ghmlops.measure.foreign.supplement import Supplement

MAX_BYTES = 256 * 1024 * 1024
"""Maximum size of a result file."""
HEAD = 65_536
"""Number of leading bytes from which the tool is detected."""


class Tool(NamedTuple):
    """One row of the table of tools."""

    name: str
    recognises: Callable[[bytes], bool]
    """Returns whether a file that starts with these bytes (the first `HEAD`) was written by this tool."""
    read: Callable[[bytes, Supplement], ExternalResults]


TOOLS = (
    Tool("k6", k6.recognises, k6.read),
    Tool("vegeta-report", vegeta_report.recognises, vegeta_report.read),
    Tool("vegeta", vegeta.recognises, vegeta.read),
    Tool("oha", oha.recognises, oha.read),
    Tool("wrk2", wrk2.recognises, wrk2.read),
    Tool("hdr", hdr.recognises, hdr.read),
    Tool("locust", locust.recognises, locust.read),
)
"""The supported tools, in the order in which their formats are tried if the tool is not named."""


class ResultFile(NamedTuple):
    """The content of a result file, and the `sha256:<hex>` of its bytes."""

    content: ExternalResults
    fingerprint: str


def read_results(path: Path, display_name: str, tool: str, supplement: Supplement) -> ResultFile:
    """Read a result file.

    Args:
        path: The file.
        display_name: Name of the file in messages.
        tool: Name of the tool that wrote it; empty to detect it from the content.
        supplement: Facts that the user supplies in addition to the file.

    Raises:
        InputError: The tool is not supported, or `supplement` lacks or contradicts a fact.
        DataError: The file is missing, too large, damaged, or was written by another tool.
    """
    readers = {entry.name: entry for entry in TOOLS}
    if tool and tool not in readers:
        raise InputError(f"input `tool`: {tool[:40]!r} is not supported", hint=nearest(tool, tuple(readers)))
    data = _read_bytes(path, display_name)
    reader = readers[tool] if tool else next((entry for entry in TOOLS if entry.recognises(data[:HEAD])), None)
    if reader is None:
        raise DataError(
            f"{display_name}: not a result file of a supported tool ({', '.join(readers)})",
            hint="name the tool with --tool; expected: JSON of k6 or oha, `vegeta encode --to json`, `_stats.csv` of "
            "Locust",
        )
    try:
        content = reader.read(data, supplement)
    except DataError as error:
        raise DataError(f"{display_name}: {error.message}", hint=error.hint) from None
    if are_contradictory(content.points):
        raise DataError(
            f"{display_name}: its percentiles contradict each other", hint="the file is damaged or was edited"
        )
    return ResultFile(content, "sha256:" + hashlib.sha256(data).hexdigest())


def _read_bytes(path: Path, display_name: str) -> bytes:
    try:
        if not path.is_file():
            problem = "no such file" if not path.exists() else "not a regular file"
            raise DataError(f"{display_name}: {problem}", hint="name the result file with --file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check its permissions") from None
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{display_name}: larger than {MAX_BYTES} bytes", hint="import a report instead of single results"
        )
    if not data.strip():
        raise DataError(f"{display_name}: the file is empty", hint="check that the tool completed its run")
    return data
