"""Calls of GitHub's API: what is retried, what is looked for before it is sent again, and what becomes an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import requests

from ghmlops.clients import retry
from ghmlops.clients.github import errors
from ghmlops.clients.github.transport import Misdirected, OutOfTime, Rejected, exchange
from ghmlops.clients.github.waits import Tries, failure_error, final, pause, search, wait_after_rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.clients.github.client import Client

T = TypeVar("T")
PAGE = 100
"""Items per page, the maximum of GitHub."""
MAX_PAGES = 100
"""Maximum pages of a list."""


def url_of(client: Client, address: str) -> str:
    """Return the complete address of `address`: below the repository, or below the API if it starts with a slash."""
    path = address if address.startswith("/") else f"/repos/{client.repository}/{address}"
    return client.api_url + path


def read(  # noqa: PLR0913  (the parts of one call)
    client: Client,
    address: str,
    result_type: type[T],
    *,
    activity: str,
    permission: str,
    parameters: Mapping[str, str | int] | None = None,
) -> T:
    """Read one object.

    Args:
        client: The connection.
        address: Address below the repository; one that starts with a slash is below the API.
        result_type: Type of the response; a response of another form is an error.
        activity: What the call does, as it follows "while" in messages: `reading run 42`.
        permission: The permission that the call requires, as written in a workflow.
        parameters: Query.

    Raises:
        GitHubError: GitHub rejected the request (`PermissionMissing` if the token is insufficient), it failed after all
            retries, or the response is not one of GitHub's API.
    """
    return send(
        client,
        lambda: msgspec.convert(
            exchange(client, "GET", url_of(client, address), parameters=parameters).body, result_type
        ),
        activity=activity,
        permission=permission,
    )


def read_pages(  # noqa: PLR0913  (the parts of one call)
    client: Client,
    address: str,
    item_type: type[T],
    *,
    activity: str,
    permission: str,
    parameters: Mapping[str, str | int] | None = None,
    key: str = "",
    page_size: int = PAGE,
    max_pages: int = MAX_PAGES,
) -> Iterator[list[T]]:
    """Yield the pages of a list; each page is retried by itself. The list ends with a page that names no next one.

    Args:
        client: The connection.
        address: Address below the repository.
        item_type: Type of one item.
        activity: What the call does, as it follows "while" in messages.
        permission: The permission that the call requires.
        parameters: Query.
        key: Name of the list in the response; empty if the response is the list.
        page_size: Items per page.
        max_pages: Maximum number of pages.

    Raises:
        GitHubError: As for `read`.
    """

    def read_page(page: int) -> tuple[list[T], bool]:
        query = {**(parameters or {}), "per_page": page_size, "page": page}
        reply = exchange(client, "GET", url_of(client, address), parameters=query)
        items = reply.body
        if key:
            items = items.get(key) if isinstance(items, dict) else None
        return msgspec.convert(items, list[item_type]), 'rel="next"' in reply.headers.get("link", "")  # type: ignore[valid-type]

    for page in range(1, max_pages + 1):
        items, more = send(client, _bound(read_page, page), activity=activity, permission=permission)
        yield items
        if not more:
            return


def _bound(call: Callable[[int], T], page: int) -> Callable[[], T]:
    return lambda: call(page)


def write(  # noqa: PLR0913  (the parts of one call)
    client: Client,
    method: str,
    address: str,
    result_type: type[T],
    *,
    body: object,
    activity: str,
    permission: str,
    find_existing: Callable[[], T | None] | None = None,
) -> T:
    """Write one object.

    Args:
        client: The connection.
        method: `POST`, `PATCH` or `DELETE`.
        address: Address below the repository.
        result_type: Type of the response.
        body: Value that is sent as JSON.
        activity: What the call does, as it follows "while" in messages.
        permission: The permission that the call requires.
        find_existing: Looks for the result of this write; see `send`.

    Raises:
        UnknownResult: The write may have taken effect or not.
        GitHubError: As for `read`.
    """
    return send(
        client,
        lambda: msgspec.convert(exchange(client, method, url_of(client, address), body=body).body, result_type),
        activity=activity,
        permission=permission,
        find_existing=find_existing,
        is_write=True,
    )


def send(  # noqa: PLR0913  (the parts of one call)
    client: Client,
    request: Callable[[], T],
    *,
    activity: str,
    permission: str,
    find_existing: Callable[[], T | None] | None = None,
    is_write: bool = False,
) -> T:
    """Send a request; send it again after a rate limit, a transient error, a broken connection or a truncated response.

    After a rate limit, GitHub has not performed the request. After every other of these failures, it may have: a write
    that must not be repeated is looked for several times, with growing pauses, because lists lag behind writes, and
    only repeated if the last look succeeded and found nothing.

    Args:
        client: The connection.
        request: Sends the request and returns its result; a `ValueError` means that the response is not GitHub's.
        activity: What the request does, as it follows "while" in messages: `writing the comment`.
        permission: The permission that the request requires, as written in a workflow.
        find_existing: For a write that must not be repeated: looks for the result of an earlier try whose response was
            lost, and returns `None` if it finds nothing.
        is_write: Whether the request changes something on GitHub.

    Raises:
        UnknownResult: The write may have taken effect or not.
        GitHubError: GitHub rejected the request (`PermissionMissing` if the token is insufficient), it failed after all
            retries, or the response is not one of GitHub's API.
    """
    tries = Tries()
    while True:
        try:
            return request()
        except OutOfTime:
            raise errors.time_error(activity=activity, uncertain=tries.uncertain) from None
        except Rejected as rejection:
            transient = wait_after_rejection(client, rejection, tries, activity=activity, permission=permission)
            if transient is None:
                continue
            error = transient
        except (requests.RequestException, ValueError) as failure:
            error = failure_error(client, failure, activity)
            if isinstance(failure, Misdirected):
                raise error from None
        tries.uncertain = tries.uncertain or is_write
        if find_existing is not None:
            if (existing := search(client, find_existing, error)) is not None:
                return existing
        elif tries.failures < len(retry.TRANSIENT_DELAYS):
            pause(client, retry.TRANSIENT_DELAYS[tries.failures], final(error, uncertain=tries.uncertain))
        if tries.failures >= len(retry.TRANSIENT_DELAYS):
            raise final(error, uncertain=tries.uncertain)
        tries.failures += 1
