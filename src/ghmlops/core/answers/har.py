"""Requests as an HTTP archive (HAR 1.2), which browsers, proxies and `shadow` read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ENTRIES = 200
_UNKNOWN = -1
"""HAR's notation of a size or time that is not known."""


class HarRequest(NamedTuple):
    """A request of an archive; `comment` says why it is there."""

    method: str
    url: str
    body: bytes | None
    content_type: str
    comment: str


def write_har(requests: Iterable[HarRequest], started: str) -> bytes:
    """Return an archive of requests without their answers.

    Args:
        requests: the requests; those beyond `MAX_ENTRIES` are left out.
        started: time of the run in ISO 8601, the start of every entry.
    """
    entries = [_entry(request, started) for request in list(requests)[:MAX_ENTRIES]]
    creator = {"name": "ghmlops", "version": "1"}
    return msgspec.json.format(
        msgspec.json.encode({"log": {"version": "1.2", "creator": creator, "entries": entries}}), indent=1
    )


def _entry(request: HarRequest, started: str) -> dict[str, object]:
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    headers = [{"name": "content-type", "value": request.content_type}] if request.body is not None else []
    sent: dict[str, object] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body or b""),
    }
    if request.body is not None:
        # A body that is not UTF-8 cannot be written as text; HAR has no other notation for requests.
        sent["postData"] = {"mimeType": request.content_type, "text": request.body.decode("utf-8", "replace")}
    answer = {
        "status": 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }
    timings = {"send": _UNKNOWN, "wait": _UNKNOWN, "receive": _UNKNOWN}
    return {
        "startedDateTime": started,
        "time": 0,
        "request": sent,
        "response": answer,
        "cache": {},
        "timings": timings,
        "comment": request.comment,
    }
