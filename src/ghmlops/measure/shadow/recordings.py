"""Reads recorded requests from Parquet, JSONL, access logs of routers, or an HTTP archive (HAR)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.shadow.recorded import Recorded
from ghmlops.core.shadow.router_rows import TRACE, recorded_row
from ghmlops.measure.checkout import fingerprint, fingerprint_of
from ghmlops.measure.requests.lines import read_all
from ghmlops.measure.requests.payloads import MAX_BYTES, MAX_ROWS, read_payloads
from ghmlops.measure.shadow.live_logs import traces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ghmlops.core.shadow.recorded import Endpoint

MAX_HAR = 256 * 1024 * 1024
"""Maximum size of an HTTP archive in bytes."""
_METHOD = re.compile(r"[A-Z][A-Z-]{0,19}")
_FIRST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Recorded requests in their order.

    Attributes:
        requests: the requests that can be read.
        unreadable: rows that are no request, with the reason: number of the row to reason.
        truncated: whether the file contains more rows than were read.
        fingerprint: `sha256:<hex>` of the file.
    """

    requests: list[Recorded]
    unreadable: dict[int, str] = field(default_factory=dict)
    truncated: bool = False
    fingerprint: str = ""


class _Header(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Data(msgspec.Struct):
    text: str = ""
    encoding: str = ""


class _HarRequest(msgspec.Struct, rename={"post_data": "postData"}):
    method: str = ""
    url: str = ""
    headers: list[_Header] = []
    post_data: _Data | None = None


class _Entry(msgspec.Struct):
    request: _HarRequest = msgspec.field(default_factory=_HarRequest)


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def read_har(path: Path, name: str) -> Recording:
    """Read the requests of an HTTP archive.

    Raises:
        DataError: The file is missing, no archive, too large or empty.
    """
    try:
        har = msgspec.json.decode(read_all(path, name, MAX_HAR), type=_Har)
        digest = fingerprint(path)
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint="check `shadow.har`") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{name}: not a HAR file ({reason})", hint="export it again from the browser") from None
    rows = ((number, _from_har(number, entry.request)) for number, entry in enumerate(har.log.entries, 1))
    recording = _collect(rows, name)
    return Recording(
        requests=recording.requests[:MAX_ROWS],
        unreadable=recording.unreadable,
        truncated=len(recording.requests) > MAX_ROWS,
        fingerprint=digest,
    )


def read_traces(folder: Path, name: str) -> Recording:
    """Read the requests of a folder with one trace of Envoy's tap filter per file.

    Raises:
        DataError: A trace cannot be read, or none has a request.
    """
    rows: list[tuple[int, Recorded | str]] = []
    digests, size, truncated = [], 0, False
    try:
        for number, data in traces(folder):
            size += len(data)
            if len(rows) == MAX_ROWS or size > MAX_BYTES:
                truncated = True
                break
            digests.append(fingerprint_of(data))
            rows.append((number, _from_trace(number, data)))
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint="check `shadow.requests`") from None
    recording = _collect(rows, name)
    return Recording(
        requests=recording.requests,
        unreadable=recording.unreadable,
        truncated=truncated,
        fingerprint=fingerprint_of("\n".join(digests)),
    )


def _from_trace(number: int, data: bytes) -> Recorded | str:
    try:
        row = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "no JSON"
    if not isinstance(row, dict) or TRACE not in row:
        return "no trace"
    return _from_row(number, row, "application/json")


def read_rows(path: Path, name: str, declared: Iterable[Endpoint], content_type: str = "application/json") -> Recording:
    """Read the requests of a Parquet or JSONL file.

    A row with the columns `method` and `path` (and `headers`, `body`) is a request. Otherwise the file contains bodies,
    which are sent to the only declared endpoint.

    Args:
        path: the file.
        name: its name, for messages.
        declared: endpoints that the policy calls safe.
        content_type: header of a body without a recorded one.

    Raises:
        DataError: The file is missing, unreadable or empty.
        PolicyError: The file contains bodies alone, and it is unknown to which endpoint they belong.
    """
    if not _has_requests(path, name):
        return _read_bodies(path, name, list(declared), content_type)
    content = read_payloads(path, name, objects=True, bodies=False)
    rows = (
        (position, _from_row(position, msgspec.json.decode(row), content_type))
        for position, row in zip(content.positions, content.rows, strict=True)
    )
    recording = _collect(rows, name)
    return Recording(
        requests=recording.requests,
        unreadable=recording.unreadable,
        truncated=content.truncated,
        fingerprint=content.fingerprint,
    )


def _has_requests(path: Path, name: str) -> bool:
    """Return whether the first row names a method and a path."""
    from ghmlops.measure.requests.payloads import ReadLimits

    try:
        with path.open("rb") as stream:
            head = stream.readline(_FIRST_LINE) if path.is_file() else b""
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint="check `shadow.requests`") from None
    if path.suffix.lower() == ".parquet" or head.startswith(b"PAR1"):
        head = read_payloads(path, name, ReadLimits(rows=1, size=_FIRST_LINE), objects=True, bodies=False).rows[0]
    try:
        first = msgspec.json.decode(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False  # The reader of bodies reports it, with its line.
    return isinstance(first, dict) and (("method" in first and "path" in first) or TRACE in first)


def _read_bodies(path: Path, name: str, declared: list[Endpoint], content_type: str) -> Recording:
    content = read_payloads(path, name)
    if len(declared) != 1 or "{" in declared[0].path:
        raise PolicyError(
            f"{name} contains request bodies without `method` and `path`, and `shadow.safe` does not name the one "
            "endpoint that they belong to",
            hint="write `safe: [POST /predict]`, or record `method` and `path` as well",
        )
    (endpoint,) = declared
    requests = [
        Recorded(
            row=position,
            method=endpoint.method,
            path=endpoint.path,
            headers={"content-type": content_type},
            body=body,
        )
        for position, body in zip(content.positions, content.bodies, strict=True)
    ]
    return Recording(requests=requests, truncated=content.truncated, fingerprint=content.fingerprint)


def _collect(rows: Iterable[tuple[int, Recorded | str]], name: str) -> Recording:
    recording = Recording(requests=[])
    for number, row in rows:
        if isinstance(row, str):
            recording.unreadable[number] = row
        else:
            recording.requests.append(row)
    if not recording.requests:
        reason = next(iter(recording.unreadable.values()), "it has no rows")
        raise DataError(f"{name}: the recording contains no request ({reason})", hint="record requests first")
    return recording


def _from_row(number: int, row: dict[str, Any], content_type: str) -> Recorded | str:
    recorded = recorded_row(row)
    if isinstance(recorded, str):
        return recorded
    method, path, headers, body = (recorded.get(key) for key in ("method", "path", "headers", "body"))
    if isinstance(headers, str):
        try:
            headers = msgspec.json.decode(headers)
        except (msgspec.DecodeError, RecursionError):
            return "its headers are no JSON object"
    if isinstance(headers, list):
        pairs = [(pair.get("name"), pair.get("value")) for pair in headers if isinstance(pair, dict)]
        headers = {name: value for name, value in pairs if isinstance(name, str)}
    if headers is not None and not isinstance(headers, dict):
        return "its headers are no object"
    data = body if body is None or isinstance(body, bytes) else _encoded(body)
    named = {str(key).lower(): value for key, value in (headers or {}).items() if isinstance(value, str)}
    if data is not None:
        named.setdefault("content-type", content_type)
    return _request(number, method, path, named, data)


def _encoded(body: object) -> bytes:
    """Return a body as it is sent: text unchanged, any other value as JSON."""
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else msgspec.json.encode(body)


def _from_har(number: int, request: _HarRequest) -> Recorded | str:
    try:
        parts = urlsplit(request.url)
        scheme, host = parts.scheme, parts.hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in ("http", "https") or not host:
        return "not an http address"
    data = None
    if request.post_data is not None:
        try:
            base64_body = request.post_data.encoding == "base64"
            text = request.post_data.text
            data = base64.b64decode(text, validate=True) if base64_body else text.encode()
        except (binascii.Error, ValueError):
            return "its body cannot be decoded"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {header.name.lower(): header.value for header in request.headers if not header.name.startswith(":")}
    return _request(number, request.method, path, headers, data)


def _request(number: int, method: object, path: object, headers: dict[str, str], body: bytes | None) -> Recorded | str:
    if not isinstance(method, str) or not _METHOD.fullmatch(method.upper()):
        return "it has no method"
    if not isinstance(path, str) or not path.startswith("/") or any(ord(c) <= 32 or ord(c) == 127 for c in path):
        return "it has no path that starts with /"
    return Recorded(row=number, method=method.upper(), path=path.partition("#")[0], headers=headers, body=body)
