"""What follows a call that failed: whether it may be repeated, and how long to wait before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

import requests

from ghmlops.clients import retry
from ghmlops.clients.github import errors
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from ghmlops.clients.github.transport import Rejected

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Tries:
    """What happened to one request so far.

    Attributes:
        rate_limits: Number of rate limits.
        missing: Number of responses 404, which may lag behind a write.
        failures: Number of transient failures.
        uncertain: Whether a write may have taken effect.
    """

    rate_limits: int = 0
    missing: int = 0
    failures: int = 0
    uncertain: bool = False


def wait_after_rejection(
    client: Client, rejection: Rejected, tries: Tries, *, activity: str, permission: str
) -> GitHubError | None:
    """Wait after a rejection without an effect and return `None`; return the error of a transient failure.

    Raises:
        GitHubError: The rejection is final, or the wait would end after the deadline.
    """
    if errors.rate_limited(rejection):
        _wait_for_rate_limit(client, rejection, tries.rate_limits, activity, uncertain=tries.uncertain)
        tries.rate_limits += 1
        return None
    error = errors.response_error(rejection, activity=activity, permission=permission, secret=client.secret)
    if rejection.status == 404 and tries.missing < len(retry.NOT_FOUND_DELAYS):
        pause(client, retry.NOT_FOUND_DELAYS[tries.missing], error)
        tries.missing += 1
        return None
    if rejection.status not in retry.TRANSIENT_STATUSES:
        raise error from None
    return error


def failure_error(client: Client, failure: Exception, activity: str) -> GitHubError:
    """Return the error for a connection that broke, or a response that is truncated or not GitHub's."""
    if isinstance(failure, requests.RequestException):
        return errors.unreachable_error(failure, api_url=client.api_url, activity=activity, secret=client.secret)
    return errors.unexpected_response_error(client.api_url, activity=activity)


def final(error: GitHubError, *, uncertain: bool) -> GitHubError:
    """Return the error that ends a call; `UnknownResult` if a write may have taken effect."""
    return errors.UnknownResult.of(error) if uncertain else error


def pause(client: Client, seconds: float, error: GitHubError) -> None:
    """Sleep before the next try; raise `error` if the deadline comes first."""
    if client.remaining() <= seconds:
        raise error from None
    client.sleep(seconds)


def search(client: Client, find_existing: Callable[[], T | None], error: GitHubError) -> T | None:
    """Look for the result of a write whose response was lost.

    Raises:
        UnknownResult: There is no time left, or the last look failed, so that a repetition could double the write.
    """
    failed = False
    for seconds in retry.SEARCH_DELAYS:
        pause(client, seconds, errors.UnknownResult.of(error))
        try:
            existing = find_existing()
        except GitHubError:
            failed = True
            continue
        failed = False
        if existing is not None:
            return existing
    if failed:
        raise errors.UnknownResult.of(error) from None
    return None


def _wait_for_rate_limit(client: Client, rejection: Rejected, attempt: int, activity: str, *, uncertain: bool) -> None:
    """Sleep until the rate limit ends.

    Raises:
        GitHubError: The rate limit ends after the deadline, or was met too often.
    """
    delay = retry.rate_limit_delay(rejection.headers, attempt)
    if delay >= client.remaining() or attempt + 1 >= retry.MAX_RATE_LIMIT_TRIES:
        error = errors.rate_limit_error(delay, client.remaining(), activity=activity)
        _raise(final(error, uncertain=uncertain))
    client.note(f"GitHub's rate limit: waiting {delay:.0f} s before {activity}")
    client.sleep(delay)


def _raise(error: GitHubError) -> NoReturn:
    raise error from None
