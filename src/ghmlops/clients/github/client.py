"""An authenticated connection to one repository on GitHub, with one deadline for all that a command does with it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from ghmlops import __version__
from ghmlops.core.context import is_repository
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIME_LIMIT = 300.0
"""Seconds that a command may spend on GitHub's API, waits included; jobs of this project may last 900 s and more."""
TIMEOUT = 30.0
"""Maximum seconds until GitHub sends the next part of a response."""
CACHE_ENTRIES = 64
"""Maximum number of responses that are kept for conditional requests."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The body of an earlier response, which GitHub may confirm with 304 instead of sending it again."""

    etag: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A connection to one repository with one token."""

    session: requests.Session
    api_url: str
    """Address of the API without a trailing slash."""
    repository: str
    """`owner/name`."""
    secret: str = field(repr=False)
    """The token."""
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    """Monotonic time in seconds."""
    deadline: float
    """Time of `clock` after which nothing is sent and nothing is waited for."""
    note: Callable[[str], None]
    """Reports a wait to the user."""
    timeout: float = TIMEOUT
    """Maximum seconds until the next part of a response."""
    cache: dict[str, StoredResponse] = field(default_factory=dict, repr=False)
    """Responses by address, for conditional requests."""
    identity: dict[str, str] = field(default_factory=dict)
    """The login of the token under the key `login`, once it was read."""

    @property
    def owner(self) -> str:
        """The owner of the repository."""
        return self.repository.partition("/")[0]

    @property
    def is_enterprise(self) -> bool:
        """Whether the API is that of an enterprise server."""
        return self.api_url.endswith("/api/v3")

    def remaining(self) -> float:
        """Return the seconds until the deadline; negative after it."""
        return self.deadline - self.clock()

    def with_time(self, seconds: float) -> Client:
        """Return the same connection with a deadline in `seconds` from now, to close what was started."""
        return replace(self, deadline=self.clock() + seconds)


@contextlib.contextmanager
def connect(  # noqa: PLR0913  (the parts of one connection)
    *,
    token: str,
    api_url: str,
    repository: str,
    note: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    time_limit: float = TIME_LIMIT,
    timeout: float = TIMEOUT,
) -> Iterator[Client]:
    """Yield a client for `repository` on the server at `api_url`; its connections are closed at the end.

    A command opens one connection, so that it has one deadline. The time limit must be shorter than that of the job, so
    that the command can close what it started.

    Args:
        token: Token that authenticates every request.
        api_url: Address of the API: `https://api.github.com`, or `https://HOST/api/v3` on an enterprise server.
        repository: `owner/name`.
        note: Reports a wait to the user.
        sleep: Waits for a number of seconds.
        clock: Monotonic time in seconds.
        time_limit: Seconds for all requests and waits together.
        timeout: Maximum seconds until the next part of a response.

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
    with requests.Session() as session:
        # The proxy and certificates of the environment, read once; nothing else, such as passwords of a .netrc file.
        settings = session.merge_environment_settings(api_url, {}, None, None, None)
        session.trust_env, session.proxies, session.verify = False, settings["proxies"], settings["verify"]
        session.headers["User-Agent"] = f"ghmlops/{__version__}"
        yield Client(
            session=session,
            api_url=api_url.rstrip("/"),
            repository=repository,
            secret=secret,
            sleep=sleep,
            clock=clock,
            deadline=clock() + time_limit,
            note=note,
            timeout=timeout,
        )


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
