"""Reads result files of other load generators: one module per tool; `TOOLS` is the table.

A reader receives the bytes of an untrusted file and returns what the file contains. What it does not contain is listed
as not measured and never guessed.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import replace
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from ghmlops.core.errors import DataError, InputError, nearest
from ghmlops.core.latency.external_results import Load, are_contradictory
from ghmlops.measure.foreign import hdr, k6, locust, oha, vegeta, vegeta_report, wrk2
from ghmlops.measure.foreign.llm import aiperf, guidellm, vllm
from ghmlops.measure.foreign.refused import refuse_by_name
from ghmlops.measure.foreign.reports import fortio, gatling_report, locust_json
from ghmlops.measure.foreign.rows import gatling, hey, jmeter, jmeter_xml, k6_csv, k6_json, vegeta_csv

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
    Tool("k6-json", k6_json.recognises, k6_json.read),
    Tool("k6-csv", k6_csv.recognises, k6_csv.read),
    Tool("vegeta-report", vegeta_report.recognises, vegeta_report.read),
    Tool("vegeta", vegeta.recognises, vegeta.read),
    Tool("oha", oha.recognises, oha.read),
    Tool("wrk2", wrk2.recognises, wrk2.read),
    Tool("hdr", hdr.recognises, hdr.read),
    Tool("locust", locust.recognises, locust.read),
    Tool("locust-json", locust_json.recognises, locust_json.read),
    Tool("jmeter", jmeter.recognises, jmeter.read),
    Tool("jmeter-xml", jmeter_xml.recognises, jmeter_xml.read),
    Tool("hey", hey.recognises, hey.read),
    Tool("vegeta-csv", vegeta_csv.recognises, vegeta_csv.read),
    Tool("gatling", gatling.recognises, gatling.read),
    Tool("gatling-report", gatling_report.recognises, gatling_report.read),
    Tool("fortio", fortio.recognises, fortio.read),
    Tool("guidellm", guidellm.recognises, guidellm.read),
    Tool("aiperf", aiperf.recognises, aiperf.read),
    Tool("vllm", vllm.recognises, vllm.read),
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
    refuse_by_name(data[:HEAD], display_name)
    reader = readers[tool] if tool else next((entry for entry in TOOLS if entry.recognises(data[:HEAD])), None)
    if reader is None:
        raise DataError(
            f"{display_name}: not a result file of a supported tool ({', '.join(readers)})",
            hint="see the table of formats in actions/import/README.md; name the tool with --tool",
        )
    try:
        content = reader.read(data, supplement)
    except DataError as error:
        raise DataError(f"{display_name}: {error.message}", hint=error.hint) from None
    if are_contradictory(content.points) or (content.first_token and are_contradictory(content.first_token.points)):
        raise DataError(
            f"{display_name}: its percentiles contradict each other", hint="the file is damaged or was edited"
        )
    content = _with_planned_load(content, supplement)
    return ResultFile(content, "sha256:" + hashlib.sha256(data).hexdigest())


def _with_planned_load(content: ExternalResults, supplement: Supplement) -> ExternalResults:
    """Return the content with the planned number of requests that the user supplies; without it, as it is."""
    planned = supplement.planned
    if planned is None:
        return content
    if planned < 1:
        raise InputError(f"input `planned`: {planned} is not a number of requests", hint="omit --planned")
    sent = content.timed + (content.failed[1] or 0) if content.requests is None else content.requests
    cause = f"the file contains {sent:,}, and the input `planned` states how many were to be sent"
    return replace(content, load=Load(unit="requests", planned=planned, unsent=max(0, planned - sent), cause=cause))


def _read_bytes(path: Path, display_name: str) -> bytes:
    try:
        if not path.is_file():
            problem = "no such file" if not path.exists() else "not a regular file"
            raise DataError(f"{display_name}: {problem}", hint="name the result file with --file")
        with path.open("rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        with cast("IO[bytes]", gzip.open(path) if compressed else path.open("rb")) as stream:
            data = stream.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{display_name}: damaged gzip data ({error})", hint="check that the file is complete"
        ) from None
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check its permissions") from None
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{display_name}: larger than {MAX_BYTES} bytes", hint="import a report instead of single results"
        )
    if not data.strip():
        raise DataError(f"{display_name}: the file is empty", hint="check that the tool completed its run")
    return data
