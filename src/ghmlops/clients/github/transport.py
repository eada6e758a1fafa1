"""One HTTP exchange with GitHub's API: redirects of renamed repositories, conditional requests, bounded responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ghmlops.clients.github.client import CACHE_ENTRIES, StoredResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.clients.github.client import Client

MAX_REDIRECTS = 3
"""Maximum redirects of one request."""
MAX_BYTES = 32 * 1024**2
"""Maximum bytes of a response, decompressed; 100 comments of the maximum length in escaped JSON stay below it."""
_MOVED = (301, 307, 308)
"""Statuses with which GitHub answers for a renamed repository; the same request is sent to the new address."""
_CHUNK = 64 * 1024


class Reply(NamedTuple):
    """A successful response of the API."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """JSON; `None` without a body."""


class Rejected(Exception):
    """GitHub answered with an error status."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        super().__init__(f"status {status}")
        self.status, self.body, self.headers = status, body, headers


class Unreadable(ValueError):
    """The response is truncated, or not one of GitHub's API."""


class Misdirected(Unreadable):
    """The response is a redirect that is not followed: to a sign-in page, to another server, or in a circle."""


class OutOfTime(Exception):
    """The deadline of the command has passed."""


def exchange(  # noqa: PLR0913  (the parts of one request)
    client: Client,
    method: str,
    url: str,
    *,
    parameters: Mapping[str, str | int] | None = None,
    body: object = None,
    expect_redirect: bool = False,
) -> Reply:
    """Send one request and return the response; a renamed repository is followed on the same server.

    A response to a GET that has an `ETag` is stored in the client. If the same address is read again, GitHub confirms
    an unchanged response with 304, which does not count towards the rate limit.

    Args:
        client: The connection.
        method: HTTP method.
        url: Complete address on the server of the API.
        parameters: Query.
        body: Value that is sent as JSON.
        expect_redirect: Return a 302, whose `location` may lead to another server, instead of an error.

    Raises:
        Rejected: The response has an error status.
        Unreadable: The response is not one of GitHub's API, or truncated.
        OutOfTime: The deadline has passed.
        requests.RequestException: The connection failed.
    """
    address = requests.Request(method, url, params=dict(parameters or {})).prepare().url or url
    stored = client.cache.get(address) if method == "GET" else None
    target = address
    for _ in range(MAX_REDIRECTS + 1):
        status, headers, data = _round_trip(client, method, target, body, stored)
        if status not in _MOVED:
            break
        target = _new_address(headers.get("location", ""), target)
    if status == 304 and stored:
        return Reply(200, stored.headers, _parsed(stored.body))
    if status == 302 and expect_redirect:
        return Reply(status, headers, None)
    if 300 <= status < 400:
        raise Misdirected(f"status {status}")
    if status >= 400:
        raise Rejected(status, _parsed_or_empty(data), headers)
    if status == 204:
        return Reply(status, headers, None)
    parsed = _parsed(data)
    if method == "GET" and headers.get("etag"):
        _store(client, address, StoredResponse(headers["etag"], data, headers))
    return Reply(status, headers, parsed)


def _round_trip(
    client: Client, method: str, url: str, body: object, stored: StoredResponse | None
) -> tuple[int, dict[str, str], bytes]:
    remaining = client.remaining()
    if remaining <= 0:
        raise OutOfTime
    headers = {"Authorization": f"Bearer {client.secret}", "Accept": "application/vnd.github+json"}
    if stored:
        headers["If-None-Match"] = stored.etag
    response = client.session.request(
        method,
        url,
        json=body,
        headers=headers,
        timeout=min(client.timeout, remaining),
        allow_redirects=False,
        stream=True,
    )
    with response:
        names = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, names, _read(client, response)


def _read(client: Client, response: requests.Response) -> bytes:
    """Return the body. It is read in the parts that arrive, because the time limit of a socket holds for each part."""
    data = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            data += chunk
            if len(data) > MAX_BYTES:
                raise Unreadable(f"more than {MAX_BYTES:,} bytes")
            if client.remaining() <= 0:
                raise requests.Timeout("the response did not end before the deadline of the command")
    except ReadTimeoutError as error:
        raise requests.Timeout(str(error)) from None
    except HTTPError as error:
        raise requests.ConnectionError(str(error)) from None
    return bytes(data)


def _new_address(location: str, url: str) -> str:
    """Return the address that a renamed repository has now. It must be on the same server, which receives the token.

    Raises:
        Misdirected: The address is missing, unchanged, or on another server.
    """
    address = urljoin(url, location)
    try:
        same = urlsplit(address)[:2] == urlsplit(url)[:2]
    except ValueError:
        same = False
    if not location or not same or address == url:
        raise Misdirected("a redirect that leads nowhere")
    return address


def _parsed(data: bytes) -> object:
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON, or truncated") from None
    if not isinstance(value, dict | list):
        raise Unreadable("neither an object nor a list")
    return value


def _parsed_or_empty(data: bytes) -> object:
    try:
        return _parsed(data)
    except Unreadable:  # the page of a proxy
        return {}


def _store(client: Client, address: str, response: StoredResponse) -> None:
    if len(client.cache) >= CACHE_ENTRIES:
        client.cache.pop(next(iter(client.cache)))
    client.cache[address] = response
