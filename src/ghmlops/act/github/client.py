"""The connection to GitHub: who asks, which repository, and how a failing request is tried again.

Built on PyGithub, whose objects are made lazily so that only requests with a purpose are sent. Its own retries are off:
a write whose answer was lost is looked for before it is sent again, which only the caller can do.
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
from ghmlops.act.github import refusals
from ghmlops.core.context import is_repository
from ghmlops.core.errors import GitHubError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from github.Repository import Repository

T = TypeVar("T")
TIMEOUT = 30
"""Seconds for one answer."""
_ODD = (TypeError, AttributeError, ValueError, KeyError, AssertionError, RuntimeError, BadAttributeException)
"""What PyGithub raises where an answer is not what it expects: no JSON, no object, a redirect that leads nowhere."""


class _Http(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _checked(super().getresponse())


class _Https(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _checked(super().getresponse())


def _checked(response: RequestsResponse) -> RequestsResponse:
    """Return an answer that can be GitHub's; PyGithub would take others for empty lists and objects.

    It follows a 301 itself, as a repository that was renamed gives.
    """
    if 300 <= response.status < 400 and response.status != 301:
        raise ValueError(f"status {response.status}")
    if response.status in (200, 201) and not isinstance(json.loads(response.read()), dict | list):
        raise ValueError("neither an object nor a list")
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One token on one repository."""

    api: github.Github
    repository: str
    secret: str = field(repr=False)
    sleep: Callable[[float], None]
    note: Callable[[str], None]
    """Where a wait is told to a person."""
    patient: bool = True
    """Whether a failing request is tried again; off while cleaning up."""

    @property
    def repo(self) -> Repository:
        """The repository, without a request."""
        return self.api.get_repo(self.repository)

    @property
    def owner(self) -> str:
        """Owner of the repository."""
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
    """Give a client for `repository` on the server at `api_url`, and close its connections at the end.

    Raises:
        InputError: the token, address or repository is missing or malformed.
    """
    secret = token.strip()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise InputError("input `token` is not a token", hint="pass `token: ${{ github.token }}`")
    _check_api_url(api_url)
    if not is_repository(repository):
        raise InputError(
            "a token was given, but the repository is not known",
            hint="the runner sets GITHUB_REPOSITORY; set it to `owner/name`, or leave the token out",
        )
    Requester.injectConnectionClasses(_Http, _Https)  # PyGithub's only way; the same for every client
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
            "a token was given, but the address of GitHub's API is not known",
            hint="the runner sets GITHUB_API_URL; set it, or leave the token out to print the plan only",
        )
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable or "@" in url or "?" in url or "#" in url:  # not repeated: it may hold a password
        raise InputError(
            "GITHUB_API_URL is not an http or https address without user and query",
            hint="for example https://api.github.com, or https://HOST/api/v3 on an enterprise server",
        )


def told(value: T | None) -> T:
    """Return what an answer must hold; for use within `ask`, which turns its absence into an error."""
    if value is None:
        raise ValueError("the answer lacks what was asked for")
    return value


def ask(
    client: Client,
    call: Callable[[], T],
    *,
    doing: str,
    need: str,
    found: Callable[[], T | None] | None = None,
) -> T:
    """Send a request, again where GitHub asks to wait or the connection broke.

    Args:
        client: the connection.
        call: the request.
        doing: what it does, after "while", for messages: `writing the comment`.
        need: the permission it needs, as a workflow spells it.
        found: for a write that must not be done twice: looks for what an earlier try has done although its answer was
            lost, and returns `None` where there is nothing.

    What is read of an answer is read within `call`, so that an answer that is not GitHub's is noticed here.

    Raises:
        GitHubError: refused for good (`PermissionMissing` where the token is too weak), or given up; or the answer is
            not what GitHub's API gives.
    """
    limits = broken = 0
    tries = len(refusals.TRANSIENT_WAITS) if client.patient else 0
    while True:
        try:
            return call()
        except IncompletableObject:
            raise _odd(client, doing) from None
        except GithubException as error:
            if refusals.limited(error):
                wait = refusals.wait_for_limit(error.headers or {}, limits)
                limits += 1
                if not client.patient or wait > refusals.LONGEST_WAIT or limits >= refusals.LIMIT_TRIES:
                    raise refusals.rate_limited(wait, doing=doing) from None
                client.note(f"GitHub's rate limit: waiting {wait:.0f} s before {doing}")
                client.sleep(wait)
                continue
            if error.status not in refusals.TRANSIENT or broken >= tries:
                raise refusals.explain(error, doing=doing, need=need, secret=client.secret) from None
        except requests.RequestException as error:
            if broken >= tries:
                raise _unreachable(client, error, doing) from None
        except _ODD as error:
            raise _odd(client, doing) from error
        client.sleep(refusals.TRANSIENT_WAITS[broken])
        broken += 1
        if found and (earlier := found()) is not None:
            return earlier


def _odd(client: Client, doing: str) -> GitHubError:
    return GitHubError(
        f"{client.api.requester.base_url} gave an answer while {doing} that is not what GitHub's API gives",
        hint="check GITHUB_API_URL, and whether a proxy or a sign-in page answers in GitHub's place",
        reason_code="github-odd-answer",
    )


def _unreachable(client: Client, error: requests.RequestException, doing: str) -> GitHubError:
    kind = "did not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
    detail = refusals.clean(str(error), client.secret)
    return GitHubError(
        f"{client.api.requester.base_url} {kind} while {doing}: {detail}",
        hint="check the network, and GITHUB_API_URL on an enterprise server; then run the job again",
        reason_code="github-unreachable",
    )
