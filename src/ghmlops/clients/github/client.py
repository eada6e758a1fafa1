"""An authenticated connection to one repository on GitHub, with retries.

Built on PyGithub. Its objects are created lazily, so that only necessary requests are sent. Its own retries are off:
after a write whose response was lost, only the caller can look whether the write took effect before sending it again.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import github
import requests
from github import BadAttributeException, GithubException, IncompletableObject
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse

from ghmlops import __version__
from ghmlops.clients import retry
from ghmlops.clients.github import errors
from ghmlops.core.context import is_repository
from ghmlops.core.errors import GitHubError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from github.Repository import Repository

T = TypeVar("T")
TIMEOUT = 30
"""Maximum seconds for one response."""
_UNEXPECTED = (TypeError, AttributeError, ValueError, KeyError, AssertionError, RuntimeError, BadAttributeException)
"""What PyGithub raises if a response is not what it expects: no JSON, no object, a redirect that leads nowhere."""


class _Http(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _checked(super().getresponse())


class _Https(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _checked(super().getresponse())


def _checked(response: RequestsResponse) -> RequestsResponse:
    """Return a response that can come from GitHub; PyGithub would treat others as empty lists and objects.

    PyGithub itself follows a 301, with which GitHub answers for a renamed repository.

    Raises:
        ValueError: The response is a redirect, or its JSON is neither an object nor a list.
    """
    if 300 <= response.status < 400 and response.status != 301:
        raise ValueError(f"status {response.status}")
    if response.status in (200, 201) and not isinstance(json.loads(response.read()), dict | list):
        raise ValueError("neither an object nor a list")
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A connection to one repository with one token."""

    api: github.Github
    repository: str
    """`owner/name`."""
    secret: str = field(repr=False)
    """The token."""
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    """Reports a wait to the user."""
    retries: bool = True
    """Whether a failed request is sent again; off while cleaning up."""

    @property
    def repo(self) -> Repository:
        """The repository as an object of PyGithub, without a request."""
        return self.api.get_repo(self.repository)

    @property
    def owner(self) -> str:
        """The owner of the repository."""
        return self.repository.partition("/")[0]


@contextlib.contextmanager
def connect(
    *,
    token: str,
    api_url: str,
    repository: str,
    note: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Client]:
    """Yield a client for `repository` on the server at `api_url`; its connections are closed at the end.

    Args:
        token: Token that authenticates every request.
        api_url: Address of the API: `https://api.github.com`, or `https://HOST/api/v3` on an enterprise server.
        repository: `owner/name`.
        note: Reports a wait to the user.
        sleep: Waits for a number of seconds.

    Raises:
        InputError: The token, address or repository is missing or malformed.
    """
    secret = token.strip()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise InputError("input `token` is not a token", hint="pass `token: ${{ github.token }}`")
    _check_api_url(api_url)
    if not is_repository(repository):
        raise InputError(
            "the input `token` is set, but the repository is unknown",
            hint="the runner sets GITHUB_REPOSITORY; set it to `owner/name`, or leave the token out",
        )
    # PyGithub offers no other way to replace its connection classes; they are the same for every client.
    Requester.injectConnectionClasses(_Http, _Https)
    api = github.Github(
        auth=github.Auth.Token(secret),
        base_url=api_url.rstrip("/"),
        timeout=TIMEOUT,
        per_page=100,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        user_agent=f"ghmlops/{__version__}",
        lazy=True,
    )
    with api:
        yield Client(api=api, repository=repository, secret=secret, sleep=sleep, note=note)


def _check_api_url(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        raise InputError(
            "the input `token` is set, but the address of GitHub's API is unknown",
            hint="the runner sets GITHUB_API_URL; set it, or leave the token out to print the plan only",
        )
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable or "@" in url or "?" in url or "#" in url:
        # The address is not repeated, because it may contain a password.
        raise InputError(
            "GITHUB_API_URL is not an http or https address without user and query",
            hint="for example https://api.github.com, or https://HOST/api/v3 on an enterprise server",
        )


def require(value: T | None) -> T:
    """Return a value that a response must contain. Call it within `send`, which turns its absence into an error.

    Raises:
        ValueError: The value is absent.
    """
    if value is None:
        raise ValueError("the response lacks a required value")
    return value


def send(
    client: Client,
    request: Callable[[], T],
    *,
    activity: str,
    permission: str,
    find_existing: Callable[[], T | None] | None = None,
) -> T:
    """Send a request; send it again after a rate limit, a transient error or a broken connection.

    `request` must also read all values that are used of its response, so that a response that is not GitHub's is
    detected here.

    Args:
        client: The connection.
        request: Sends the request and returns its result.
        activity: What the request does, as it follows "while" in messages: `writing the comment`.
        permission: The permission that the request requires, as written in a workflow.
        find_existing: For a write that must not be repeated: looks for the result of an earlier try whose response was
            lost, and returns `None` if it finds nothing.

    Raises:
        GitHubError: GitHub rejected the request (`PermissionMissing` if the token is insufficient), it failed after all
            retries, or the response is not one of GitHub's API.
    """
    rate_limits = transient_failures = 0
    max_transient_failures = len(retry.TRANSIENT_DELAYS) if client.retries else 0
    while True:
        try:
            return request()
        except IncompletableObject:
            raise _unexpected_response(client, activity) from None
        except GithubException as error:
            if errors.rate_limited(error):
                _wait_for_rate_limit(client, error, rate_limits, activity)
                rate_limits += 1
                continue
            if error.status not in retry.TRANSIENT_STATUSES or transient_failures >= max_transient_failures:
                raise errors.response_error(
                    error, activity=activity, permission=permission, secret=client.secret
                ) from None
        except requests.RequestException as error:
            if transient_failures >= max_transient_failures:
                raise _unreachable(client, error, activity) from None
        except _UNEXPECTED as error:
            raise _unexpected_response(client, activity) from error
        client.sleep(retry.TRANSIENT_DELAYS[transient_failures])
        transient_failures += 1
        if find_existing and (existing := find_existing()) is not None:
            return existing


def _wait_for_rate_limit(client: Client, error: GithubException, attempt: int, activity: str) -> None:
    """Sleep until the rate limit ends.

    Raises:
        GitHubError: The rate limit ends too late, or was met too often.
    """
    delay = retry.rate_limit_delay(error.headers or {}, attempt)
    last_try = attempt + 1 >= retry.MAX_RATE_LIMIT_TRIES
    if not client.retries or delay > retry.MAX_RATE_LIMIT_DELAY or last_try:
        raise errors.rate_limit_error(delay, activity=activity) from None
    client.note(f"GitHub's rate limit: waiting {delay:.0f} s before {activity}")
    client.sleep(delay)


def _unexpected_response(client: Client, activity: str) -> GitHubError:
    return GitHubError(
        f"{client.api.requester.base_url} sent a response while {activity} that is not one of GitHub's API",
        hint="check GITHUB_API_URL, and whether a proxy or a sign-in page answers instead of GitHub",
        reason_code="github-odd-answer",
    )


def _unreachable(client: Client, error: requests.RequestException, activity: str) -> GitHubError:
    problem = "did not respond in time" if isinstance(error, requests.Timeout) else "cannot be reached"
    detail = errors.clean_message(str(error), client.secret)
    return GitHubError(
        f"{client.api.requester.base_url} {problem} while {activity}: {detail}",
        hint="check the network, and GITHUB_API_URL on an enterprise server; then run the job again",
        reason_code="github-unreachable",
    )
